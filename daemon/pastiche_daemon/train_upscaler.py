"""Training of upscaling networks: photographs in, a folder of checkpoints and at last weights out.

Johnson et al., ECCV 2016, section 4.2. Every step's batch is a function of the seed and the step
alone, so that a run resumed from a checkpoint sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from pastiche_daemon.checkpoints import (
    CHECKPOINT,
    Change,
    description_of,
    read_checkpoint,
    write_checkpoint,
)
from pastiche_daemon.nn.degradation import reduced
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.losses import Distance, content_loss, grid_pattern, total_variation
from pastiche_daemon.nn.objective import wide
from pastiche_daemon.nn.runtime import Precision, channels_last, dtype_of
from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec
from pastiche_daemon.photographs import RandomCrops
from pastiche_daemon.training_schedule import (
    TrainingError,
    check_loss,
    check_schedule,
    falling_rate,
    update_average,
)


def default_feature_layers() -> dict[str, float]:
    """Johnson's layer for upscaling: relu2_2."""
    return {"relu2_2": 1.0}


@dataclass(frozen=True)
class UpscaleWeights:
    """``feature`` * L_feature + ``pixel`` * L_pixel + ``tv`` * L_tv + ``grid`` * L_grid.

    L_feature is the sum over ``layers`` of layer weight times the mean squared error (Johnson,
    eq. 2) over the mean square of the layer's features of the first batch, so that a weight means
    the same for every encoder. L_pixel is the mean squared (l2) or absolute (l1) difference. L_grid
    is `losses.grid_pattern` of the difference, with the factor as its period: the cross-hatching
    that a feature loss alone leaves (Johnson et al., section 4.2) is not a pattern of photographs.
    Raises ValueError, naming the weight, where one is negative or not a number.
    """

    feature: float = 1.0
    pixel: float = 0.0
    tv: float = 0.0
    grid: float = 0.0
    pixel_distance: Distance = "l2"
    layers: Mapping[str, float] = field(default_factory=default_feature_layers)

    def __post_init__(self) -> None:
        named = {name: getattr(self, name) for name in ("feature", "pixel", "tv", "grid")}
        named |= {f"layers.{name}": weight for name, weight in self.layers.items()}
        for name, value in named.items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} weight must be a number of at least 0, not {value}")
        if self.feature and not any(self.layers.values()):
            raise ValueError("layers: give at least one layer a weight above 0")
        if not self.feature and not self.pixel:
            raise ValueError("feature and pixel weights are both 0; give at least one")


@dataclass(frozen=True)
class UpscaleTrainConfig:
    """What decides a training's result, besides the photographs and the encoder.

    ``blur`` is the least and the largest sigma, in pixels of the photographs, of the blur before
    the reduction; each batch has its own in between (Johnson: 1 for all). Before the losses are
    taken, result and photograph are cut by up to ``shift`` pixels at a random side, as in
    `train.TrainConfig`. The learning rate and the average are those of `train.TrainConfig`, too.
    """

    spec: UpscalerSpec
    weights: UpscaleWeights
    steps: int = 10_000
    batch_size: int = 4
    crop_size: int = 288
    learning_rate: float = 1e-3
    decay: float = 0.3
    average: float = 0.998
    blur: tuple[float, float] = (1.0, 1.0)
    antialias: bool = True
    shift: int = 2
    seed: int = 0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_schedule(self, 32)
        if self.crop_size % self.spec.factor:
            raise TrainingError(
                f"crop_size must be a multiple of the factor, {self.spec.factor}, "
                f"not {self.crop_size}"
            )
        least, largest = self.blur
        if not (math.isfinite(largest) and 0 <= least <= largest):
            raise TrainingError(f"blur must be numbers of at least 0, least first, not {self.blur}")
        if not 0 <= self.shift <= self.crop_size // 2:
            raise TrainingError(f"shift must be in 0..{self.crop_size // 2}, not {self.shift}")


class UpscaleStep(NamedTuple):
    """The weighted losses of one finished step; ``total`` is their sum."""

    step: int
    total: float
    feature: float
    pixel: float
    tv: float
    grid: float
    seconds: float

    def terms(self) -> dict[str, float]:
        """The losses by name."""
        return {name: getattr(self, name) for name in ("total", "feature", "pixel", "tv", "grid")}


