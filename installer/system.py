"""The computer as the installer sees it; tests make others of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class System:
    """A user's account.

    Attributes:
        platform: as `sys.platform`.
        home: the user's home folder.
        environ: the variables.
        top: the folder under which the system-wide folders lie; `/` but in tests.
    """

    platform: str
    home: Path
    environ: Mapping[str, str]
    top: Path

    @staticmethod
    def this() -> System:
        """Where install.py runs now."""
        home = Path(os.environ["HOME"]) if os.environ.get("HOME") else Path.home()
        if sys.platform == "win32":
            home = Path.home()
        return System(sys.platform, home, os.environ, Path(Path.cwd().anchor or "/"))

    @property
    def is_windows(self) -> bool:
        return self.platform == "win32"

    def variable(self, name: str, *default: str) -> Path:
        """The folder that a variable names, or `default` in the home folder."""
        value = self.environ.get(name)
        return Path(value) if value else self.home.joinpath(*default)

    @property
    def data_folder(self) -> Path:
        """Where plug-ins and daemon look for each other: `pastiche_client.paths` says the same."""
        chosen = self.environ.get("PASTICHE_HOME")
        if chosen:
            return Path(chosen).expanduser().absolute()
        return self.default_data_folder

    @property
    def default_data_folder(self) -> Path:
        """The data folder of programs that have no PASTICHE_HOME."""
        if self.is_windows:
            return self.variable("LOCALAPPDATA", "AppData", "Local") / "Pastiche"
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support" / "Pastiche"
        return self.home / ".local" / "share" / "pastiche"
