"""A whole training of a new style: from its folder to a pack, with samples on the way."""

from __future__ import annotations

import io
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from pydantic import ValidationError

from pastiche_daemon.checkpoints import CHECKPOINT
from pastiche_daemon.learn import MOST_STEPS, LearnStep, Start, closest_start, timed_steps
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective
from pastiche_daemon.nn.runtime import fast_precision, prepare_for_inference
from pastiche_daemon.packs.archive import Pack, read_pack, write_pack
from pastiche_daemon.packs.manifest import Manifest, StyleEntry, TrainingProvenance
from pastiche_daemon.packs.network import load_network, network_tensors
from pastiche_daemon.photographs import (
    RandomCrops,
    find_photographs,
    fit_long_side,
    load_picture,
    picture_tensor,
)
from pastiche_daemon.provenance import file_sha256, judged_by, made_here, term_weights, trained_as
from pastiche_daemon.train import TrainConfig, Training
from pastiche_daemon.training_run import PREVIEW_SIZE, stylize_in_every_style
from pastiche_daemon.training_schedule import TrainingError

if TYPE_CHECKING:
    from pastiche_daemon.encoders import LoadedEncoder
    from pastiche_daemon.learn_store import LearnRequest, TrainingFolder
    from pastiche_daemon.nn.encoder import Encoder
    from pastiche_daemon.nn.runtime_switches import Precision

BUILT_IN_PHOTOGRAPHS = Path(__file__).with_name("photographs_builtin")
ENOUGH_PHOTOGRAPHS = 8
"""With fewer of the user's own, the built-in ones are used, too."""
SAMPLE_SIZE = 384
# What is measured in `recipes/README.md`.
_BATCH_SIZE = 2
_NORMS_RATE, _ALL_RATE = 3e-2, 1e-3
_START_CROPS = 2
_GRID_WEIGHT = 100.0
_AVERAGE = 0.99


