"""What a layer costs in memory, and whether that much is there before it is spent."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import sys
import threading
from collections.abc import Callable, Iterator

import psutil

from pastiche_daemon.nn.upscaler_switches import TILE_PIXELS

_MIB = 2**20
# Left to everything else that runs on this computer.
_SPARE_BYTES = 256 * _MIB
_RETRY_SECONDS = 10.0
# The layer's colours, alpha and mask in float32, filled in, clamped, mixed and encoded.
_BYTES_PER_PIXEL = 96


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


def upscale_bytes(
    pixels: int, factor: int, channels: tuple[int, ...], bytes_per_pixel: int, *, whole: bool
) -> int:
    """About the largest amount that upscaling a layer holds at once, in bytes, rounded up.

    `pixels` are the layer's and `bytes_per_pixel` theirs; `channels` the network's at the low
    resolution and after each doubling. `whole`: the result is held in float32, too.
    """
    large = pixels * factor**2
    *_, before, last = channels
    at_once = min(large, TILE_PIXELS) * 4 * (3 * before + 3 * last + 12)
    kept = large * (bytes_per_pixel + (24 if whole else 0))
    return pixels * _BYTES_PER_PIXEL + at_once + kept + 16 * _MIB


class MemoryBudget:
    """Refuses what would not fit, before it is allocated. May be used from any thread."""

    def __init__(
        self,
        available: Callable[[], int] | None = None,
        total: Callable[[], int] | None = None,
    ) -> None:
        """`available` and `total` tell the computer's memory in bytes."""
        self._available = available or _available
        self._total = total or _total
        self._lock = threading.Lock()
        self._on_their_way = 0

    @contextlib.contextmanager
    def upload(self, size: int, work: int, *, device_busy: bool) -> Iterator[None]:
        """Hold room for a layer of `size` bytes while it arrives.

        Args:
            work: bytes that stylizing it will take.
            device_busy: what runs now gives its memory back first, so that `work` only has to fit
                into the computer at all.

        Raises:
            InsufficientMemoryError: there is no room.
        """
        if size + work + _SPARE_BYTES > self._total():
            raise _insufficient(size + work, self._total() - _SPARE_BYTES, "this computer has")
        with self._lock:
            free = self._free() - self._on_their_way
            needed = size if device_busy else size + work
            if needed > free:
                raise _insufficient(needed, free, "are free")
            self._on_their_way += size
        try:
            yield
        finally:
            with self._lock:
                self._on_their_way -= size

    def require(self, work: int) -> None:
        """Raises InsufficientMemoryError if `work` bytes are not free now."""
        require_bytes(work, self.free(work))

    def free(self, enough: int) -> int:
        """Bytes that are free now; what was kept for later jobs is given back if not `enough`."""
        free = self._free()
        if enough > free:
            release_freed_memory()
            free = self._free()
        return free

    def _free(self) -> int:
        return self._available() - _SPARE_BYTES


def require_bytes(work: int, free: int) -> None:
    """Raises InsufficientMemoryError if `work` bytes are more than are `free`."""
    if work > free:
        raise _insufficient(work, free, "are free")


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


def _insufficient(needed: int, free: int, have: str) -> InsufficientMemoryError:
    return InsufficientMemoryError(
        f"the layer needs about {_size(needed)} of memory and {_size(free)} {have}; stylize it in "
        "parts, scale it down, use larger strokes, or close other programs"
    )


def _size(size: int) -> str:
    mib = max(0, size) / _MIB
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def _available() -> int:
    return psutil.virtual_memory().available


def _total() -> int:
    return psutil.virtual_memory().total
