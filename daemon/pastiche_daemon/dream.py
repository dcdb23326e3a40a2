"""Deep Dream: a picture that shows what a network's layers see in it.

Mordvintsev, Olah & Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015, and the
"deepdream" notebook that came with it: gradient ascent over octaves, from coarse to fine, whose
details are carried over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.dream_objective import DreamObjective
from pastiche_daemon.nn.gradient_smoothing import gaussian_blur, laplacian_normalized
from pastiche_daemon.nn.image_tiles import LEAST_TILE
from pastiche_daemon.nn.inception import FeatureNetwork, least_side
from pastiche_daemon.stylize import resize

Normalization = Literal["mean", "rms", "none"]
Smoothing = Literal["none", "gaussian", "laplacian"]

SMALLEST_SIDE = 32
MOST_OCTAVES = 16
# A smaller octave shows deep layers nothing that they could know.
_SMALLEST_OCTAVE = 48
_GUIDE_SIDE = 256


class NoGradientError(ValueError):
    """The layers do not respond to the picture, so that there is no way up."""


@dataclass(frozen=True)
class DreamOptions:
    """How to dream.

    ``layers`` with weights of at least 0. ``octaves``: how many sizes, each ``octave_scale`` times
    the one before; ``steps`` at each. A step adds ``step_size`` (of the pixels' 0..1) times the
    gradient, which ``normalization`` divides by its mean absolute value or its root mean square
    first. ``smoothing``: ``gaussian`` with ``sigma`` pixels, or ``laplacian``, which gives all of
    ``levels`` sizes of structures the same strength. ``jitter`` and ``tile`` are as in
    `nn.dream_objective`.

    Raises ValueError, naming the field.
    """

    layers: Mapping[str, float] = field(default_factory=dict[str, float])
    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 10
    step_size: float = 0.006
    normalization: Normalization = "mean"
    smoothing: Smoothing = "gaussian"
    sigma: float = 1.0
    levels: int = 4
    jitter: int = 32
    tile: int = 800
    seed: int = 0

    def __post_init__(self) -> None:
        if not any(self.layers.values()):
            raise ValueError("layers: give one at least, with a weight above 0")
        if not all(math.isfinite(weight) and weight >= 0 for weight in self.layers.values()):
            raise ValueError("layers: every weight must be a number of at least 0")
        if not 1 <= self.octaves <= MOST_OCTAVES:
            raise ValueError(f"octaves: must be in 1..{MOST_OCTAVES}, not {self.octaves}")
        if not 1 < self.octave_scale <= 4:
            raise ValueError(f"octave_scale: must be above 1, at most 4, not {self.octave_scale}")
        if self.steps < 1:
            raise ValueError(f"steps: must be at least 1, not {self.steps}")
        if not 0 < self.step_size < math.inf:
            raise ValueError(f"step_size: must be positive, not {self.step_size}")
        if not 0 < self.sigma <= 64:
            raise ValueError(f"sigma: must be above 0, at most 64, not {self.sigma}")
        if not 1 <= self.levels <= 12:
            raise ValueError(f"levels: must be in 1..12, not {self.levels}")
        if not 0 <= self.jitter <= 512:
            raise ValueError(f"jitter: must be in 0..512, not {self.jitter}")
        if self.tile < LEAST_TILE:
            raise ValueError(f"tile: must be at least {LEAST_TILE}, not {self.tile}")


def default_layers(name: str, layers: Sequence[str]) -> dict[str, float]:
    """The layers of a network whose dreams show most: of those that it has, the deeper ones."""
    if name == "googlenet":
        return {"inception4c": 1.0}
    if name == "inception_v3":
        return {"Mixed_6a": 1.0, "Mixed_6c": 1.0}
    deepest = next(layer for layer in reversed(layers) if layer.startswith("relu"))
    return {"relu5_1" if "relu5_1" in layers else deepest: 1.0}


class DreamStep(NamedTuple):
    """One step, counted from 1 over all octaves; ``octave`` from 0, the coarsest.

    ``activation`` is the objective before the step. ``picture`` makes the image as it stands,
    3 x h x w in 0..1, of this octave's size.
    """

    step: int
    steps: int
    octave: int
    octaves: int
    activation: float
    picture: Callable[[], Tensor]


@dataclass(frozen=True)
class Dreamed:
    """The picture, 3 x H x W in 0..1; its ``activation`` before the last step."""

    color: Tensor
    activation: float
    steps: int
    octaves: int
    asked_to_stop: bool


@dataclass(frozen=True)
class Guide:
    """Another picture, 3 x H x W in 0..1, whose features are to appear; H x W of it count."""

    color: Tensor
    counted: Tensor | None = None


def dream(
    network: FeatureNetwork,
    content: Tensor,
    options: DreamOptions,
    on_step: Callable[[DreamStep], bool],
    guide: Guide | None = None,
    *,
    before_tile: Callable[[], None] = lambda: None,
) -> Dreamed:
    """Dream over a picture, 3 x H x W in 0..1, on the network's device.

    ``on_step`` returns False to stop and keep the picture as it stands; what it raises ends the
    work, and so does what ``before_tile`` raises, which is called more often. The same seed gives
    the same picture on the same machine.

    Raises `encoder.UnknownLayerError`, `NoGradientError`, and ValueError where the picture is too
    small to reach a layer.
    """
    shapes = octave_shapes(network, (content.shape[-2], content.shape[-1]), options)
    objective = dream_objective(network, options, guide)
    generator = torch.Generator().manual_seed(options.seed)
    total, done, activation = len(shapes) * options.steps, 0, 0.0
    image = detail = content.new_zeros(3, *shapes[0])
    go_on = True
    for octave, shape in enumerate(shapes):
        base = resize(content, shape)
        image = (base + enlarged(detail, shape)).clamp(0, 1)
        # After a stop the detail is still carried to the full size, over the picture's own.
        for _ in range(options.steps if go_on else 0):
            activation, gradient = objective.ascent(
                image[None],
                jitter=options.jitter,
                tile=options.tile,
                generator=generator,
                before_tile=before_tile,
            )
            if not bool((gradient != 0).any()) or not bool(torch.isfinite(gradient).all()):
                raise NoGradientError(
                    f"layers: {', '.join(options.layers)} of {network.spec.name} do not respond to "
                    "this picture; choose others"
                )
            image = (image + options.step_size * _direction(gradient, options)[0]).clamp(0, 1)
            done += 1
            go_on = on_step(DreamStep(done, total, octave, len(shapes), activation, image.clone))
            if not go_on:
                break
        detail = image - base
    return Dreamed(image, activation, done, len(shapes), not go_on)


def dream_objective(
    network: FeatureNetwork, options: DreamOptions, guide: Guide | None = None
) -> DreamObjective:
    """What `dream` climbs."""
    layers = {layer: weight for layer, weight in options.layers.items() if weight}
    if guide is None:
        return DreamObjective(network, layers)
    network.check_layers(layers)
    height, width = guide.color.shape[-2:]
    factor = min(1.0, _GUIDE_SIDE / max(height, width))
    # A narrow guide must reach the deepest layers, too.
    factor = max(factor, least_side(network, layers) / min(height, width))
    shape = (max(1, round(height * factor)), max(1, round(width * factor)))
    counted = None if guide.counted is None else resize(guide.counted[None], shape)[None]
    return DreamObjective(network, layers, resize(guide.color, shape)[None], counted)


def octave_shapes(
    network: FeatureNetwork, shape: tuple[int, int], options: DreamOptions
) -> list[tuple[int, int]]:
    """Heights and widths from coarse to fine; octaves too small for the layers are left out.

    Raises `encoder.UnknownLayerError`, and ValueError where even ``shape`` is too small.
    """
    network.check_layers(options.layers)
    least = least_side(network, options.layers)
    if min(shape) < least:
        raise ValueError(
            f"layers: a picture of {shape[1]} x {shape[0]} pixels is too small for "
            f"{', '.join(options.layers)} of {network.spec.name}, which need {least} on both sides"
        )
    shapes: list[tuple[int, int]] = []
    for octave in range(1, options.octaves):
        factor = options.octave_scale**-octave
        smaller = (round(shape[0] * factor), round(shape[1] * factor))
        if min(smaller) >= max(least, _SMALLEST_OCTAVE):
            shapes.append(smaller)
    return [*reversed(shapes), shape]


def enlarged(detail: Tensor, shape: tuple[int, int]) -> Tensor:
    """Differences, 3 x h x w, interpolated to another size."""
    if tuple(detail.shape[-2:]) == shape:
        return detail
    return F.interpolate(detail[None], size=shape, mode="bicubic", align_corners=False)[0]


def _direction(gradient: Tensor, options: DreamOptions) -> Tensor:
    if options.smoothing == "gaussian":
        gradient = gaussian_blur(gradient, options.sigma)
    elif options.smoothing == "laplacian":
        gradient = laplacian_normalized(gradient, options.levels)
    if options.normalization == "mean":
        return gradient / gradient.abs().mean()
    if options.normalization == "rms":
        return gradient / gradient.square().mean().sqrt()
    return gradient