class LearnRun:
    """Everything loaded; `steps` trains, `finish` writes the pack.

    Raises TrainingError, PictureError, PackError or EncoderFileError where something in the
    training's folder is not as it was.
    """

    def __init__(
        self,
        folder: TrainingFolder,
        encoder: LoadedEncoder[Encoder],
        device: torch.device,
        precision: Precision | None = None,
        *,
        start_style: str | None = None,
        planned_steps: int | None = None,
    ) -> None:
        """``encoder`` is on the device. ``precision`` is by default the device's fastest.

        ``start_style`` and ``planned_steps`` are what an earlier part of the same run has chosen:
        see `start_style`.
        """
        self.folder = folder
        request = folder.request
        self._encoder = encoder
        self._device = device
        self._precision: Precision = precision or fast_precision(device)
        self._base = read_pack(folder.base)
        self._photographs = training_photographs(folder.photographs)
        style = picture_tensor(fit_long_side(load_picture(folder.style), request.style_size))
        crops = RandomCrops(self._photographs, request.crop_size, request.seed)
        objective = PerceptualObjective(encoder.encoder, _weights(request))
        start = self._start(objective, style.to(device), crops, start_style)
        self.start_style = _style_name(self._base, start.style)
        self._training = Training(
            TrainConfig(
                spec=start.network.spec,
                weights=objective.weights,
                steps=planned_steps or request.steps or MOST_STEPS,
                batch_size=_BATCH_SIZE,
                crop_size=request.crop_size,
                learning_rate=_ALL_RATE if request.also_convolutions else _NORMS_RATE,
                average=_AVERAGE,
                grid=_GRID_WEIGHT,
                seed=request.seed,
                precision=self._precision,
            ),
            encoder.encoder,
            crops,
            [style],
            folder.run,
            fingerprint={
                "style": file_sha256(folder.style),
                "base": file_sha256(folder.base),
                "encoder": encoder.sha256,
                "photographs": [file_sha256(path) for path in self._photographs],
            },
            device=device,
            start=start.network,
            norms_only=not request.also_convolutions,
        )

    def _start(
        self,
        objective: PerceptualObjective,
        style: torch.Tensor,
        crops: RandomCrops,
        chosen: str | None,
    ) -> Start:
        base = load_network(self._base)
        if chosen is not None and (self.folder.run / CHECKPOINT).exists():
            from pastiche_daemon.learn import one_style

            names = [_style_name(self._base, row) for row in range(base.spec.styles)]
            row = names.index(chosen) if chosen in names else None
            return Start(one_style(base, row), row, {})
        batch = crops.batch(0, _START_CROPS).to(self._device)
        return closest_start(base, objective, style, batch)

    @property
    def step(self) -> int:
        """Finished steps."""
        return self._training.step

    @property
    def seconds(self) -> float:
        """Time spent in finished steps, over all continuations."""
        return self._training.seconds

    @property
    def planned_steps(self) -> int:
        return self._training.config.steps

    def steps(self, *, checkpoint_seconds: float = 10.0) -> Generator[LearnStep]:
        """Train the remaining steps."""
        request = self.folder.request
        seconds = None if request.steps else request.minutes * 60
        yield from timed_steps(self._training, seconds, checkpoint_seconds=checkpoint_seconds)

    def save(self) -> None:
        """Write the checkpoint."""
        self.folder.run.mkdir(exist_ok=True)
        self._training.save()

    def sample(self) -> bytes:
        """A photograph in the style as it stands, as JPEG."""
        picture = self._stylized(SAMPLE_SIZE)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    def finish(self) -> Path:
        """Write the pack with what was learned into the run's folder and return its path."""
        preview = io.BytesIO()
        self._stylized(PREVIEW_SIZE).save(preview, "WEBP", quality=85, method=6)
        manifest = self._manifest()
        path = manifest.styles[0].preview
        assert path is not None
        network = self._training.averaged_network()
        files = {manifest.weights: network_tensors(network), path: preview.getvalue()}
        write_pack(self.folder.pack, manifest, files)
        return self.folder.pack

    def _stylized(self, size: int) -> Image.Image:
        network = prepare_for_inference(
            self._training.averaged_network(), self._device, self._precision
        )
        return stylize_in_every_style(network, fit_long_side(self._shown(), size))[0]

    def _shown(self) -> Image.Image:
        """The user's first photograph; without one, the cup of coffee, as in other previews."""
        own = self.folder.photographs
        return load_picture(own[0] if own else BUILT_IN_PHOTOGRAPHS / "coffee.jpg")

    def _manifest(self) -> Manifest:
        request, base = self.folder.request, self._base.style_manifest
        try:
            return Manifest(
                id=request.pack_id,
                version="1.0.0",
                display_name=request.display_name,
                description=f"Learned by the network of {base.display_name}.",
                least_daemon_version=base.least_daemon_version,
                architecture=base.architecture,
                value_range=base.value_range,
                gram_normalization="hw",
                styles=[
                    StyleEntry(
                        id=request.pack_id,
                        display_name=request.display_name,
                        artist=request.artist,
                        license=request.license or "LicenseRef-Unknown",
                        attribution=request.attribution,
                        preview=f"previews/{request.pack_id}.webp",
                    )
                ],
                native_stroke_size=request.style_size,
                strength=base.strength,
                stroke_size=base.stroke_size,
                # The convolutions are the base's.
                license=base.license,
                attribution=base.attribution,
                training=self._provenance(),
            )
        except ValidationError as error:
            raise TrainingError(f"the pack cannot be described: {error}") from error

    def _provenance(self) -> TrainingProvenance:
        config, request = self._training.config, self.folder.request
        base = self._base.manifest
        weights = config.weights
        trained = "all weights" if request.also_convolutions else "scales and shifts only"
        return TrainingProvenance(
            command=(
                f"LearnStyle: {trained}, starting from {self.start_style} of the pack {base.id}"
            ),
            dataset=_dataset(len(self.folder.photographs), len(self._photographs)),
            photographs=len(self._photographs),
            steps=self.step,
            content_layers=dict(weights.content_layers),
            style_layers=dict(weights.style_layers),
            weights=term_weights(weights, config.grid),
            style_sha256={request.pack_id: file_sha256(self.folder.style)},
            seconds=round(self.seconds, 1),
            **judged_by(self._encoder),
            **trained_as(config),
            **made_here(),
            notes=[
                f"base: {base.id} {base.version}, sha256 {file_sha256(self.folder.base)}",
                f"base trained on: {base.training.dataset or 'unknown'}",
                f"base licence: {base.license}",
                *self._training.notes,
            ][:64],
        )


def training_photographs(own: Sequence[Path]) -> tuple[Path, ...]:
    """The user's own photographs, and the built-in ones beside few of them."""
    built_in = (
        () if len(own) >= ENOUGH_PHOTOGRAPHS else find_photographs(BUILT_IN_PHOTOGRAPHS).paths
    )
    return (*own, *built_in)


def _weights(request: LearnRequest) -> ObjectiveWeights:
    return ObjectiveWeights(
        content=request.content_weight, style=request.style_weight, tv=request.tv_weight
    )


def _style_name(pack: Pack, row: int | None) -> str:
    return "the mean of all styles" if row is None else pack.manifest.styles[row].id


def _dataset(own: int, used: int) -> str:
    built_in = f"Pastiche's {used - own} built-in photographs (public domain or CC0)"
    if not own:
        return built_in
    given = f"{own} photographs of the user's"
    return f"{given}, and {built_in}" if used > own else given
