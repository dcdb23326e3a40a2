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

DEVICE_VARIABLE = "PASTICHE_DEVICE"
"""Environment: what networks run on."""
PRECISION_VARIABLE = "PASTICHE_PRECISION"
"""Environment: how finely they compute."""
_MOST_FOLDERS = 100


class Settings(BaseModel):
    """The settings file. ``packs_folders`` are absolute paths."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    packs_folders: Annotated[list[str], Field(max_length=_MOST_FOLDERS)] = []
    trusted_packs_only: bool = False
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"


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
    try:
        file = ListFile(settings_file, Settings).read()
    except FileProblemError as error:
        file = Settings()
        problems.append(str(error))
    named_device = _named(environ, DEVICE_VARIABLE, DeviceChoice, problems)
    named_precision = _named(environ, PRECISION_VARIABLE, PrecisionChoice, problems)
    return RuntimeSettings(
        device or named_device or file.device,
        precision or named_precision or file.precision,
        "; ".join(problems) or None,
    )


def _named(environ: Mapping[str, str], variable: str, kind: Any, problems: list[str]) -> Any:
    """A variable's value if it is one of the names; None if it is empty or something else."""
    value = environ.get(variable, "").strip().lower()
    names = get_args(kind)
    if not value or value in names:
        return value or None
    problems.append(f"{variable} is {value[:40]!r}, which is none of {', '.join(names)}")
    return None
