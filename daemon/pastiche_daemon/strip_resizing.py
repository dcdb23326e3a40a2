"""Resizing a picture row by row, with the result of resizing it as a whole."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pastiche_daemon.stylize import interpolate

# Rows on each side of a bicubic kernel, and what rounding may add.
_KERNEL_ROWS, _MARGIN = 2, 2
# Up to this reduction weights are read off a table of a few megabytes.
_READ_OFF = 16.0


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
        self._scale = before / after
        reach = _KERNEL_ROWS * max(1.0, self._scale) + _MARGIN
        self._middles = (torch.arange(after, dtype=torch.float64) + 0.5) * self._scale
        self._first = (self._middles - reach).floor().long().clamp_min(0)
        self._last = (self._middles + reach).ceil().long().clamp_max(before)
        self._table: Tensor | None = None
        if not self._same and self._scale <= _READ_OFF:
            # Read off the resizing itself, so that its weights are met to the last bit: row r is
            # one in column r mod period, and no kernel reaches further than a period.
            period = 2 * int(reach) + 4
            ones = torch.zeros(before, period)
            index = torch.arange(before)
            ones[index, index % period] = 1
            self._table = interpolate(ones[None, None], (after, period))[0, 0]

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
        weights = self.weights(slice(start, stop), low, high)
        return weights @ x[..., low - offset : high - offset, :]

    def weights(self, resized: slice, low: int, high: int) -> Tensor:
        """Those of the picture's rows ``low`` to ``high`` for some rows of the resized one."""
        source = torch.arange(low, high)
        if self._same:
            return (source == torch.arange(self._before)[resized, None]).float()
        first, last = self._first[resized, None], self._last[resized, None]
        if self._table is None:
            weights = self._computed(resized, source)
        else:
            weights = self._table[resized, source % self._table.shape[1]]
        return torch.where((source >= first) & (source < last), weights, 0.0)

    def _computed(self, resized: slice, source: Tensor) -> Tensor:
        """Of a kernel so large that where it is rounded to does not matter."""
        reach = int(_KERNEL_ROWS * self._scale) + 1
        middles = self._middles[resized, None]
        every = middles.floor().long() + torch.arange(-reach, reach + 1)
        inside = (every >= 0) & (every < self._before)
        total = torch.where(inside, _cubic((every + 0.5 - middles) / self._scale), 0.0)
        weights = _cubic((source + 0.5 - middles) / self._scale) / total.sum(1, keepdim=True)
        return weights.float()


def _cubic(t: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2, "Cubic Convolution Interpolation", 1981, equation 4."""
    t = t.abs()
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, 0.0))


def resized_at_once(
    source: PictureRows, shape: tuple[int, int], cuts: Iterable[tuple[int, int]]
) -> Tensor:
    """All of what `stylize.resize` makes of a picture, 1 x C x ``shape``, where that is small.

    The picture is read once, in the ``cuts`` of its rows.
    """
    taps = _Taps(source.height, shape[0])
    rows = slice(0, shape[0])
    parts = (
        taps.weights(rows, start, stop) @ _widened(source.rows(start, stop), shape[1])
        for start, stop in cuts
    )
    return functools.reduce(torch.add, parts).clamp(0, 1)


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
