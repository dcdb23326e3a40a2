"""Whether this Python can be used. Has to work in Pythons that cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installer.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST_PYTHON = (3, 10)
NEWEST_TESTED_PYTHON = (3, 14)


def check_python(version: tuple[int, int], find: Callable[[str], str | None]) -> str | None:
    """Raises InstallError for a Python that is too old; returns a warning for an untested one."""
    running = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        newer = [
            f"python3.{minor}"
            for minor in range(NEWEST_TESTED_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)
            if find(f"python3.{minor}")
        ]
        advice = (
            f"This computer has {newer[0]}: run `{newer[0]} install.py` instead."
            if newer
            else "Install a newer Python from your system's packages or from python.org."
        )
        raise InstallError(f"Pastiche needs Python 3.10 or newer, and this is {running}. {advice}")
    if version > NEWEST_TESTED_PYTHON:
        newest = ".".join(map(str, NEWEST_TESTED_PYTHON))
        return (
            f"Python {running} is newer than {newest}, the newest one that Pastiche is tested with."
        )
    return None
