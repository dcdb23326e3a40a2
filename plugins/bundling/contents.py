"""What a bundle says of itself, and whether it is still as it was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: In the plug-in's folder.
BUNDLE_FILE = "bundle.json"

_SCHEMA = 1


@dataclass(frozen=True)
class BundleInfo:
    """The content of `bundle.json`.

    Attributes:
        editor: `gimp` or `krita`.
        version: Pastiche's.
        wheels: version and SHA-256 of every vendored wheel, by name.
        files: SHA-256 of every file in the folder but this one, by relative path with slashes.
        beside: SHA-256 of the files that belong beside the folder, by name.
    """

    editor: str
    version: str
    wheels: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    files: dict[str, str] = field(default_factory=dict[str, str])
    beside: dict[str, str] = field(default_factory=dict[str, str])


def files_below(folder: Path) -> Iterator[Path]:
    """All files but those that Python writes by itself."""
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.relative_to(folder).parts and not path.is_dir():
            yield path


def digest(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folder_digests(folder: Path) -> dict[str, str]:
    """What `BundleInfo.files` must be for a folder. Raises OSError."""
    return {
        path.relative_to(folder).as_posix(): digest(path)
        for path in files_below(folder)
        if path != folder / BUNDLE_FILE
    }


def write_bundle_file(folder: Path, info: BundleInfo) -> None:
    text = json.dumps({"schema": _SCHEMA, **asdict(info)}, indent=1, sort_keys=True) + "\n"
    (folder / BUNDLE_FILE).write_text(text, encoding="utf-8", newline="\n")


def read_bundle_file(folder: Path) -> BundleInfo | None:
    """What the folder's file says; None where there is none, or it is not one of ours."""
    try:
        content: Any = json.loads((folder / BUNDLE_FILE).read_text(encoding="utf-8"))
        if content.pop("schema") != _SCHEMA:
            return None
        return BundleInfo(**content)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
