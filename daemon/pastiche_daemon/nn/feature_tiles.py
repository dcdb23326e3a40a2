"""Cutting an image into tiles whose feature maps are those of the whole image.

Every tile has as much around it as its layers see (their receptive field), starts where the
poolings do, and ends at the image's own border only where the image does: there the network pads it
as it pads the image.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from pastiche_daemon.nn.encoder import EncoderSpec
from pastiche_daemon.nn.image_tiles import Span, Tile


@dataclass(frozen=True)
class FeatureGrid:
    """The ``tiles`` of an image of ``height`` x ``width`` px; what counts of them makes it up."""

    height: int
    width: int
    tiles: tuple[Tile, ...]

    def shape(self, layer: str) -> tuple[int, int]:
        """Height and width of the whole image's feature maps."""
        stride = stride_of(layer)
        return self.height // stride, self.width // stride


def stride_of(layer: str) -> int:
    """The pixels from one position of a layer's feature maps to the next."""
    if layer.startswith("pool"):
        return 1 << int(layer[4:])
    return 1 << (int(layer[4:].partition("_")[0]) - 1)


def reach_of(spec: EncoderSpec, layers: Iterable[str]) -> int:
    """The most pixels that positions of the layers see on each side of their own."""
    wanted, reach, most = set(layers), 0, 0
    for layer in spec.layers:
        if layer.startswith("conv"):
            reach += stride_of(layer)
        if layer in wanted:
            most = reach
    return most


def least_tile(spec: EncoderSpec, layers: Iterable[str]) -> int:
    """The smallest side of a tile that has room for what counts, in pixels."""
    margin, stride = _margin(spec, layers)
    return 2 * margin + stride


def feature_grid(
    height: int, width: int, side: int, spec: EncoderSpec, layers: Iterable[str]
) -> FeatureGrid:
    """Tiles of at most ``side`` x ``side`` pixels for feature maps at the layers, near a square.

    Raises ValueError where ``side`` is less than `least_tile`, unless the image is smaller, too.
    """
    layers = set(layers)
    margin, stride = _margin(spec, layers)
    rows, columns = (_spans(length, side, margin, stride) for length in (height, width))
    return FeatureGrid(
        height, width, tuple(Tile(*pair) for pair in itertools.product(rows, columns))
    )


def pixels_of(image: Tensor, tile: Tile) -> Tensor:
    """The tile's part of an image, a view."""
    (top, bottom, *_), (left, right, *_) = tile
    return image[..., top:bottom, left:right]


def counted_of(features: Tensor, tile: Tile, layer: str) -> Tensor:
    """What counts of the tile's own feature maps at a layer, a view."""
    return _cut(features, tile, layer, tile.rows.start, tile.columns.start)


def part_of(whole: Tensor, tile: Tile, layer: str) -> Tensor:
    """The part of the whole image's maps at a layer that counts in this tile, a view."""
    return _cut(whole, tile, layer, 0, 0)


def _cut(maps: Tensor, tile: Tile, layer: str, top: int, left: int) -> Tensor:
    stride = stride_of(layer)
    rows = slice((tile.rows.first - top) // stride, (tile.rows.last - top) // stride)
    columns = slice((tile.columns.first - left) // stride, (tile.columns.last - left) // stride)
    return maps[..., rows, columns]


def _margin(spec: EncoderSpec, layers: Iterable[str]) -> tuple[int, int]:
    """What tiles have around what counts, and what their borders are multiples of."""
    layers = set(layers)
    stride = max((stride_of(layer) for layer in layers), default=1)
    return math.ceil(reach_of(spec, layers) / stride) * stride, stride


def _spans(length: int, side: int, margin: int, stride: int) -> list[Span]:
    if length <= side:
        return [Span(0, length, 0, length)]
    inner = (side - 2 * margin) // stride * stride
    if inner < stride:
        raise ValueError(
            f"tile: must be at least {2 * margin + stride} pixels for these layers, not {side}"
        )
    # Of about the same size: the last one is no sliver.
    part = math.ceil(math.ceil(length / math.ceil(length / inner)) / stride) * stride
    return [
        Span(
            max(0, first - margin),
            min(length, first + part + margin),
            first,
            min(length, first + part),
        )
        for first in range(0, length, part)
    ]
