"""Where feature maps are kept between two layers: in memory, or in a file where they don't fit.

A file is read and written into buffers of one strip's size, never mapped: pages of a map count as
the process's memory for as long as the system leaves them there, and nothing bounds that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class Scratch(Protocol):
    """A temporary file, gone when it is closed."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill all of ``buffer`` with what stands at ``offset`` bytes."""
        ...

    def write(self, offset: int, data: memoryview) -> None: ...

    def close(self) -> None: ...


class FeatureMap(Protocol):
    """Feature maps of one layer, 1 x C x ``height`` x W, row by row."""

    @property
    def height(self) -> int: ...

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop``, within 0..height; not to be changed, nor kept for long."""
        ...

    def write(self, start: int, rows: Tensor) -> None:
        """Put 1 x C x h x W over the rows from ``start`` on."""
        ...

    def close(self) -> None:
        """Give its room back. May be called again."""
        ...


class FeatureStore:
    """Makes feature maps, in memory while they are within a limit. For one thread."""

    def __init__(
        self, limit: int | None = None, scratch: Callable[[int], Scratch] | None = None
    ) -> None:
        """``limit`` is in bytes for all maps together; None for no limit.

        ``scratch`` gives a file for a number of bytes, and raises where the disk has no room for
        them. Without it everything is kept in memory.
        """
        self._limit = None if scratch is None else limit
        self._scratch = scratch
        self._used = 0
        self._open: list[_InMemory | _InFile] = []

    def close(self) -> None:
        """Close all maps that are open."""
        for kept in list(self._open):
            kept.close()

    @property
    def used_bytes(self) -> int:
        """What the open maps hold in memory."""
        return self._used

    def fits(self, size: int) -> bool:
        """Whether maps of ``size`` bytes would be in memory now."""
        return self._limit is None or self._used + size <= self._limit

    def new(self, like: Tensor, height: int, *, leave: int = 0) -> FeatureMap:
        """Room for ``height`` rows of maps with the channels, width, type and device of ``like``.

        It is in a file if fewer than ``leave`` bytes of the limit would be left: room for maps
        that are needed more often. What is in it before it is written is undefined.
        """
        row_bytes = like.shape[1] * like.shape[3] * like.element_size()
        size = row_bytes * height
        if self.fits(size + leave):
            self._used += size
            made: _InMemory | _InFile = _InMemory(like, height, lambda: self._release(made, size))
        else:
            assert self._scratch is not None
            file = self._scratch(size)
            made = _InFile(like, height, file, lambda: self._release(made, 0))
        self._open.append(made)
        return made

    def _release(self, kept: _InMemory | _InFile, size: int) -> None:
        self._open.remove(kept)
        self._used -= size


class _InMemory:
    """Channels-last, as convolutions want it."""

    def __init__(self, like: Tensor, height: int, closed: Callable[[], None]) -> None:
        self._height = height
        self._closed = closed
        self._tensor: Tensor | None = torch.empty(
            (*like.shape[:2], height, like.shape[-1]),
            dtype=like.dtype,
            device=like.device,
            memory_format=torch.channels_last,
        )

    @property
    def height(self) -> int:
        return self._height

    def rows(self, start: int, stop: int) -> Tensor:
        return self._opened()[..., start:stop, :]

    def write(self, start: int, rows: Tensor) -> None:
        self._opened()[..., start : start + rows.shape[-2], :] = rows

    def close(self) -> None:
        if self._tensor is not None:
            self._tensor = None
            self._closed()

    def _opened(self) -> Tensor:
        if self._tensor is None:
            raise ValueError("the feature maps were closed")
        return self._tensor


class _InFile:
    """Rows of W x C samples, one after the other."""

    def __init__(
        self, like: Tensor, height: int, file: Scratch, closed: Callable[[], None]
    ) -> None:
        self._height = height
        self._channels, self._width = like.shape[1], like.shape[3]
        self._dtype, self._device = like.dtype, like.device
        self._row_bytes = self._channels * self._width * like.element_size()
        self._file: Scratch | None = file
        self._closed = closed

    @property
    def height(self) -> int:
        return self._height

    def rows(self, start: int, stop: int) -> Tensor:
        buffer = torch.empty((stop - start) * self._row_bytes, dtype=torch.uint8)
        self._opened().read_into(start * self._row_bytes, buffer.numpy().data)
        samples = buffer.view(self._dtype).view(1, stop - start, self._width, self._channels)
        return samples.permute(0, 3, 1, 2).to(self._device)

    def write(self, start: int, rows: Tensor) -> None:
        samples = rows.permute(0, 2, 3, 1).to("cpu").contiguous()
        data = samples.view(-1).view(torch.uint8)
        self._opened().write(start * self._row_bytes, data.numpy().data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._closed()

    def _opened(self) -> Scratch:
        if self._file is None:
            raise ValueError("the feature maps were closed")
        return self._file
