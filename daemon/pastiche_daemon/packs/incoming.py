"""A pack that is being received."""

from __future__ import annotations

from typing import Protocol

from pastiche_daemon.packs.archive import Pack, PackLimits, read_pack
from pastiche_daemon.packs.contents import StoredPack
from pastiche_daemon.packs.errors import PackTooLargeError
from pastiche_daemon.packs.files import PartFile, storage_errors


class Placer(Protocol):
    """Where it goes: a `PackStore`."""

    def check_placing(self, pack: Pack, *, replace: bool) -> StoredPack: ...

    def place(self, part: PartFile, pack: Pack, *, replace: bool) -> Pack: ...


class IncomingPack:
    """A pack on its way into the store; what was written is gone unless `install` succeeds."""

    def __init__(self, part: PartFile, limits: PackLimits, store: Placer) -> None:
        self._part = part
        self._limits = limits
        self._store = store
        self._size = 0
        self._read: Pack | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append a piece of the file.

        Raises `PackTooLargeError` as soon as there is too much, `StorageFullError` where there is
        no space left.
        """
        self._size += len(data)
        if self._size > self._limits.file_size:
            raise PackTooLargeError(
                f"the file has more than the {self._limits.file_size} bytes that packs may have"
            )
        with storage_errors(self._part.path.parent):
            self._part.file.write(data)

    def check(self, *, replace: bool = False) -> StoredPack:
        """Verify what was written; what `install` would install. Raises what it would raise."""
        return self._store.check_placing(self._verified(), replace=replace)

    def install(self, *, replace: bool = False) -> Pack:
        """Verify what was written and put it into the store. May be called once."""
        return self._store.place(self._part, self._verified(), replace=replace)

    def _verified(self) -> Pack:
        if self._read is None:
            with storage_errors(self._part.path.parent):
                self._part.finish()
            self._read = read_pack(self._part.path, self._limits)
        return self._read
