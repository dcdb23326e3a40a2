"""What a batch has done so far: a line of JSON for every picture, in `batch.jsonl`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from pastiche_daemon.cli.imagefile import PictureFileError

MANIFEST = "batch.jsonl"


@dataclass(frozen=True)
class BatchManifest:
    """The manifest of one folder of results.

    A line says that a result is begun before it is written, and a second one what was applied when
    it is there: what lies there half done after a crash is known to be ours.
    """

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / MANIFEST

    def read(self) -> dict[str, str | None]:
        """For every result that was begun, by its name: the digest of what was applied, if done.

        Raises:
            PictureFileError: the file cannot be read.
        """
        found: dict[str, str | None] = {}
        for record in self._records():
            target, digest = record.get("target"), record.get("digest")
            if isinstance(target, str):
                found[target] = digest if isinstance(digest, str) else None
        return found

    def begin(self, target: str) -> None:
        """A result is about to be written."""
        self._append({"target": target})

    def finish(self, target: str, record: Mapping[str, Any]) -> None:
        """A result is there. `record` has what was applied, with its `digest`."""
        self._append({"target": target, **record})

    def _records(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        try:
            if not self.path.is_file():
                raise PictureFileError(
                    f"{self.path}: is no file; move it, or choose another folder"
                )
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PictureFileError(f"{self.path}: cannot be read: {error}") from error
        for line in text.splitlines():
            try:
                record: object = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut short by a crash
            if isinstance(record, dict):
                yield cast("dict[str, Any]", record)

    def _append(self, record: Mapping[str, Any]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                _drop_torn_line(file)
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PictureFileError(f"{self.path}: {error.strerror or error}") from error


def _drop_torn_line(file: BinaryIO) -> None:
    """Cut off a last line that a crash cut short. The file is left at its end."""
    if file.tell() == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    content = file.read()
    file.truncate(content.rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
