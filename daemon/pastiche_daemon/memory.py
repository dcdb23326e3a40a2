"""What a layer costs in memory, and whether that much is there before it is spent."""

from __future__ import annotations

import contextlib
import ctypes
import math
import platform
import sys
import threading
from collections.abc import Callable, Iterator

import psutil

from pastiche_daemon.nn.upscaler_switches import TILE_PIXELS
from pastiche_daemon.sizes import size_text
from pastiche_daemon.spool import MemoryBytes, PlaneBytes, Spool, SpooledBytes

_MIB = 2**20
# Left to everything else that runs on this computer.
_SPARE_BYTES = 256 * _MIB
_RETRY_SECONDS = 10.0
# The layer's colours, alpha and mask in float32, filled in, clamped, mixed and encoded.
_BYTES_PER_PIXEL = 96
# What one layer may take by default.
_LAYER_BYTES = 2 * 2**30
# Of that, the share that its bytes, or those of its mask, may be of.
_PLANE_SHARE = 8

WORK_LESS = "work on a part of it, scale it down, or close other programs"
"""What to do where memory is short."""
STYLIZE_LESS = "stylize it in parts, scale it down, use larger strokes, or close other programs"
"""The same, of stylizing."""
UPSCALE_LESS = "upscale it in parts or by a smaller factor, or close other programs"
"""The same, of upscaling."""


class InsufficientMemoryError(Exception):
    """There is not enough memory. The message says how much is missing and what to do."""

    retry_seconds = _RETRY_SECONDS


def stylize_bytes(pixels: int, channels: tuple[int, int, int], stroke_size: float) -> int:
    """About the largest amount that stylizing a layer holds at once, in bytes, rounded up.

    `pixels` are the layer's; `channels` the network's at full, half and quarter resolution. The
    peak is an upsampling's result, its padded and reordered copies, and what the convolution makes
    of them, in float32; measured peaks are 0.7 to 0.98 of this estimate.
    """
    full, half, quarter = channels
    at_full = 3 * half + full
    at_half = (3 * quarter + half) / 4
    in_trunk = 4 * quarter / 16
    network_pixels = pixels / stroke_size**2
    per_network_pixel = 4 * max(at_full, at_half, in_trunk, 3 * full)
    return int(pixels * _BYTES_PER_PIXEL + network_pixels * per_network_pixel) + 16 * _MIB


def strips_bytes(pixels: int, channels: tuple[int, int, int], stroke_size: float) -> int:
    """About what stylizing holds in memory for strips of `pixels`, in bytes, rounded up.

    `pixels` are the network's, and `channels` as for `stylize_bytes`; what is kept of the whole
    layer between the strips' passes is not counted.
    """
    full, half, _ = channels
    # The rows that a strip needs around it are counted as half a strip more.
    per_pixel = 1.5 * 4 * (3 * half + 2 * full) + _BYTES_PER_PIXEL * max(1.0, stroke_size**2)
    return int(pixels * per_pixel) + 32 * _MIB


def upscale_bytes(
    width: int, height: int, channels: tuple[int, ...], factor: int, value_bytes: int
) -> int:
    """About what upscaling holds in memory at once, in bytes, rounded up.

    `width` and `height` are the layer's, `channels` the network's at the low resolution and after
    each doubling, and `value_bytes` the size of its numbers. The result is not counted.
    """
    *_, before, last = channels
    at_once = min(width * height * factor**2, TILE_PIXELS)
    # Measured: 95 numbers a pixel in half precision and 135 in single, where 32 are both widths.
    in_tile = at_once * value_bytes * (2 * before + 2 * last + 12)
    side = math.isqrt(TILE_PIXELS) // factor
    band = width * min(height, side)
    # The band's result is encoded in up to 16 bytes a pixel.
    return in_tile + band * (_BYTES_PER_PIXEL + 16 * factor**2) + 16 * _MIB


