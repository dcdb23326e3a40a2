"""Where Pastiche keeps its files. Shared by the daemon, the command line and the plug-ins."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class DataPaths:
    """The files and folders of one data folder. Nothing is created by naming it."""

    root: Path

    @property
    def packs(self) -> Path:
        """Folder of the installed style packs."""
        return self.root / "packs"

    @property
    def trusted_keys_file(self) -> Path:
        """Whose signatures of style packs the user trusts."""
        return self.root / "trusted-keys.toml"

    @property
    def pinned_packs_file(self) -> Path:
        """The versions of style packs that stay in use when newer ones come."""
        return self.root / "pinned-packs.toml"

    @property
    def settings_file(self) -> Path:
        """The daemon's settings, whoever starts it."""
        return self.root / "settings.toml"

    @property
    def runtime_file(self) -> Path:
        """How to reach the running daemon; holds its token."""
        return self.root / "run" / "daemon.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one daemon of this data folder for as long as it lives."""
        return self.root / "run" / "daemon.lock"

    @property
    def log_file(self) -> Path:
        return self.root / "logs" / "daemon.log"

    @property
    def start_log_file(self) -> Path:
        """What a daemon that was started in the background wrote before its own log began."""
        return self.root / "logs" / "daemon-start.log"

    @property
    def command_file(self) -> Path:
        """The command that starts the daemon, as a JSON list; written by the installer."""
        return self.root / "daemon-command.json"

    @property
    def on_request_file(self) -> Path:
        """There where the installer lets systemd start the daemon on request."""
        return self.root / "start-on-request"

    @property
    def request_file(self) -> Path:
        """The request itself; removed when the daemon is started."""
        return self.root / "run" / "start-request"


# Written by the installer into a plug-in's copy of this package.
_INSTALLED = Path(__file__).with_name("data-folder.txt")


def data_paths(environ: Mapping[str, str] = os.environ, installed: Path = _INSTALLED) -> DataPaths:
    """The data folder of the current user.

    It is the first of: `PASTICHE_HOME`, what the file `installed` says, if it exists, and the
    system's usual place.

    XDG_DATA_HOME is left out on purpose: an editor in a flatpak or snap sees another value than
    the daemon outside it, and both must find the same folder.
    """
    chosen = environ.get("PASTICHE_HOME")
    if chosen:
        return DataPaths(Path(chosen).expanduser().absolute())
    with contextlib.suppress(OSError):
        text = installed.read_text(encoding="utf-8").strip()
        if text:
            return DataPaths(Path(text))
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
        return DataPaths(base / "Pastiche")
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    if sys.platform == "darwin":
        return DataPaths(home / "Library" / "Application Support" / "Pastiche")
    return DataPaths(home / ".local" / "share" / "pastiche")
