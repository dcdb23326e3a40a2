"""The folders of the two plug-ins as they are installed."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from plugins.bundling.contents import (
    BundleInfo,
    digest,
    files_below,
    folder_digests,
    write_bundle_file,
)
from plugins.bundling.rewriting import rewrite_imports
from plugins.bundling.vendoring import VENDORED_NAMES, write_vendor_package
from plugins.bundling.wheels import fetch_wheels

ROOT = Path(__file__).resolve().parents[2]

_WHEELS = ROOT / "build" / "wheels"


@dataclass(frozen=True)
class _Editor:
    name: str
    source: Path
    package: str  # the private package's import name
    package_folder: str  # and its place in the plug-in's folder
    beside: tuple[str, ...] = ()  # what lies beside the plug-in's folder


_GIMP = _Editor(
    "gimp", ROOT / "plugins" / "gimp", package="pastiche_vendor", package_folder="pastiche_vendor"
)
_KRITA = _Editor(
    "krita",
    ROOT / "plugins" / "krita",
    package="pastiche.vendor",
    package_folder="vendor",
    beside=("pastiche.desktop", "pastiche.action"),
)


class BundleError(Exception):
    """A bundle cannot be made; the message says why."""


def bundle_gimp(destination: Path, wheels: Path | None = None) -> Path:
    """Make `destination/pastiche`, GIMP's plug-in folder, and return it.

    Args:
        destination: a folder without an entry of that name; made if it does not exist.
        wheels: where the vendored wheels are kept, or downloaded to if they are not there.

    Raises:
        BundleError: the destination is not empty, or the sources are not there.
        WheelError: the wheels cannot be had.
        OSError: it cannot be written.
    """
    return _bundle(_GIMP, destination, wheels)


def bundle_krita(destination: Path, wheels: Path | None = None) -> Path:
    """Make `pastiche.desktop`, `pastiche.action` and `pastiche` in `destination`, and return it.

    Arguments and errors are those of `bundle_gimp`.
    """
    _bundle(_KRITA, destination, wheels)
    return destination


def project_version() -> str:
    """The version that the plug-ins and the daemon of this clone have."""
    text = (ROOT / "daemon" / "pastiche_daemon" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise BundleError("daemon/pastiche_daemon/__init__.py has no __version__")
    return found[1]


def _bundle(editor: _Editor, destination: Path, wheels: Path | None) -> Path:
    source = editor.source / "pastiche"
    if not source.is_dir():
        raise BundleError(f"{source} does not exist")
    folder = destination / "pastiche"
    if folder.exists():
        raise BundleError(f"{folder} is there already: choose another folder")
    fetched = fetch_wheels(wheels or _WHEELS)
    destination.mkdir(parents=True, exist_ok=True)
    _copy_plugin(source, folder, editor.package)
    for name in editor.beside:
        shutil.copyfile(editor.source / name, destination / name)
    version = project_version()
    write_vendor_package(folder / editor.package_folder, editor.package, fetched, version)
    info = BundleInfo(
        editor=editor.name,
        version=version,
        wheels={wheel.name: [wheel.version, wheel.sha256] for wheel in fetched},
        files=folder_digests(folder),
        beside={name: digest(destination / name) for name in editor.beside},
    )
    write_bundle_file(folder, info)
    return folder


def _copy_plugin(source: Path, folder: Path, package: str) -> None:
    for path in files_below(source):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            text = rewrite_imports(path.read_text(encoding="utf-8"), VENDORED_NAMES, package)
            target.write_text(text, encoding="utf-8", newline="\n")
            # GIMP starts nothing that is not executable, and git on Windows forgets that it was.
            target.chmod(0o755 if text.startswith("#!") else 0o644)
        else:
            shutil.copyfile(path, target)
