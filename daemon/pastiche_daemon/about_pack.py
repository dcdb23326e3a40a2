"""What a trained pack says of itself: names and licences, from the file given as ``--about``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pastiche_daemon.training_schedule import TrainingError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class AboutStyle(BaseModel):
    """What a pack says of one style."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    display_name: str
    artist: str = ""
    license: str = ""
    attribution: str = ""


class AboutPack(BaseModel):
    """What a pack says of itself: the file given as ``--about``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: str = "1.0.0"
    display_name: str
    description: str = ""
    license: str = "LicenseRef-Unknown"
    attribution: str = ""
    dataset: str = ""
    styles: dict[str, AboutStyle] = {}


def read_about(about: Path | None, folder: Path) -> AboutPack:
    """What the file says; without one, a name from the training's folder.

    Raises `TrainingError`, naming the file and what is wrong in it.
    """
    if about is None:
        return AboutPack(id=style_id(folder), display_name=folder.name)
    try:
        values = tomllib.loads(about.read_text(encoding="utf-8"))
        return AboutPack.model_validate(values)
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise TrainingError(f"about: {about}: {error}") from error


def style_id(path: Path) -> str:
    """The id of a style from its picture's name: ``Starry Night.jpg`` -> ``starry_night``."""
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return name if name[:1].isalpha() else f"style_{name}".rstrip("_")
