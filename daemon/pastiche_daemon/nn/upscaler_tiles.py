"""An upscaling network over an image of any size, tile by tile, with the whole image's result.

Without instance norm the network is local: a tile that sees as much around it as the network
reaches gets what the whole image would give it, up to the rounding of sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from pastiche_daemon.nn.upscaler import UpscalerSpec
from pastiche_daemon.nn.upscaler_switches import TILE_PIXELS

_LEAST_TILE = 16


@dataclass(frozen=True)
class Tile:
    """A part of the low-resolution image, in its pixels, and the surroundings that it needs.

    ``top``, ``bottom``, ``left`` and ``right`` are the part's; ``rows`` and ``columns`` those of
    the image that the network has to see.
    """

    top: int
    bottom: int
    left: int
    right: int
    rows: slice
    columns: slice

    def cut(self, large: Tensor, factor: int) -> Tensor:
        """The part, of its surroundings enlarged by ``factor``: ... x f h x f w."""
        top, left = factor * (self.top - self.rows.start), factor * (self.left - self.columns.start)
        height, width = factor * (self.bottom - self.top), factor * (self.right - self.left)
        return large[..., top : top + height, left : left + width]


def tile_side(spec: UpscalerSpec) -> int:
    """The side of the default tiles, in pixels of the low resolution, without surroundings."""
    whole = math.isqrt(TILE_PIXELS) // spec.factor
    return max(_LEAST_TILE, whole - 2 * spec.reach)


def tiles(height: int, width: int, spec: UpscalerSpec, side: int | None = None) -> list[Tile]:
    """Tiles of at most ``side`` x ``side`` pixels that make up an image, row by row.

    An image that is no larger than a tile with its surroundings is one tile.
    """
    side = side or tile_side(spec)
    reach = spec.reach

    def cuts(length: int) -> Iterator[tuple[int, int, slice]]:
        step = length if length <= side + 2 * reach else side
        for start in range(0, length, step):
            stop = min(length, start + step)
            yield start, stop, slice(max(0, start - reach), min(length, stop + reach))

    return [
        Tile(top, bottom, left, right, rows, columns)
        for top, bottom, rows in cuts(height)
        for left, right, columns in cuts(width)
    ]
