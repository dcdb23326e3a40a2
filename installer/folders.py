"""Making folders, and removing exactly those again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def missing_folders(folder: Path) -> list[Path]:
    """The folders that would have to be made for this one to exist, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return missing[::-1]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders, innermost first, in which there is nothing."""
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        try:
            folder.rmdir()
        except OSError:  # others use it, or it has gone
            continue
