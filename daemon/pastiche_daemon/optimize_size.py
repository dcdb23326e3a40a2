"""How large a picture can be optimized: by what was asked for, and by the memory there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from pastiche_daemon.nn.encoder import EncoderSpec
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.optimize import SMALLEST_SIDE

_FLOAT = 4
# The picture, its gradient, its best and its next state, and the line search's.
_PICTURES = 16
_FIXED_BYTES = 64 * 2**20


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


def optimize_bytes(
    spec: EncoderSpec,
    terms: ImageTerms,
    pixels: int,
    style_pixels: Iterable[int],
    *,
    history: int,
    value_bytes: int,
) -> int:
    """About the largest amount that optimizing holds at once, in bytes, rounded up.

    ``pixels`` are those of the optimized picture, ``style_pixels`` those of every style image at
    this scale; ``history`` is L-BFGS's, or 0; ``value_bytes`` is the size of a feature.
    """
    used = {layer for layer, weight in terms.content_layers.items() if weight and terms.content}
    styles = {layer for layer, weight in terms.style_layers.items() if weight and terms.style}
    per_pixel = 3.0 * _FLOAT * (_PICTURES + 2 * history)
    deepest = max((spec.layers.index(layer) for layer in used | styles), default=-1)
    widest = 0.0
    for layer in spec.layers[: deepest + 1]:
        if layer.startswith("pool"):
            continue
        block, place = (int(number) for number in layer[4:].split("_"))
        share = 1 / 4 ** (block - 1)
        at_full = spec.blocks[block - 1][place - 1] * share
        # What autograd keeps: a convolution's padded input, a ReLU's output.
        per_pixel += at_full * value_bytes * (2 if layer.startswith("conv") else 1)
        widest = max(widest, at_full * value_bytes * 3)
        if layer in used | styles:
            copies = 2 if value_bytes == _FLOAT else 4
            copies += 2 * (terms.statistic.kind in {"moments", "wasserstein"})
            per_pixel += at_full * _FLOAT * copies
        if layer in styles and terms.statistic.kind == "mmd-gaussian":
            per_pixel += 4 * terms.statistic.features * _FLOAT * share
        if layer in used:
            per_pixel += at_full * value_bytes
    for_styles = max((count * widest for count in style_pixels), default=0.0)
    return int(max(pixels * per_pixel, for_styles + pixels * 3 * _FLOAT)) + _FIXED_BYTES
