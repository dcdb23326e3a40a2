"""A whole training of an upscaling network: from photographs to a pack, with samples on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from pydantic import ValidationError

from pastiche_daemon import __version__
from pastiche_daemon.about_pack import read_about
from pastiche_daemon.checkpoints import check_resumption
from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.loss_curves import draw_loss_curves
from pastiche_daemon.nn.degradation import reduced
from pastiche_daemon.nn.encoder import Pooling, UnknownLayerError
from pastiche_daemon.nn.runtime import Precision, keep_freed_memory
from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec, enlarged
from pastiche_daemon.packs.archive import write_pack
from pastiche_daemon.packs.manifest import (
    WEIGHTS_NAME,
    TrainingProvenance,
    UpscalerManifest,
)
from pastiche_daemon.packs.network import network_tensors, upscaler_architecture_of
from pastiche_daemon.photographs import (
    RandomCrops,
    find_photographs,
    load_picture,
    picture_tensor,
    tensor_picture,
)
from pastiche_daemon.provenance import judged_by, made_here, names_sha256, trained_as
from pastiche_daemon.train_upscaler import (
    UpscalerTraining,
    UpscaleStep,
    UpscaleTrainConfig,
    UpscaleWeights,
)
from pastiche_daemon.training_schedule import TrainingError

SAMPLE_SIZE = 256
"""The part of a sample picture that is shown, in pixels of the large picture."""

# Photographs are scaled down by up to this beyond the crop: sharp details, whatever the camera did.
_ZOOM = 2.0


@dataclass(frozen=True)
class UpscalerRequest:
    """All that a training is told. Paths may be relative; they are recorded as given."""

    photographs: Path
    folder: Path
    encoder: str
    encoder_weights: Path
    command: str
    about: Path | None = None
    pooling: Pooling | None = None
    samples: tuple[Path, ...] = ()
    spec: UpscalerSpec = field(default_factory=UpscalerSpec)
    weights: UpscaleWeights = field(default_factory=UpscaleWeights)
    steps: int = 10_000
    batch_size: int = 4
    crop_size: int = 288
    learning_rate: float = 1e-3
    blur: tuple[float, float] = (1.0, 1.0)
    antialias: bool = True
    seed: int = 0
    precision: Precision = "float32"
    resume: bool = False


class UpscalerRun:
    """Everything checked and loaded; `steps` trains, `finish` writes the pack.

    Raises `TrainingError`, `PictureError` or `EncoderFileError` before anything is written.
    """

    def __init__(self, request: UpscalerRequest, device: torch.device) -> None:
        self.request = request
        self._about = read_about(request.about, request.folder)
        self._samples = [load_picture(path) for path in request.samples]
        for path, sample in zip(request.samples, self._samples, strict=True):
            if min(sample.size) < 2 * request.spec.factor:
                raise TrainingError(f"sample: {path} is too small to be reduced")
        found = find_photographs(request.photographs)
        self.skipped = found.skipped
        self.photograph_count = len(found.paths)
        self._loaded = load_encoder(
            request.encoder, request.encoder_weights, pooling=request.pooling
        )
        check_resumption(request.folder, resume=request.resume)
        keep_freed_memory()
        config = UpscaleTrainConfig(
            spec=request.spec,
            weights=request.weights,
            steps=request.steps,
            batch_size=request.batch_size,
            crop_size=request.crop_size,
            learning_rate=request.learning_rate,
            blur=request.blur,
            antialias=request.antialias,
            seed=request.seed,
            precision=request.precision,
        )
        try:
            self._loaded.encoder.check_layers(request.weights.layers)
        except UnknownLayerError as error:
            raise TrainingError(f"encoder weights: {error}") from error
        self.training = UpscalerTraining(
            config,
            self._loaded.encoder,
            RandomCrops(found.paths, request.crop_size, request.seed, zoom=_ZOOM, enlarge=False),
            request.folder,
            fingerprint={
                "encoder": self._loaded.sha256,
                "photographs": names_sha256(found.paths),
            },
            device=device,
        )
        self._manifest()  # what is wrong with it must not be found out after hours

    def steps(self, *, checkpoint_seconds: float, sample_every: int) -> Iterator[UpscaleStep]:
        """Train the remaining steps; writes sample pictures and loss curves as it goes."""
        for report in self.training.steps(checkpoint_seconds=checkpoint_seconds):
            yield report
            if sample_every and report.step % sample_every == 0:
                self.write_samples(report.step)
        draw_loss_curves(self.training.history, self.request.folder / "losses.png")

    def write_samples(self, step: int) -> None:
        """Write the middle of every sample, reduced and upscaled again, and the loss curves."""
        draw_loss_curves(self.training.history, self.request.folder / "losses.png")
        if not self._samples:
            return
        network = self.training.averaged_network()
        config = self.training.config
        rows = [
            sample_row(network, sample, blur=config.blur[1], antialias=config.antialias)
            for sample in self._samples
        ]
        sheet = contact_sheet(
            rows,
            row_labels=[path.stem for path in self.request.samples],
            column_labels=["photograph", "bicubic", "network"],
            cell=2 * SAMPLE_SIZE,
        )
        sheet.save(self.request.folder / f"samples-{step:06d}.png")

    def finish(self) -> Path:
        """Write the finished pack into the run's folder and return its path."""
        weights = network_tensors(self.training.averaged_network())
        path = self.request.folder / f"{self._about.id}.pastiche"
        write_pack(path, self._manifest(), {WEIGHTS_NAME: weights})
        return path

    def _manifest(self) -> UpscalerManifest:
        """What the pack would say if the training ended now. Raises `TrainingError`."""
        about = self._about
        spec = self.training.config.spec
        try:
            return UpscalerManifest(
                id=about.id,
                version=about.version,
                display_name=about.display_name,
                description=about.description,
                least_daemon_version=__version__,
                architecture=upscaler_architecture_of(spec),
                license=about.license,
                attribution=about.attribution,
                training=self._provenance(),
            )
        except ValidationError as error:
            raise TrainingError(f"the pack cannot be described: {error}") from error

    def _provenance(self) -> TrainingProvenance:
        config = self.training.config
        weights = config.weights
        return TrainingProvenance(
            command=self.request.command,
            dataset=self._about.dataset,
            photographs=self.photograph_count,
            steps=config.steps,
            content_layers=dict(weights.layers),
            style_layers={},
            weights={
                "feature": weights.feature,
                "pixel": weights.pixel,
                "pixel_exponent": 1.0 if weights.pixel_distance == "l1" else 2.0,
                "tv": weights.tv,
                "grid": weights.grid,
                "blur_least": config.blur[0],
                "blur_largest": config.blur[1],
                "antialias": float(config.antialias),
            },
            seconds=round(self.training.seconds, 1),
            **judged_by(self._loaded),
            **trained_as(config),
            **made_here(),
            notes=self.training.notes,
        )


@torch.inference_mode()
def sample_row(
    network: UpscalerNetwork, sample: Image.Image, *, blur: float, antialias: bool
) -> list[Image.Image]:
    """The middle of a picture at twice its size: itself, and reduced, bicubic and from the network.

    ``blur`` and ``antialias`` are those of `degradation.reduced`.
    """
    factor = network.spec.factor
    side = min(*sample.size, SAMPLE_SIZE)
    side -= side % factor
    left, top = (sample.width - side) // 2, (sample.height - side) // 2
    image = picture_tensor(sample.crop((left, top, left + side, top + side))).contiguous()
    small = reduced(image, factor, blur=blur, antialias=antialias)
    pictures = (image, enlarged(small, factor), network(small))
    return [
        tensor_picture(picture[0]).resize((2 * side, 2 * side), Image.Resampling.NEAREST)
        for picture in pictures
    ]