class MemoryBudget:
    """Refuses what would not fit, before it is allocated. May be used from any thread."""

    def __init__(
        self,
        available: Callable[[], int] | None = None,
        total: Callable[[], int] | None = None,
        *,
        limit: int | None = None,
        spool: Spool | None = None,
    ) -> None:
        """`available` and `total` tell the computer's memory in bytes.

        `limit` is what one layer may take where it can do with less than it would like; by default
        the least of 2 GiB and a quarter of what is free. `spool` has room for the rest; without
        it everything is kept in memory.
        """
        self._available = available or _available
        self._total = total or _total
        self._limit = limit
        self.spool = spool
        self._lock = threading.Lock()
        self._on_their_way = 0

    @property
    def layer_limit(self) -> int:
        """How many bytes one layer may take where it can do with less than it would like."""
        if self._limit is not None:
            return self._limit
        return min(_LAYER_BYTES, max(0, self._free()) // 4)

    @property
    def given_limit(self) -> int | None:
        """The `limit` that was given, for work that is much faster where nothing bounds it."""
        return self._limit

    def keeps_in_memory(self, size: int) -> bool:
        """Whether `new_plane` keeps so many bytes in memory."""
        return self.spool is None or size <= self.layer_limit // _PLANE_SHARE

    def new_plane(self, size: int) -> PlaneBytes:
        """Room for `size` bytes of a layer: in memory, or in a file where they are many.

        Raises:
            SpoolError: the disk has no room for them.
        """
        if self.spool is None or self.keeps_in_memory(size):
            return MemoryBytes()
        return SpooledBytes(self.spool.file(size))

    @contextlib.contextmanager
    def upload(
        self, size: int, work: int, *, device_busy: bool, advice: str = WORK_LESS
    ) -> Iterator[None]:
        """Hold room for a layer of `size` bytes while it arrives.

        Args:
            work: bytes that working on it will take.
            advice: what to do where there is no room.
            device_busy: what runs now gives its memory back first, so that `work` only has to fit
                into the computer at all.

        Raises:
            InsufficientMemoryError: there is no room.
        """
        if size + work + _SPARE_BYTES > self._total():
            raise _insufficient(
                size + work, self._total() - _SPARE_BYTES, "this computer has", advice
            )
        with self._lock:
            free = self._free() - self._on_their_way
            needed = size if device_busy else size + work
            if needed > free:
                raise _insufficient(needed, free, "are free", advice)
            self._on_their_way += size
        try:
            yield
        finally:
            with self._lock:
                self._on_their_way -= size

    def require(self, work: int, advice: str = WORK_LESS) -> None:
        """Raises InsufficientMemoryError if `work` bytes are not free now."""
        require_bytes(work, self.free(work), advice)

    def free(self, enough: int) -> int:
        """Bytes that are free now; what was kept for later jobs is given back if not `enough`."""
        free = self._free()
        if enough > free:
            release_freed_memory()
            free = self._free()
        return free

    def _free(self) -> int:
        return self._available() - _SPARE_BYTES


def require_bytes(work: int, free: int, advice: str = WORK_LESS) -> None:
    """Raises InsufficientMemoryError if `work` bytes are more than are `free`."""
    if work > free:
        raise _insufficient(work, free, "are free", advice)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that an allocation failed, in the computer's memory or a device's own."""
    if isinstance(error, MemoryError):
        return True
    # The device's thread may be in the middle of importing torch.
    out_of_memory = getattr(sys.modules.get("torch"), "OutOfMemoryError", None)
    if out_of_memory is not None and isinstance(error, out_of_memory):
        return True
    # Neither the CPU's allocator nor that of Apple's GPUs has an exception of its own.
    told = ("can't allocate memory", "out of memory")
    return isinstance(error, RuntimeError) and any(text in str(error) for text in told)


def release_freed_memory() -> None:
    """Give memory that was freed, but kept for the next job, back to the system."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _insufficient(needed: int, free: int, have: str, advice: str) -> InsufficientMemoryError:
    return InsufficientMemoryError(
        f"the layer needs about {size_text(needed)} of memory and {size_text(free)} {have}; "
        f"{advice}"
    )


def _available() -> int:
    return psutil.virtual_memory().available


def _total() -> int:
    return psutil.virtual_memory().total
