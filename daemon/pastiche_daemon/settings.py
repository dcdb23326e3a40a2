"""The daemon's settings: what was given at its start, in the environment, and in its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from pastiche_daemon.nn.runtime_switches import DeviceChoice, PrecisionChoice
from pastiche_daemon.packs.listfile import FileProblemError, ListFile
from pastiche_daemon.sizes import LEAST_MEMORY, parse_size, size_text

DEVICE_VARIABLE = "PASTICHE_DEVICE"
"""Environment: what networks run on."""
PRECISION_VARIABLE = "PASTICHE_PRECISION"
"""Environment: how finely they compute."""
MEMORY_VARIABLE = "PASTICHE_MEMORY"
"""Environment: what one layer may take."""
SPOOL_FOLDER_VARIABLE = "PASTICHE_SPOOL_FOLDER"
"""Environment: where the rest of it is kept."""
_MOST_FOLDERS = 100


class Settings(BaseModel):
    """The settings file. ``packs_folders`` and ``spool_folder`` are absolute paths.

    ``memory`` is in bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    packs_folders: Annotated[list[str], Field(max_length=_MOST_FOLDERS)] = []
    trusted_packs_only: bool = False
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    memory: Annotated[int, Field(ge=LEAST_MEMORY)] | None = None
    spool_folder: str | None = None


@dataclass(frozen=True)
class RuntimeSettings:
    """What networks shall run on. ``problem`` names a setting that makes no sense, and is ignored:
    an editor that starts the daemon gets one that works."""

    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    problem: str | None = None


def runtime_settings(
    settings_file: Path,
    device: DeviceChoice | None = None,
    precision: PrecisionChoice | None = None,
    environ: Mapping[str, str] = os.environ,
) -> RuntimeSettings:
    """What counts: what is given here, else the environment, else the settings file."""
    problems: list[str] = []
    file = _file(settings_file, problems)
    named_device = _named(environ, DEVICE_VARIABLE, DeviceChoice, problems)
    named_precision = _named(environ, PRECISION_VARIABLE, PrecisionChoice, problems)
    return RuntimeSettings(
        device or named_device or file.device,
        precision or named_precision or file.precision,
        "; ".join(problems) or None,
    )


@dataclass(frozen=True)
class MemorySettings:
    """What one layer may take. ``memory`` is in bytes, None for the daemon's choice; so is
    ``spool_folder``. ``problem`` as in `RuntimeSettings`."""

    memory: int | None = None
    spool_folder: Path | None = None
    problem: str | None = None


def memory_settings(
    settings_file: Path,
    memory: int | None = None,
    spool_folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> MemorySettings:
    """What counts: what is given here, else the environment, else the settings file."""
    problems: list[str] = []
    file = _file(settings_file, problems)
    named = environ.get(SPOOL_FOLDER_VARIABLE) or file.spool_folder
    folder = spool_folder or (Path(named).expanduser() if named else None)
    return MemorySettings(
        memory or _size(environ, MEMORY_VARIABLE, problems) or file.memory,
        None if folder is None else folder.absolute(),
        "; ".join(problems) or None,
    )


def _file(settings_file: Path, problems: list[str]) -> Settings:
    try:
        return ListFile(settings_file, Settings).read()
    except FileProblemError as error:
        problems.append(str(error))
        return Settings()


def _size(environ: Mapping[str, str], variable: str, problems: list[str]) -> int | None:
    """A variable's size if it is one that is allowed; None if it is empty or something else."""
    value = environ.get(variable, "").strip()
    if not value:
        return None
    try:
        size = parse_size(value)
    except ValueError as error:
        problems.append(f"{variable}: {error}")
        return None
    if size < LEAST_MEMORY:
        problems.append(f"{variable} is {value}, which is less than {size_text(LEAST_MEMORY)}")
        return None
    return size


def _named(environ: Mapping[str, str], variable: str, kind: Any, problems: list[str]) -> Any:
    """A variable's value if it is one of the names; None if it is empty or something else."""
    value = environ.get(variable, "").strip().lower()
    names = get_args(kind)
    if not value or value in names:
        return value or None
    problems.append(f"{variable} is {value[:40]!r}, which is none of {', '.join(names)}")
    return None
