"""The versions of packs that stay in use when newer ones come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pastiche_daemon.packs.errors import StorageError
from pastiche_daemon.packs.listfile import FileProblemError, ListFile
from pastiche_daemon.packs.manifest import Id, SemVer


class _Pins(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    packs: Annotated[dict[Id, SemVer], Field(max_length=10_000)] = {}


class PinStore:
    """Version by id of pack, in a file; for any thread and several processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = ListFile(path, _Pins)

    def all(self) -> Mapping[str, str]:
        """Every pin. Raises `StorageError` where the file cannot be read."""
        try:
            return self._file.read().packs
        except FileProblemError as error:
            raise StorageError(str(error)) from error

    def set(self, pack_id: str, version: str | None) -> None:
        """Pin a pack's version; None for no pin. Raises `StorageError`, `StorageFullError`."""
        with self._file.changing() as write:
            pins = dict(self.all())
            if pins.get(pack_id) == version:
                return
            pins.pop(pack_id, None)
            if version is not None:
                pins[pack_id] = version
            write(_Pins(packs=dict(sorted(pins.items()))))
