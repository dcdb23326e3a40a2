"""Any image as a style, without training: optimizing the pixels of one image.

Gatys et al., CVPR 2016, coarse to fine as in Gatys et al., "Controlling Perceptual Factors in
Neural Style Transfer", CVPR 2017; colours kept as in Gatys et al., "Preserving Color in Neural
Artistic Style Transfer", 2016.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.image_objective import (
    ImageObjective,
    ImageTerms,
    Objective,
    WeightedStyle,
)
from pastiche_daemon.nn.objective import Losses
from pastiche_daemon.nn.pixel_optimizer import (
    PixelOptions,
    PixelStep,
    StopReason,
    minimize,
)
from pastiche_daemon.stylize import keep_colors, resize

Start = Literal["content", "style", "noise", "image"]
Colors = Literal["style", "luminance", "recolored"]

SMALLEST_SIDE = 32
_EXTRA_SCALE_FACTOR = 2.0


@dataclass(frozen=True)
class OptimizeOptions:
    """What to do, beyond the terms of the objective and the optimizer.

    ``start``: the picture to begin with; ``image`` is one given by the caller (a pastiche of a
    pack, the layer as it is). ``scales``: how many sizes, each half of the next; the steps are
    shared among them. ``size`` limits the longer side of the optimized picture in pixels; None
    works at the content's own size. ``style_scale``: longer side of the style images as a factor
    of the picture's. ``colors``: those of the style; ``luminance`` keeps the content's chrominance;
    ``recolored`` gives the style images the content's colours first.

    Raises ValueError, naming the field.
    """

    terms: ImageTerms = field(default_factory=ImageTerms)
    pixels: PixelOptions = field(default_factory=lambda: PixelOptions("adam"))
    start: Start = "content"
    scales: int = 1
    size: int | None = None
    style_scale: float = 1.0
    colors: Colors = "style"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.scales <= 8:
            raise ValueError(f"scales: must be in 1..8, not {self.scales}")
        if self.size is not None and self.size < SMALLEST_SIDE:
            raise ValueError(f"size: must be at least {SMALLEST_SIDE}, not {self.size}")
        if not (math.isfinite(self.style_scale) and 0.1 <= self.style_scale <= 10):
            raise ValueError(f"style_scale: must be in 0.1..10, not {self.style_scale}")


@dataclass(frozen=True)
class StyleImage:
    """A style image, 3 x H x W in 0..1.

    ``region`` and ``counted`` as in `image_objective.WeightedStyle`, H x W.
    """

    color: Tensor
    weight: float = 1.0
    region: Tensor | None = None
    counted: Tensor | None = None


def covered(styles: Sequence[StyleImage]) -> Tensor | None:
    """How much the largest of the styles' regions has of each pixel, H x W in 0..1.

    None where a style goes everywhere, or there is none.
    """
    regions = [style.region for style in styles if style.weight > 0]
    found = [region for region in regions if region is not None]
    if not found or len(found) < len(regions):
        return None
    return torch.stack(found).amax(0)


class OptimizeStep(NamedTuple):
    """One evaluation. ``picture`` makes the image as it stands, 3 x h x w, of this scale."""

    step: int
    steps: int
    scale: int
    losses: Losses
    picture: Callable[[], Tensor]


class ObjectiveMaker(Protocol):
    """Makes the objective for pictures of a ``shape``, H and W; as `ImageObjective` otherwise."""

    def __call__(
        self,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
        shape: tuple[int, int],
    ) -> Objective: ...


def whole_objective(
    encoder: Encoder,
    terms: ImageTerms,
    content: Tensor | None,
    styles: Sequence[WeightedStyle],
    shape: tuple[int, int],  # noqa: ARG001 - an `ObjectiveMaker`
) -> Objective:
    """An objective that looks at the whole picture at once."""
    return ImageObjective(encoder, terms, content, styles)


@dataclass(frozen=True)
class Optimized:
    """The picture, 3 x H x W in 0..1, its objective, and why it ended."""

    color: Tensor
    total: float
    steps: int
    reason: StopReason


def optimize(
    encoder: Encoder,
    content: Tensor | None,
    styles: Sequence[StyleImage],
    options: OptimizeOptions,
    on_step: Callable[[OptimizeStep], bool],
    *,
    start: Tensor | None = None,
    shape: tuple[int, int] | None = None,
    exact: Encoder | None = None,
    make_objective: ObjectiveMaker = whole_objective,
) -> Optimized:
    """Optimize a picture of the content's size (or ``shape``, H and W, without one).

    ``content`` and ``start`` are 3 x H x W in 0..1. ``on_step`` returns False to stop and keep the
    picture as it stands; what it raises ends the work. The same seed gives the same picture on
    the same machine. ``exact`` is the encoder in float32, for the last tenth of the steps: what
    narrow numbers leave behind they take away, for a twentieth of the time. ``make_objective``
    makes what is minimized, for every scale.

    Raises ValueError, naming what is missing, and `encoder.UnknownLayerError`.
    """
    target = _target_shape(content, shape, options)
    if options.start == "image" and start is None:
        raise ValueError("start: give the image to start from")
    if options.start == "content" and content is None:
        raise ValueError("start: there is no content image; start from noise or a style")
    if options.start == "style" and not styles:
        raise ValueError("start: there is no style image; start from noise or the content")
    if options.colors != "style" and content is None:
        raise ValueError("colors: there is no content image to keep the colours of")
    if options.colors == "recolored" and content is not None:
        styles = [replace(style, color=match_colors(style.color, content)) for style in styles]
    shapes = scale_shapes(target, options.scales)
    image = _start_image(content, styles, options, start, shapes[0])
    done, reason, total = 0, "steps", math.inf
    began = time.monotonic()
    for index, size in enumerate(shapes):
        left = options.pixels.steps - done
        share = left if index == len(shapes) - 1 else options.pixels.steps // len(shapes)
        before, scale = done, index
        loss = _Loss(_objective(make_objective, encoder, content, styles, options, size))
        if exact is not None and index == len(shapes) - 1:
            finish = partial(_objective, make_objective, exact, content, styles, options, size)
            loss.finish_with(finish, after=share - share // 10)

        def forward(step: PixelStep[Losses], before: int = before, scale: int = scale) -> bool:
            def picture() -> Tensor:
                return _finished(step.image[0].clamp(0, 1), content, options)

            losses = Losses(*(term.detach() for term in step.losses))
            return on_step(
                OptimizeStep(before + step.step, options.pixels.steps, scale, losses, picture)
            )

        found = minimize(
            loss,
            resize(image, size)[None],
            replace(
                options.pixels,
                steps=max(1, share),
                max_seconds=_seconds_left(options.pixels.max_seconds, began),
            ),
            forward,
        )
        image, total, reason = found.image[0], found.total, found.reason
        done += found.steps
        if reason == "asked":
            break
    return Optimized(_finished(resize(image, target), content, options), total, done, reason)


class _Loss:
    """An objective to minimize, and another one for the evaluations at the end."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._finish: Callable[[], Objective] | None = None
        self._left = 0

    def finish_with(self, make: Callable[[], Objective], after: int) -> None:
        """Take the objective that ``make`` gives once ``after`` evaluations were made."""
        self._finish, self._left = make, after

    def __call__(self, candidate: Tensor) -> tuple[Tensor, Losses]:
        if self._finish is not None and self._left <= 0:
            self._objective, self._finish = self._finish(), None
        self._left -= 1
        losses = self._objective.losses(candidate)
        return losses.total, losses


