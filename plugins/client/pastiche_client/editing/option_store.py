"""Values of a kind that are kept between starts: presets by name, and those of the last time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from pastiche_client.editing.option_values import OptionError
from pastiche_client.editing.told import ToldError, marked

if TYPE_CHECKING:
    from pathlib import Path

    from pastiche_client.paths import DataPaths

SCHEMA = 1
LONGEST_NAME = 80
_LARGEST_FILE = 64 * 1024
_SUFFIX = ".json"


class PresetError(ToldError):
    """A preset cannot be kept or used."""


class Storable(Protocol):
    """Options that can be kept."""

    def to_dict(self) -> dict[str, Any]: ...


OptionsT = TypeVar("OptionsT", bound=Storable)


class _DamagedError(Exception):
    """A file holds no preset."""


class _NewerError(Exception):
    """A file was written by a newer Pastiche."""


class OptionStore(ABC, Generic[OptionsT]):
    """Presets by name, a file each, so that editors that run at once lose none of each other's.

    A file is written whole or not at all. A damaged one is set aside, beside its place with the
    ending `.damaged`, and told of in `problems`.
    """

    def __init__(self, paths: DataPaths, editor: str = "") -> None:
        """Nothing is read or written yet.

        Args:
            paths: the data folder.
            editor: whose last values these are, such as "gimp"; presets are for all editors.
        """
        root = paths.root / "editors"
        prefix = f"{self.kind}-" if self.kind else ""
        self._folder = root / f"{prefix}presets"
        self._last = root / f"{prefix}last{f'-{editor}' if editor else ''}{_SUFFIX}"
        self._problems: list[ToldError] = []

    @property
    @abstractmethod
    def kind(self) -> str:
        """What sets these files apart from those of other kinds, for names of files."""

    @abstractmethod
    def load(self, values: Mapping[str, object]) -> OptionsT:
        """Options of what their `to_dict` gave. Raises OptionError."""

    @property
    def problems(self) -> tuple[ToldError, ...]:
        """What was found to be wrong with files since the store was made."""
        return tuple(self._problems)

    def names(self) -> tuple[str, ...]:
        """All presets, sorted for people."""
        try:
            files = [path for path in self._folder.iterdir() if path.suffix == _SUFFIX]
        except FileNotFoundError:
            return ()
        except OSError as error:
            self._tell(_unreadable(self._folder, error))
            return ()
        found = {entry[0] for file in files if (entry := self._read(file)) is not None}
        return tuple(sorted(found, key=lambda name: (name.casefold(), name)))

    def get(self, name: str) -> OptionsT | None:
        """The preset of a name; None where there is none (any more)."""
        entry = self._read(self._file(_clean(name)))
        return None if entry is None else entry[1]

    def save(self, name: str, options: OptionsT) -> None:
        """Keep a preset, in the place of one of the same name.

        Raises:
            PresetError: the name cannot be used, or the file not be written.
        """
        cleaned = _clean(name)
        if not cleaned:
            raise PresetError(marked("Give the preset a name."))
        if len(cleaned) > LONGEST_NAME:
            raise PresetError(
                marked("The preset's name may have at most {most} characters."), most=LONGEST_NAME
            )
        self._write(self._file(cleaned), cleaned, options)

    def delete(self, name: str) -> None:
        """Remove a preset; it is no error if there is none.

        Raises:
            PresetError: it cannot be removed.
        """
        file = self._file(_clean(name))
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise PresetError(
                marked("The preset cannot be removed: {detail}"), detail=str(error)
            ) from error

    def last(self) -> OptionsT | None:
        """The values of the last time; None if there are none."""
        entry = self._read(self._last)
        return None if entry is None else entry[1]

    def remember_last(self, options: OptionsT) -> None:
        """Keep the values for the next time.

        Raises:
            PresetError: the file cannot be written.
        """
        self._write(self._last, "", options)

    def _file(self, name: str) -> Path:
        # Names may hold what file names must not, or differ in case only: the hash tells apart,
        # the rest is for people who look into the folder.
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:32].strip("-")
        digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]
        return self._folder / f"{readable or 'preset'}-{digest}{_SUFFIX}"

    def _read(self, file: Path) -> tuple[str, OptionsT] | None:
        try:
            with file.open("rb") as content:
                data = content.read(_LARGEST_FILE + 1)
            return self._parse(data)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(_unreadable(file, error))
        except _NewerError:
            self._tell(
                PresetError(
                    marked("{file} was written by a newer Pastiche. Update Pastiche to use it."),
                    file=file,
                )
            )
        except _DamagedError:
            self._set_aside(file)
        return None

    def _set_aside(self, file: Path) -> None:
        aside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.damaged")
        try:
            file.replace(aside)
        except FileNotFoundError:  # the other editor was faster
            return
        except OSError as error:
            self._tell(_unreadable(file, error))
            return
        self._tell(
            PresetError(
                marked("Saved values were damaged and cannot be used. They were kept as {file}"),
                file=aside,
            )
        )

    def _tell(self, problem: ToldError) -> None:
        if str(problem) not in map(str, self._problems):
            self._problems.append(problem)

    def _write(self, file: Path, name: str, options: OptionsT) -> None:
        values = {"schema": SCHEMA, "name": name, "options": options.to_dict()}
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("x", encoding="utf-8") as content:
                    json.dump(values, content, indent=2)
                    content.flush()
                    os.fsync(content.fileno())
                temporary.replace(file)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink()
        except OSError as error:
            raise PresetError(
                marked("The values cannot be saved: {detail}"), detail=str(error)
            ) from error

    def _parse(self, data: bytes) -> tuple[str, OptionsT]:
        name, options = _entry(data)
        try:
            return name, self.load(options)
        except OptionError as error:
            raise _DamagedError from error


def _entry(data: bytes) -> tuple[str, dict[str, object]]:
    if len(data) > _LARGEST_FILE:
        raise _DamagedError
    try:
        values: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _DamagedError from error
    if not isinstance(values, dict):
        raise _DamagedError
    entry = cast("dict[str, object]", values)
    schema, name, options = entry.get("schema"), entry.get("name"), entry.get("options")
    if isinstance(schema, int) and schema > SCHEMA:
        raise _NewerError
    if schema != SCHEMA or not isinstance(name, str) or not isinstance(options, dict):
        raise _DamagedError
    return name, cast("dict[str, object]", options)


def _clean(name: str) -> str:
    """The name as it is kept: composed, in one line, without spaces around it."""
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(
        " " if unicodedata.category(character)[0] == "C" else character for character in composed
    )
    return " ".join(visible.split())


def _unreadable(path: Path, error: OSError) -> PresetError:
    return PresetError(
        marked("{file} cannot be read: {detail}"), file=path, detail=error.strerror or str(error)
    )
