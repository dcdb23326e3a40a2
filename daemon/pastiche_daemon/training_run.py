"""A whole training: from folders of pictures to a style pack, with samples on the way."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor

from pastiche_daemon import __version__
from pastiche_daemon.about_pack import read_about, style_id
from pastiche_daemon.checkpoints import check_resumption
from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.encoders import LoadedEncoder, load_encoder
from pastiche_daemon.loss_curves import draw_loss_curves
from pastiche_daemon.nn.encoder import Encoder, Pooling, UnknownLayerError
from pastiche_daemon.nn.runtime import keep_freed_memory, prepare_image
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import read_pack, write_pack
from pastiche_daemon.packs.errors import PackError
from pastiche_daemon.packs.manifest import (
    Manifest,
    SliderRange,
    StyleEntry,
    TrainingLosses,
    TrainingProvenance,
)
from pastiche_daemon.packs.network import architecture_of, load_network, network_tensors
from pastiche_daemon.photographs import (
    PictureError,
    RandomCrops,
    find_photographs,
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)
from pastiche_daemon.provenance import (
    file_sha256,
    judged_by,
    made_here,
    names_sha256,
    term_weights,
    trained_as,
)
from pastiche_daemon.train import TrainConfig, Training
from pastiche_daemon.training_losses import LOSSES, StepReport, read_losses
from pastiche_daemon.training_schedule import TrainingError
from pastiche_daemon.workers import Workers

PREVIEW_SIZE = 256
SAMPLE_SIZE = 512


@dataclass(frozen=True)
class TrainingRequest:
    """All that a training is told. Paths may be relative; they are recorded as given.

    The number of styles in ``config`` is not looked at, nor is its emphasis. ``like`` is the name
    of the preset that it comes from. ``start_from`` is a pack whose network, with its weights, is
    the start; its styles are taken over by their ids, and others begin as the mean of all.
    """

    photographs: Path
    styles: tuple[Path, ...]
    folder: Path
    encoder: str
    encoder_weights: Path
    command: str
    config: TrainConfig
    like: str = ""
    about: Path | None = None
    pooling: Pooling | None = None
    samples: tuple[Path, ...] = ()
    style_size: int = 512
    emphasis: Mapping[str, float] = field(default_factory=dict[str, float])
    start_from: Path | None = None
    resume: bool = False


class TrainingRun:
    """Everything checked and loaded; `steps` trains, `finish` writes the pack.

    Raises `TrainingError`, `PictureError` or `EncoderFileError` before anything is written.
    """

    def __init__(
        self, request: TrainingRequest, device: torch.device, workers: Workers | None = None
    ) -> None:
        self.request = request
        if not request.styles:
            raise TrainingError("styles: give at least one picture")
        ids = [style_id(path) for path in request.styles]
        if len(set(ids)) != len(ids):
            raise TrainingError(
                f"styles: two pictures have the same name: {', '.join(sorted(ids))}"
            )
        unknown = sorted(set(request.emphasis) - set(ids))
        if unknown:
            raise TrainingError(
                f"emphasis: no style is called {unknown[0]}; there are {', '.join(ids)}"
            )
        pictures = [load_picture(path) for path in request.styles]
        self._samples = [load_picture(path) for path in request.samples]
        self._about = read_about(request.about, request.folder)
        found = find_photographs(request.photographs)
        self.skipped = found.skipped
        self.photograph_count = len(found.paths)
        self._loaded = load_encoder(
            request.encoder, request.encoder_weights, pooling=request.pooling
        )
        check_resumption(request.folder, resume=request.resume)
        keep_freed_memory()
        start, self._start_note, start_hash = _start(request, ids)
        try:
            spec = request.config.spec if start is None else start.spec
            shares = tuple(request.emphasis.get(name, 1.0) for name in ids)
            config = replace(
                request.config,
                spec=replace(spec, styles=len(ids)),
                emphasis=shares if request.emphasis else (),
            )
        except ValueError as error:
            raise TrainingError(str(error)) from error
        weights = config.weights
        self._style_hashes = {
            name: file_sha256(path) for name, path in zip(ids, request.styles, strict=True)
        }
        try:
            self._loaded.encoder.check_layers([*weights.content_layers, *weights.style_layers])
        except UnknownLayerError as error:
            raise TrainingError(f"encoder weights: {error}") from error
        self.training = Training(
            config,
            self._loaded.encoder,
            RandomCrops(found.paths, config.crop_size, config.seed),
            [picture_tensor(fit_long_side(p, request.style_size)) for p in pictures],
            request.folder,
            fingerprint={
                "styles": self._style_hashes,
                "style_size": request.style_size,
                "encoder": self._loaded.sha256,
                **({"start": start_hash} if start_hash else {}),
                "photographs": names_sha256(found.paths),
            },
            device=device,
            start=start,
            workers=workers,
        )
        self._manifest()  # what is wrong with it must not be found out after hours

    def steps(self, *, checkpoint_seconds: float, sample_every: int) -> Iterator[StepReport]:
        """Train the remaining steps; writes sample pictures and loss curves as it goes."""
        for report in self.training.steps(checkpoint_seconds=checkpoint_seconds):
            yield report
            if sample_every and report.step % sample_every == 0:
                self.write_samples(report.step)
        draw_loss_curves(read_losses(self.request.folder / LOSSES), self._path("losses.png"))

    def write_samples(self, step: int) -> None:
        """Write the samples in every style as one labelled picture, and the loss curves so far."""
        draw_loss_curves(read_losses(self.request.folder / LOSSES), self._path("losses.png"))
        if not self._samples:
            return
        network = self.training.averaged_network()
        fitted = [fit_long_side(sample, SAMPLE_SIZE) for sample in self._samples]
        rows = [[sample, *stylize_in_every_style(network, sample)] for sample in fitted]
        sheet = contact_sheet(
            rows,
            row_labels=[path.stem for path in self.request.samples],
            column_labels=["photograph", *self._style_hashes],
        )
        sheet.save(self._path(f"samples-{step:06d}.jpg"), quality=90)

    def finish(self) -> Path:
        """Write the finished pack into the run's folder and return its path."""
        network = self.training.averaged_network()
        files: dict[str, bytes] = {"weights.safetensors": network_tensors(network)}
        if self._samples:
            photograph = fit_long_side(self._samples[0], PREVIEW_SIZE)
            pictures = stylize_in_every_style(network, photograph)
            for name, picture in zip(self._style_hashes, pictures, strict=True):
                files[preview_path(name)] = webp(picture)
        path = self._path(f"{self._about.id}.pastiche")
        write_pack(path, self._manifest(), files)
        return path

    def _manifest(self) -> Manifest:
        """What the pack would say if the training ended now. Raises `TrainingError`."""
        about = self._about
        spec = self.training.config.spec
        normalization = self.training.config.weights.statistic.normalization
        try:
            return Manifest(
                id=about.id,
                version=about.version,
                display_name=about.display_name,
                description=about.description,
                least_daemon_version=__version__,
                architecture=architecture_of(spec),
                value_range=spec.value_range,
                gram_normalization="chw" if normalization == "johnson" else "hw",
                styles=[self._style_entry(name) for name in self._style_hashes],
                native_stroke_size=self.request.style_size,
                strength=SliderRange(minimum=0.0, maximum=1.0, default=1.0),
                stroke_size=SliderRange(minimum=0.25, maximum=4.0, default=1.0),
                license=about.license,
                attribution=about.attribution,
                training=self._provenance(self._loaded),
            )
        except ValidationError as error:
            raise TrainingError(f"the pack cannot be described: {error}") from error

    def _path(self, name: str) -> Path:
        return self.request.folder / name

    def _style_entry(self, name: str) -> StyleEntry:
        about = self._about.styles.get(name)
        return StyleEntry(
            id=name,
            display_name=about.display_name if about else name.replace("_", " ").title(),
            artist=about.artist if about else "",
            license=about.license if about else "",
            attribution=about.attribution if about else "",
            preview=preview_path(name) if self._samples else None,
        )

    def _provenance(self, loaded: LoadedEncoder[Encoder]) -> TrainingProvenance:
        config = self.training.config
        weights = config.weights
        return TrainingProvenance(
            command=self.request.command,
            dataset=self._about.dataset,
            photographs=self.photograph_count,
            steps=config.steps,
            content_layers=dict(weights.content_layers),
            style_layers=dict(weights.style_layers),
            weights=term_weights(weights, config.grid),
            losses=TrainingLosses(
                content_distance=weights.content_distance,
                content_normalization=weights.content_normalization,
                style_statistic=weights.statistic.kind,
                style_distance=weights.statistic.distance,
                style_normalization=weights.statistic.normalization,
                like=self.request.like,
            ),
            style_sha256=self._style_hashes,
            seconds=round(self.training.seconds, 1),
            **judged_by(loaded),
            **trained_as(config),
            **made_here(),
            notes=[*self._start_note, *self.training.notes],
        )