def _seconds_left(limit: float | None, began: float) -> float | None:
    # One more evaluation is always made: the finest scale must have been seen.
    return None if limit is None else max(1e-6, limit - (time.monotonic() - began))


def match_colors(style: Tensor, content: Tensor) -> Tensor:
    """The style image with the mean and covariance of the content's colours, 3 x H x W in 0..1.

    Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, section 4, by the
    symmetric roots of the covariances (the paper's "Image Analogies" variant).
    """
    mean_s, root_s = _color_moments(style)
    mean_c, root_c = _color_moments(content)
    matrix = root_c @ torch.linalg.inv(root_s)
    flat = style.flatten(1) - mean_s
    return (matrix @ flat + mean_c).reshape(style.shape).clamp(0, 1)


def _color_moments(color: Tensor) -> tuple[Tensor, Tensor]:
    flat = color.flatten(1)
    mean = flat.mean(dim=1, keepdim=True)
    covariance = (flat - mean) @ (flat - mean).T / flat.shape[1]
    # A flat or a grey picture has no root to invert.
    values, vectors = torch.linalg.eigh(covariance + 1e-5 * torch.eye(3).to(color))
    return mean, (vectors * values.clamp_min(1e-6).sqrt()) @ vectors.T


def _target_shape(
    content: Tensor | None, shape: tuple[int, int] | None, options: OptimizeOptions
) -> tuple[int, int]:
    if content is not None:
        shape = (content.shape[-2], content.shape[-1])
    if shape is None:
        raise ValueError("shape: without a content image the size must be given")
    if options.size is None or max(shape) <= options.size:
        return shape
    factor = options.size / max(shape)
    return (max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)))


def scale_shapes(target: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Sizes from coarse to fine; those whose shorter side would be too small are left out."""
    shapes = [
        (round(target[0] / _EXTRA_SCALE_FACTOR**i), round(target[1] / _EXTRA_SCALE_FACTOR**i))
        for i in reversed(range(1, count))
    ]
    return [shape for shape in shapes if min(shape) >= SMALLEST_SIDE] + [target]


def _start_image(
    content: Tensor | None,
    styles: Sequence[StyleImage],
    options: OptimizeOptions,
    start: Tensor | None,
    shape: tuple[int, int],
) -> Tensor:
    if options.start == "image" and start is not None:
        return start
    if options.start == "content" and content is not None:
        return content
    if options.start == "style":
        return styles[0].color
    generator = torch.Generator().manual_seed(options.seed)
    return torch.rand(3, *shape, generator=generator) * 0.2 + 0.4


def _objective(
    make: ObjectiveMaker,
    encoder: Encoder,
    content: Tensor | None,
    styles: Sequence[StyleImage],
    options: OptimizeOptions,
    size: tuple[int, int],
) -> Objective:
    long_side = max(SMALLEST_SIDE, round(max(size) * options.style_scale))
    weighted: list[WeightedStyle] = []
    for style in styles:
        # A narrow style must reach the deepest layers, too.
        sides = style.color.shape[-2:]
        factor = max(long_side / max(sides), SMALLEST_SIDE / min(sides))
        h, w = (max(1, round(side * factor)) for side in sides)
        weighted.append(
            WeightedStyle(
                resize(style.color, (h, w))[None],
                style.weight,
                None if style.region is None else style.region[None, None],
                None if style.counted is None else style.counted[None, None],
            )
        )
    fitted = None if content is None else resize(content, size)[None]
    return make(encoder, options.terms, fitted, weighted, size)


def _finished(color: Tensor, content: Tensor | None, options: OptimizeOptions) -> Tensor:
    if options.colors != "luminance" or content is None:
        return color
    return keep_colors(resize(content, (color.shape[-2], color.shape[-1])), color)
