"""Pack files as somebody with bad intentions, or a bad disk, would make them."""

from __future__ import annotations

import hashlib
import struct
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from pastiche_daemon.packs.manifest import MANIFEST_NAME

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Member = tuple[str | zipfile.ZipInfo, bytes]


def members_of(path: Path) -> dict[str, bytes]:
    """The contents of a pack file by name, the manifest included."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_up(path: Path, members: Iterable[Member], compression: int = zipfile.ZIP_STORED) -> Path:
    """Write a zip of just these members, whatever their names."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def forge(
    path: Path,
    source: Path,
    *,
    replace: Mapping[str, bytes | None] | None = None,
    edit: Callable[[dict[str, Any]], None] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A copy of the pack ``source`` with other files (None: without it) and hashes that fit.

    ``edit`` changes the manifest's TOML values afterwards.
    """
    members: dict[str, bytes | None] = {**members_of(source), **(replace or {})}
    files = {name: data for name, data in members.items() if data is not None}
    values = tomllib.loads(files.pop(MANIFEST_NAME).decode())
    values["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in files.items()
    }
    if edit is not None:
        edit(values)
    manifest = tomli_w.dumps(values).encode()
    return zip_up(path, [(MANIFEST_NAME, manifest), *files.items()], compression)


def with_manifest(path: Path, source: Path, manifest: bytes) -> Path:
    """A copy of the pack ``source`` with these bytes for its manifest."""
    members = {**members_of(source), MANIFEST_NAME: manifest}
    return zip_up(path, members.items())


def lie_about_size(path: Path, name: str, size: int) -> Path:
    """Change the unpacked size that the zip declares for a member, in both of its places."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo(name).header_offset
    # APPNOTE.TXT 4.3.7 and 4.3.12: where the sizes lie in local and central headers.
    struct.pack_into("<L", data, local + 22, size)
    central = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    struct.pack_into("<L", data, central + 24, size)
    path.write_bytes(data)
    return path