def stylize_in_every_style(network: TransformerNetwork, image: Image.Image) -> list[Image.Image]:
    """The picture in every style of the network."""
    pictures: list[Image.Image] = []
    tensor = prepare_image(network, picture_tensor(image))
    with torch.inference_mode():
        for row in torch.eye(network.spec.styles):
            pastiche: Tensor = network(tensor, row[None])
            pictures.append(tensor_picture(pastiche[0]))
    return pictures


def find_styles(paths: Sequence[Path], field: str = "styles") -> tuple[Path, ...]:
    """The given pictures; folders stand for all files in them.

    Raises `PictureError`, naming ``field``, where a path does not exist or a folder is empty.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [p for p in sorted(path.iterdir()) if p.is_file() and p.name[0] != "."]
            if not inside:
                raise PictureError(f"{field}: {path} is empty")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise PictureError(f"{field}: {path} does not exist")
    return tuple(found)


def _start(
    request: TrainingRequest, ids: Sequence[str]
) -> tuple[TransformerNetwork | None, list[str], str]:
    """The network to begin with, what to note of it, and its file's hash."""
    if request.start_from is None:
        return None, [], ""
    try:
        pack = read_pack(request.start_from)
        manifest = pack.manifest
        if not isinstance(manifest, Manifest):
            raise TrainingError(f"start_from: {request.start_from} upscales; give a style pack")
        network = load_network(pack)
    except PackError as error:
        raise TrainingError(f"start_from: {request.start_from}: {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise TrainingError(f"start_from: {request.start_from}: {reason}") from error
    digest = file_sha256(request.start_from)
    note = f"started from {manifest.id} {manifest.version} (sha256 {digest})"
    if len(ids) > 1 and network.spec.norm != "conditional_instance":
        raise TrainingError(f"start_from: {manifest.id} is a network of one style; give one style")
    return with_styles(network, [style.id for style in manifest.styles], ids), [note], digest


def with_styles(
    network: TransformerNetwork, present: Sequence[str], wanted: Sequence[str]
) -> TransformerNetwork:
    """The network for other styles: known ones as they are, others as the mean of all.

    ``present`` are the ids of its own styles, in their order.
    """
    spec = replace(network.spec, styles=len(wanted))
    state = {
        name: torch.stack(
            [value[present.index(id_)] if id_ in present else value.mean(dim=0) for id_ in wanted]
        )
        if name.endswith(("norm.scale", "norm.shift"))
        else value
        for name, value in network.state_dict().items()
    }
    changed = TransformerNetwork(spec)
    changed.load_state_dict(state)
    return changed


def preview_path(name: str) -> str:
    """Where in a pack the preview of the style of that id is."""
    return f"previews/{name}.webp"


def webp(picture: Image.Image) -> bytes:
    """A picture as the bytes of a preview."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85, method=6)
    return buffer.getvalue()
