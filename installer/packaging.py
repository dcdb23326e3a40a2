"""`install.py package`: the archives for people who install by hand."""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from installer.console import Progress
from installer.errors import InstallError
from plugins.bundling.bundle import BundleError, bundle_gimp, bundle_krita, project_version
from plugins.bundling.contents import files_below
from plugins.bundling.wheels import WheelError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER, _FILE, _PROGRAM = 0o40755, 0o100644, 0o100755


def run_package(root: Path, destination: Path, python: str, say: Callable[[str], None]) -> int:
    """Make both archives; returns the exit code.

    Args:
        root: the clone.
        destination: the folder for the archives; made if it does not exist.
        python: an interpreter with pip, for the vendored wheels.
        say: tells the user something.

    Raises:
        InstallError: they cannot be made.
    """
    wheels = root / "build" / "wheels"
    version = project_version()
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pastiche-") as temporary:
            folder = Path(temporary)
            with Progress("making the archives"):
                fetch_wheels(wheels, python)
                bundle_gimp(folder / "gimp", wheels)
                bundle_krita(folder / "krita", wheels)
                archives = [
                    write_archive(folder / "gimp", destination / f"pastiche-gimp-{version}.zip"),
                    write_archive(folder / "krita", destination / f"pastiche-krita-{version}.zip"),
                ]
    except (BundleError, WheelError, OSError) as error:
        raise InstallError(f"The archives cannot be made: {error}") from error
    say(f"{archives[0]}\n  GIMP: unpack it into the folder plug-ins of GIMP's settings")
    say(f"{archives[1]}\n  Krita: Tools > Scripts > Import Python Plugin from File")
    say("Both need the daemon, which `install.py install` installs.")
    return 0


def write_archive(folder: Path, archive: Path) -> Path:
    """Everything in a folder as a zip.

    All entries have the time of now, or of SOURCE_DATE_EPOCH: then the same files give the same
    bytes. It must not always be the same, since GIMP asks a plug-in anew what it can do only where
    its file's time has changed.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = time.gmtime(int(epoch) if epoch else None)[:6]
    temporary = archive.with_name(f".{archive.name}.{time.time_ns()}")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target:
            # Krita looks for this entry, and takes the first one whose name ends like it. There
            # are folders of that name in the private package: they must have no entry.
            _add(target, "pastiche/", moment, _FOLDER, b"")
            for path in files_below(folder):
                content = path.read_bytes()
                mode = _PROGRAM if content.startswith(b"#!") else _FILE
                _add(target, path.relative_to(folder).as_posix(), moment, mode, content)
        temporary.replace(archive)
    finally:
        temporary.unlink(missing_ok=True)
    return archive


def _add(
    target: zipfile.ZipFile, name: str, moment: tuple[int, ...], mode: int, content: bytes
) -> None:
    year, month, day, hour, minute, second = moment
    entry = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
    entry.external_attr = mode << 16 | (0x10 if name.endswith("/") else 0)
    entry.create_system = 3  # Unix, whose modes these are, wherever it is made
    entry.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
    target.writestr(entry, content)
