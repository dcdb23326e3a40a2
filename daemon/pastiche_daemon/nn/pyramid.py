"""Laplacian pyramids: a picture as details of ever larger size over a small rest.

Burt and Adelson, "The Laplacian Pyramid as a Compact Image Code", IEEE Transactions on
Communications, 1983; with area means for shrinking and bilinear interpolation for growing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

_MOST_LEVELS = 5
_SMALLEST_SIDE = 8


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Height and width of at most 5 levels, each half of the one before, the full size first.

    Levels with a side below 8 are left out, but for the first.
    """
    shapes = [shape]
    while len(shapes) < _MOST_LEVELS:
        height, width = shapes[-1]
        half = (height + 1) // 2, (width + 1) // 2
        if min(half) < _SMALLEST_SIDE:
            break
        shapes.append(half)
    return shapes


def split(image: Tensor) -> list[Tensor]:
    """The levels of an image, N x C x H x W: details from fine to coarse, and last the rest."""
    *_, height, width = image.shape
    parts: list[Tensor] = []
    for shape in level_shapes((height, width))[1:]:
        smaller = F.interpolate(image, size=shape, mode="area")
        parts.append(image - _grown(smaller, image))
        image = smaller
    return [*parts, image]


def merge(parts: Sequence[Tensor]) -> Tensor:
    """The image of which these are the levels; differentiable, and linear in all of them."""
    *details, image = parts
    for detail in reversed(details):
        image = detail + _grown(image, detail)
    return image


def _grown(image: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(image, size=like.shape[-2:], mode="bilinear", align_corners=False)
