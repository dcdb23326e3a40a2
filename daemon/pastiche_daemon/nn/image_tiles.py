"""Cutting an image into overlapping tiles, whose borders fall elsewhere every time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

LEAST_TILE = 128
_MARGIN = 32


class Span(NamedTuple):
    """Of one axis: ``start`` and ``stop`` of a tile, of which ``first`` to ``last`` counts."""

    start: int
    stop: int
    first: int
    last: int


class Tile(NamedTuple):
    rows: Span
    columns: Span


def tiles(height: int, width: int, size: int, generator: torch.Generator) -> Iterator[Tile]:
    """Tiles of at most ``size`` x ``size`` pixels; what counts of them makes up the image.

    All have the same size. Where there are several along an axis, the borders between them are
    shifted at random, so that every place is a border equally often; what counts of a tile keeps a
    distance to the tile's own border, except to the image's. ``size`` is at least `LEAST_TILE`.
    """
    rows, columns = (_spans(length, size, generator) for length in (height, width))
    for across, along in itertools.product(rows, columns):
        yield Tile(across, along)


def _spans(length: int, size: int, generator: torch.Generator) -> list[Span]:
    if length <= size:
        return [Span(0, length, 0, length)]
    # The first and the last part may grow by half of a part.
    count = math.ceil(1.5 * length / (size - _MARGIN))
    part = length / count
    span = max(math.ceil(1.5 * part) + _MARGIN, math.ceil(part) + 2 * _MARGIN)
    shift = part * (torch.rand((), generator=generator).item() - 0.5)
    inner = [round(part * place + shift) for place in range(1, count)]
    limits = [0, *inner, length]
    spans: list[Span] = []
    for first, last in itertools.pairwise(limits):
        start = min(max(0, first - _MARGIN), length - span)
        spans.append(Span(start, start + span, first, last))
    return spans