class UpscalerTraining:
    """One run in its folder: new, or continued from its checkpoint.

    ``fingerprint`` is JSON-like data that must be the same when a run is continued. The planned
    steps, the weights of the loss terms and their layers may change, which is noted. Raises
    `TrainingError` where a checkpoint belongs to another training.
    """

    def __init__(
        self,
        config: UpscaleTrainConfig,
        encoder: Encoder,
        crops: RandomCrops,
        folder: Path,
        *,
        fingerprint: Mapping[str, Any],
        device: torch.device,
    ) -> None:
        self.config = config
        self.folder = folder
        self.step = 0
        self.seconds = 0.0
        self._notes: list[str] = []
        self._crops = crops
        self._device = device
        self._dtype = dtype_of(config.precision)
        self._fingerprint = json.loads(json.dumps(fingerprint))
        self._encoder = channels_last(encoder.to(device=device, dtype=self._dtype))
        self._sizes = self._feature_sizes() if config.weights.feature else {}
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            network = UpscalerNetwork(config.spec)
        self._network = channels_last(network.to(device)).train()
        self._optimizer = torch.optim.Adam(
            self._network.parameters(), lr=config.learning_rate, fused=True
        )
        self._average = {k: v.detach().clone() for k, v in self._network.state_dict().items()}
        self._history: list[UpscaleStep] = []
        if (folder / CHECKPOINT).exists():
            self._restore()

    @property
    def notes(self) -> list[str]:
        """What changed between continuations of this run."""
        return list(self._notes)

    @property
    def history(self) -> list[UpscaleStep]:
        """The losses of all finished steps."""
        return list(self._history)

    def averaged_network(self) -> UpscalerNetwork:
        """A copy of the network with the averaged weights, in evaluation mode."""
        network = UpscalerNetwork(self.config.spec)
        network.load_state_dict(self._average)
        return network.eval().requires_grad_(requires_grad=False)

    def steps(self, *, checkpoint_seconds: float = 180.0) -> Iterator[UpscaleStep]:
        """Run the remaining steps, yielding after each; saves now and then and at the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        while self.step < self.config.steps:
            report = self._run_step()
            self._history.append(report)
            if time.monotonic() - saved >= checkpoint_seconds:
                self.save()
                saved = time.monotonic()
            yield report
        self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        write_checkpoint(
            self.folder,
            {
                "step": self.step,
                "seconds": self.seconds,
                "notes": self._notes,
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "average": self._average,
                "history": [list(report) for report in self._history],
                "description": self._description(),
            },
        )

    def _description(self) -> str:
        return description_of(asdict(self.config), self._fingerprint)

    def _restore(self) -> None:
        saved, changes = read_checkpoint(
            self.folder, self._description(), self._device, _take_changeable
        )
        self.step, self.seconds = saved["step"], saved["seconds"]
        self._notes = [*saved["notes"], *changes]
        self._network.load_state_dict(saved["network"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._average = saved["average"]
        self._history = [UpscaleStep(int(row[0]), *row[1:]) for row in saved["history"]]

    @torch.no_grad()
    def _feature_sizes(self) -> dict[str, Tensor]:
        """The mean square of every layer's features over the first batch of the seed."""
        crops = self._crops.batch(0, self.config.batch_size).to(self._device, self._dtype)
        features = self._encoder(crops, self.config.weights.layers)
        smallest = torch.finfo(torch.float32).tiny
        return {
            layer: wide(found).square().mean().clamp_min(smallest)
            for layer, found in features.items()
        }

    def _run_step(self) -> UpscaleStep:
        started = time.monotonic()
        config = self.config
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step + 500_009)
        images = self._crops.batch(self.step, config.batch_size).to(self._device)
        least, largest = config.blur
        blur = least + (largest - least) * torch.rand((), generator=generator).item()
        small = reduced(images, config.spec.factor, blur=blur, antialias=config.antialias)
        for group in self._optimizer.param_groups:
            group["lr"] = falling_rate(config.learning_rate, self.step, config.steps, config.decay)
        self._optimizer.zero_grad(set_to_none=True)
        # Full-precision weights are cast for the pass alone; the norms stay wide.
        parameters = {
            name: value.to(self._dtype) if ".conv." in name else value
            for name, value in self._network.named_parameters()
        }
        results = functional_call(
            self._network, parameters, (small.contiguous(memory_format=torch.channels_last),)
        )
        size = config.crop_size - config.shift
        top, left = torch.randint(config.shift + 1, (2,), generator=generator).tolist()
        window = (..., slice(top, top + size), slice(left, left + size))
        terms = self._losses(results[window], images[window])
        total = torch.stack(terms).sum()
        total.backward()  # pyright: ignore[reportUnknownMemberType]
        check_loss(total, self.step)
        self._optimizer.step()
        self.step += 1
        update_average(self._average, self._network, config.average, self.step)
        self.seconds += time.monotonic() - started
        feature, pixel, tv, grid = (term.item() for term in terms)
        return UpscaleStep(self.step, total.item(), feature, pixel, tv, grid, self.seconds)

    def _losses(self, results: Tensor, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The weighted feature, pixel, TV and grid losses of N x 3 x H x W in 0..1."""
        weights = self.config.weights
        feature = torch.zeros((), device=results.device)
        if weights.feature:
            with torch.no_grad():
                targets = self._encoder(images.to(self._dtype), weights.layers)
            found = self._encoder(results.to(self._dtype), weights.layers)
            for layer, weight in weights.layers.items():
                error = content_loss(wide(found[layer]), wide(targets[layer]))
                feature = feature + weight * error / self._sizes[layer]
        pixel = content_loss(results, images, distance=weights.pixel_distance)
        tv = total_variation(results)
        grid = grid_pattern(results - images, self.config.spec.factor)
        return (
            weights.feature * feature,
            weights.pixel * pixel,
            weights.tv * tv,
            weights.grid * grid,
        )


def _take_changeable(before: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
    """See `checkpoints.read_checkpoint`."""
    yield "steps", f"{before.pop('steps')}", f"{now.pop('steps')}"
    was, wanted = before["weights"], now["weights"]
    for term in ("feature", "pixel", "tv", "grid"):
        yield f"{term} weight", f"{was.pop(term, 0.0):g}", f"{wanted.pop(term):g}"
    yield "layers", _listed(was.pop("layers")), _listed(wanted.pop("layers"))


def _listed(layers: Mapping[str, float]) -> str:
    return " ".join(f"{name}:{weight:g}" for name, weight in layers.items())
