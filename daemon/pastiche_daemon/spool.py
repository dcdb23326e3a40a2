"""Temporary files for what does not fit into memory.

A file has no name, or loses it at once: whatever ends the process, nothing stays behind.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from pastiche_daemon.sizes import size_text

# Left to everything else that writes to this disk.
_SPARE_BYTES = 256 * 2**20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolError(Exception):
    """Temporary files cannot be used. The message says why and what to do."""


class SpoolFullError(SpoolError):
    """The disk has no room for them."""


class Spool:
    """A folder for temporary files, made when the first one is. May be used from any thread."""

    def __init__(
        self, folder: Path, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    ) -> None:
        """`free` tells how many bytes the disk of a folder has left."""
        self._folder = folder
        self._free = free

    def file(self, size: int) -> SpoolFile:
        """A file with room for `size` bytes, of which nothing is written yet.

        Raises:
            SpoolFullError: the disk has less, or would be left with next to nothing.
            SpoolError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = self._free(self._folder)
            if size + _SPARE_BYTES > free:
                raise _full(self._folder, size, max(0, free - _SPARE_BYTES))
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - SpoolFile closes it
        except OSError as error:
            raise SpoolError(
                f"temporary files cannot be made in {self._folder} ({error.strerror}); {_ELSEWHERE}"
            ) from error
        made = SpoolFile(file, self._folder)
        made.reserve(size)
        return made


class SpoolFile:
    """Bytes in a temporary file, which is gone when this is closed or forgotten.

    One thread at a time.
    """

    def __init__(self, file: FileIO, folder: Path) -> None:
        self._file = file
        self._folder = folder
        self._finalizer = weakref.finalize(self, file.close)

    def reserve(self, size: int) -> None:
        """Take the disk's room for `size` bytes now, where the system can.

        Raises:
            SpoolFullError: there is less.
        """
        if size > 0 and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._file.fileno(), 0, size)
            except OSError as error:
                if error.errno in _FULL:
                    self.close()
                    raise _full(self._folder, size, None) from error
                # Some file systems cannot; then writing tells.

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill all of `buffer`, of single bytes, with what was written at `offset`.

        Raises:
            EOFError: less was written.
        """
        self._file.seek(offset)
        while buffer:
            count = self._file.readinto(buffer)
            if not count:
                raise EOFError(f"a temporary file ends before byte {offset + len(buffer)}")
            buffer = buffer[count:]

    def write(self, offset: int, data: memoryview) -> None:
        """Put single bytes at `offset`.

        Raises:
            SpoolFullError: the disk is full.
        """
        size = len(data)
        try:
            self._file.seek(offset)
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            if error.errno in _FULL:
                raise _full(self._folder, size, None) from error
            raise SpoolError(
                f"a temporary file in {self._folder} cannot be written ({error.strerror}); "
                f"{_ELSEWHERE}"
            ) from error

    def close(self) -> None:
        """Delete the file. May be called again."""
        self._finalizer()


class PlaneBytes(Protocol):
    """Bytes that come one after the other, and may be overwritten then. One thread at a time."""

    @property
    def in_memory(self) -> bool: ...

    def __len__(self) -> int: ...

    def extend(self, data: bytes | bytearray) -> None: ...

    def read(self, start: int, stop: int) -> memoryview:
        """Some of the bytes, all of which must have come. It may be a view of them, or a copy."""
        ...

    def overwrite(self, start: int, data: memoryview) -> None:
        """Put `data` over what has come; it may be what `read` gave."""
        ...

    def close(self) -> None:
        """Give the room back. May be called again."""
        ...


class MemoryBytes:
    """`PlaneBytes` in memory."""

    in_memory = True

    def __init__(self, data: bytes | bytearray = b"") -> None:
        """What there is at first: a bytearray is used as it is, bytes are copied."""
        self.data = data if isinstance(data, bytearray) else bytearray(data)

    def __len__(self) -> int:
        return len(self.data)

    def extend(self, data: bytes | bytearray) -> None:
        self.data += data

    def read(self, start: int, stop: int) -> memoryview:
        return memoryview(self.data)[start:stop]

    def overwrite(self, start: int, data: memoryview) -> None:
        with memoryview(self.data) as view:
            view[start : start + len(data)] = data

    def close(self) -> None:
        self.data = bytearray()


class SpooledBytes:
    """`PlaneBytes` in a file."""

    in_memory = False

    def __init__(self, file: SpoolFile) -> None:
        self._file = file
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, data: bytes | bytearray) -> None:
        self._file.write(self._size, memoryview(data))
        self._size += len(data)

    def read(self, start: int, stop: int) -> memoryview:
        piece = memoryview(bytearray(stop - start))
        self._file.read_into(start, piece)
        return piece

    def overwrite(self, start: int, data: memoryview) -> None:
        self._file.write(start, data)

    def close(self) -> None:
        self._file.close()


_ELSEWHERE = (
    "name another folder with `pastiche settings --spool-folder`, or work on a part of the layer"
)


def _full(folder: Path, size: int, free: int | None) -> SpoolFullError:
    left = "the disk is full" if free is None else f"only {size_text(free)} may be used"
    return SpoolFullError(
        f"{size_text(size)} are needed for temporary files in {folder}, and {left}; "
        f"make room there, {_ELSEWHERE}"
    )
