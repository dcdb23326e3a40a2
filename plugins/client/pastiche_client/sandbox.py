"""Editors that live in a sandbox, and how they get a daemon that runs outside it.

A program in a flatpak or snap sees other programs than the computer has, so that the daemon's
Python cannot be started from within. The installer lets systemd watch for a file instead, which
`ask_for_daemon` writes; a flatpak may also be allowed to start programs outside.
"""

from __future__ import annotations

import configparser
import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.paths import DataPaths

_FLATPAK_INFO = Path("/.flatpak-info")


class Sandbox(Enum):
    """What this program lives in."""

    NONE = "none"
    FLATPAK = "flatpak"
    SNAP = "snap"


def current_sandbox(
    environ: Mapping[str, str] = os.environ, flatpak_info: Path = _FLATPAK_INFO
) -> Sandbox:
    """The sandbox of this process."""
    if flatpak_info.is_file():
        return Sandbox.FLATPAK
    # A terminal of another snap has its variables, too, but no editor's name.
    if environ.get("SNAP_NAME") in {"gimp", "krita"}:
        return Sandbox.SNAP
    return Sandbox.NONE


def may_start_outside(flatpak_info: Path = _FLATPAK_INFO) -> bool:
    """Whether this flatpak may start programs outside, with `flatpak-spawn --host`."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    try:
        parser.read(flatpak_info, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return False
    policy = parser.get("Session Bus Policy", "org.freedesktop.Flatpak", fallback="")
    return policy in {"talk", "own"}


def can_ask(paths: DataPaths) -> bool:
    """Whether something outside starts the daemon when it is asked to."""
    return paths.on_request_file.exists()


def ask_for_daemon(paths: DataPaths) -> None:
    """Ask what watches outside to start the daemon of this data folder.

    Raises:
        OSError: the request cannot be written.
    """
    paths.request_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths.request_file.touch()
