"""How a picture can be optimized: how large, by what was asked for, and in tiles or at once, by the
memory there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pastiche_daemon.nn.encoder import EncoderSpec
from pastiche_daemon.nn.feature_tiles import least_tile, stride_of
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.tiled_objective import is_kept
from pastiche_daemon.optimize import SMALLEST_SIDE

_FLOAT = 4
# The picture, its gradient, its best and its next state, and the line search's.
_PICTURES = 16
_FIXED_BYTES = 64 * 2**20
# Larger tiles save little of what is computed twice at their borders, and make whoever wants to
# stop wait; with smaller ones the borders are most of the work.
_LARGEST_TILE = 1024
_SMALLEST_TILE = 384
_TILE_STEP = 32


def working_shape(shape: tuple[int, int], size: int | None) -> tuple[int, int]:
    """Height and width to optimize a picture of ``shape`` at.

    Its longer side is at most ``size`` px, unless its shorter one would fall below
    `optimize.SMALLEST_SIDE`; never larger than ``shape``.
    """
    if size is None:
        return shape
    factor = min(1.0, max(size / max(shape), SMALLEST_SIDE / min(shape)))
    return (max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)))


def fitting_shape(
    shape: tuple[int, int],
    size: int | None,
    needed: Callable[[tuple[int, int]], int],
    free: int,
) -> tuple[int, int]:
    """The largest `working_shape` whose ``needed`` bytes are ``free``.

    Where not even the smallest is, that one is returned.
    """
    found = working_shape(shape, size)
    while needed(found) > free:
        factor = min(0.98, math.sqrt(free / needed(found))) if free > 0 else 0.5
        smaller = working_shape(shape, max(SMALLEST_SIDE, int(max(found) * factor)))
        if smaller == found:
            break
        found = smaller
    return found


@dataclass(frozen=True)
class OptimizeCost:
    """What optimizing a picture takes, in bytes.

    ``styles`` are heights and widths of the style images, whose longer side becomes
    ``style_scale`` times the picture's; ``regions`` says how many of them have one. ``history`` is
    L-BFGS's, or 0; ``value_bytes`` is the size of a feature.
    """

    spec: EncoderSpec
    terms: ImageTerms
    styles: tuple[tuple[int, int], ...]
    style_scale: float
    history: int
    value_bytes: int
    regions: int = 0

    def whole(self, shape: tuple[int, int]) -> int:
        """For a picture of ``shape`` at once."""
        return optimize_bytes(
            self.spec,
            self.terms,
            shape[0] * shape[1],
            self._style_pixels(shape),
            history=self.history,
            value_bytes=self.value_bytes,
        )

    def tiled(self, shape: tuple[int, int], tile: int) -> int:
        """For a picture of ``shape`` in tiles of ``tile`` x ``tile`` pixels."""
        content = {layer for layer, weight in self.terms.content_layers.items() if weight}
        kept = sum(
            self.spec.channels(layer) / stride_of(layer) ** 2 * self.value_bytes
            for layer in content
            if self.terms.content and is_kept(self.spec, layer)
        )
        of_tile, _ = _bytes_per_pixel(self.spec, self.terms, self.value_bytes)
        # The gradient that is summed up, and of every region its share at every resolution.
        per_pixel = 3 * _FLOAT * (_PICTURES + 2 * self.history + 1) + kept
        per_pixel += self.regions * _FLOAT * 4 / 3
        styles = 2 * sum(self._style_pixels(shape)) * 3 * _FLOAT
        pixels = min(tile, shape[0]) * min(tile, shape[1])
        return int(shape[0] * shape[1] * per_pixel + styles + pixels * of_tile) + _FIXED_BYTES

    @property
    def least_tile(self) -> int:
        """The smallest side of tiles that is worth its work."""
        return max(_SMALLEST_TILE, least_tile(self.spec, _used_layers(self.terms)))

    def _style_pixels(self, shape: tuple[int, int]) -> list[int]:
        long_side = max(shape) * self.style_scale
        return [round(long_side * long_side * min(sides) / max(sides)) for sides in self.styles]


@dataclass(frozen=True)
class SizePlan:
    """How a picture is optimized: at ``shape``, in tiles of ``tile`` pixels, or None at once."""

    shape: tuple[int, int]
    tile: int | None
    cost: OptimizeCost
    bound: int

    @property
    def bytes_needed(self) -> int:
        if self.tile is None:
            return self.cost.whole(self.shape)
        return self.cost.tiled(self.shape, self.tile)

    def tile_at(self, shape: tuple[int, int]) -> int | None:
        """The tiles of a scale: a coarse one may fit at once."""
        return None if self.cost.whole(shape) <= self.bound else self.tile


def plan_size(
    shape: tuple[int, int],
    size: int | None,
    cost: OptimizeCost,
    free: int,
    limit: int | None = None,
) -> SizePlan:
    """The `working_shape`, at once where that fits into ``free`` bytes, else in tiles.

    Where not even these fit, the largest smaller one that does. ``limit`` is what it shall take
    of the free bytes if it can: the smallest tiles may take more.
    """
    least = cost.least_tile
    bound = free if limit is None else min(free, limit)

    def needed(smaller: tuple[int, int]) -> int:
        return min(cost.whole(smaller), cost.tiled(smaller, least))

    found = fitting_shape(shape, size, needed, free)
    if cost.whole(found) <= max(bound, cost.tiled(found, least)):
        return SizePlan(found, None, cost, bound)
    tile = max(least, _LARGEST_TILE)
    while tile > least and cost.tiled(found, tile) > bound:
        tile = max(least, tile - _TILE_STEP)
    return SizePlan(found, tile, cost, bound)


def optimize_bytes(
    spec: EncoderSpec,
    terms: ImageTerms,
    pixels: int,
    style_pixels: Iterable[int],
    *,
    history: int,
    value_bytes: int,
) -> int:
    """About the largest amount that optimizing at once holds, in bytes, rounded up.

    ``pixels`` are those of the optimized picture, ``style_pixels`` those of every style image at
    this scale; ``history`` is L-BFGS's, or 0; ``value_bytes`` is the size of a feature.
    """
    per_pixel, widest = _bytes_per_pixel(spec, terms, value_bytes)
    per_pixel += 3.0 * _FLOAT * (_PICTURES + 2 * history)
    for_styles = max((count * widest for count in style_pixels), default=0.0)
    return int(max(pixels * per_pixel, for_styles + pixels * 3 * _FLOAT)) + _FIXED_BYTES


def _bytes_per_pixel(spec: EncoderSpec, terms: ImageTerms, value_bytes: int) -> tuple[float, float]:
    """What the encoder holds of a picture, with gradients, and at one layer without."""
    per_pixel = widest = 0.0
    used, styles = _used_layers(terms), _style_layers(terms)
    deepest = max((spec.layers.index(layer) for layer in used), default=-1)
    for layer in spec.layers[: deepest + 1]:
        if layer.startswith("pool"):
            continue
        share = 1 / stride_of(layer) ** 2
        at_full = spec.channels(layer) * share
        # What autograd keeps: a convolution's padded input, a ReLU's output.
        per_pixel += at_full * value_bytes * (2 if layer.startswith("conv") else 1)
        widest = max(widest, at_full * value_bytes * 3)
        if layer in used:
            copies = 2 if value_bytes == _FLOAT else 4
            copies += 2 * (terms.statistic.kind in {"moments", "wasserstein"})
            per_pixel += at_full * _FLOAT * copies
        if layer in styles and terms.statistic.kind == "mmd-gaussian":
            per_pixel += 4 * terms.statistic.features * _FLOAT * share
        if layer in used:
            per_pixel += at_full * value_bytes
    return per_pixel, widest


def _style_layers(terms: ImageTerms) -> set[str]:
    return {layer for layer, weight in terms.style_layers.items() if weight and terms.style}


def _used_layers(terms: ImageTerms) -> set[str]:
    content = {layer for layer, weight in terms.content_layers.items() if weight and terms.content}
    return content | _style_layers(terms)
