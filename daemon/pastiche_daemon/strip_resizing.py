"""Resizing a picture row by row, with the result of resizing it as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pastiche_daemon.stylize import interpolate

# Rows on each side of a bicubic kernel, and what rounding may add.
_KERNEL_ROWS, _MARGIN = 2, 2


class PictureRows(Protocol):
    """A picture that is read by rows: 1 x C x ``height`` x ``width``, float32, on the CPU."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop``, within 0..height. Not to be changed."""
        ...


class _Taps:
    """How much every row of a picture counts for every row of the resized one."""

    def __init__(self, before: int, after: int) -> None:
        self._before = before
        self._same = before == after
        scale = before / after
        reach = _KERNEL_ROWS * max(1.0, scale) + _MARGIN
        middles = (torch.arange(after, dtype=torch.float64) + 0.5) * scale
        self._first = (middles - reach).floor().long().clamp_min(0)
        self._last = (middles + reach).ceil().long().clamp_max(before)
        if self._same:
            return
        # Read off the resizing itself, so that its weights are met to the last bit: row r is one
        # in column r mod period, and no kernel reaches further than a period.
        period = 2 * int(reach) + 4
        ones = torch.zeros(before, period)
        index = torch.arange(before)
        ones[index, index % period] = 1
        self._weights = interpolate(ones[None, None], (after, period))[0, 0]
        self._period = period

    def needed(self, start: int, stop: int) -> tuple[int, int]:
        """The rows of the picture that some rows of the resized one are made of."""
        if self._same:
            return start, stop
        return int(self._first[start]), int(self._last[stop - 1])

    def apply(self, x: Tensor, offset: int, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop`` of the resized picture.

        ``x`` holds the picture's rows from ``offset`` on, as many as are `needed`.
        """
        if self._same:
            return x[..., start - offset : stop - offset, :]
        low, high = self.needed(start, stop)
        source = torch.arange(low, high)
        first, last = self._first[start:stop, None], self._last[start:stop, None]
        weights = self._weights[start:stop, source % self._period]
        weights = torch.where((source >= first) & (source < last), weights, 0.0)
        return weights @ x[..., low - offset : high - offset, :]


@dataclass(frozen=True)
class ResizedRows:
    """What `stylize.resize` makes of a picture."""

    source: PictureRows
    shape: tuple[int, int]
    _taps: _Taps

    @staticmethod
    def of(source: PictureRows, shape: tuple[int, int]) -> PictureRows:
        """``source`` itself where it has that height and width."""
        if (source.height, source.width) == shape:
            return source
        return ResizedRows(source, shape, _Taps(source.height, shape[0]))

    @property
    def height(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1]

    def rows(self, start: int, stop: int) -> Tensor:
        first, last = self._taps.needed(start, stop)
        x = _widened(self.source.rows(first, last), self.width)
        return self._taps.apply(x, first, start, stop).clamp(0, 1)


class ResizingSink:
    """Takes a picture's rows in order, and gives those of the resized one on as they are whole."""

    def __init__(
        self,
        before: tuple[int, int],
        after: tuple[int, int],
        sink: Callable[[int, Tensor], None],
    ) -> None:
        self._before, self._after = before, after
        self._sink = sink
        self._taps = _Taps(before[0], after[0])
        self._held: Tensor | None = None
        self._offset = self._done = 0

    def __call__(self, start: int, rows: Tensor) -> None:
        """``rows`` are 1 x C x h x W and follow on those before."""
        if self._before == self._after:
            self._sink(start, rows)
            return
        rows = _widened(rows, self._after[1])
        held = rows if self._held is None else torch.cat([self._held, rows], dim=-2)
        come = self._offset + held.shape[-2]
        stop = self._done
        while stop < self._after[0] and self._taps.needed(stop, stop + 1)[1] <= come:
            stop += 1
        if stop > self._done:
            made = self._taps.apply(held, self._offset, self._done, stop).clamp(0, 1)
            self._sink(self._done, made)
            self._done = stop
        if self._done < self._after[0]:
            keep = self._taps.needed(self._done, self._done + 1)[0]
            held = held[..., max(0, keep - self._offset) :, :]
            self._offset = max(self._offset, keep)
        self._held = held


def _widened(x: Tensor, width: int) -> Tensor:
    return x if x.shape[-1] == width else interpolate(x, (x.shape[-2], width))
