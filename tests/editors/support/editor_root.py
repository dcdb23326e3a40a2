"""Where the real editors are: in a Debian of their own (a chroot), or on this very system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.prepare_editors import editors_folder, is_finished

_PROGRAM_FOLDERS = ("usr/local/bin", "usr/bin", "bin", "usr/games")
_OLDEST_KRITA = (5, 2)
_GIMP_CONSOLES = ("gimp-console-3.2", "gimp-console-3.0", "gimp-console-3")
_GIMP_WINDOWS = ("gimp-3.2", "gimp-3.0", "gimp-3")


@dataclass(frozen=True)
class EditorRoot:
    """A file system with programs, and how its paths look from both sides.

    Attributes:
        folder: the chroot's folder; "/" where the programs are this system's own.
    """

    folder: Path

    @property
    def is_chroot(self) -> bool:
        return self.folder != Path("/")

    def inside(self, path: Path) -> str:
        """A path of this process as the programs see it. Raises ValueError: they cannot."""
        if not self.is_chroot:
            return str(path.absolute())
        return "/" + path.absolute().relative_to(self.folder).as_posix()

    def outside(self, path: str) -> Path:
        """An absolute path of the programs as this process sees it."""
        return self.folder / path.lstrip("/") if self.is_chroot else Path(path)

    def find(self, *names: str) -> str | None:
        """The program's path, as the programs see it; the first of `names` that is there."""
        for name in names:
            if not self.is_chroot:
                found = shutil.which(name)
                if found:
                    return found
                continue
            for folder in _PROGRAM_FOLDERS:
                # The target of an absolute link is within the chroot: not followed from here.
                if os.path.lexists(self.folder / folder / name):
                    return f"/{folder}/{name}"
        return None

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs `arguments` there. Its folder is "/" in a chroot."""
        if not self.is_chroot:
            return list(arguments)
        return ["chroot", str(self.folder), *arguments]

    def environ(self, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The variables to start from: this system's own, or few within a chroot."""
        if not self.is_chroot:
            hidden = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "WAYLAND_DISPLAY")
            kept = {name: value for name, value in outside.items() if name not in hidden}
            return {**kept, "LANG": "C.UTF-8"}
        folders = ":".join(f"/{folder}" for folder in _PROGRAM_FOLDERS)
        return {"PATH": f"{folders}:/usr/sbin:/sbin", "LANG": "C.UTF-8"}

    @property
    def gimp_console(self) -> str | None:
        return self.find(*_GIMP_CONSOLES)

    @property
    def gimp(self) -> str | None:
        return self.find(*_GIMP_WINDOWS)

    @property
    def krita(self) -> str | None:
        return self.find("krita")


@dataclass(frozen=True)
class Editors:
    """Which editors tests can use; None, and the reason, where there is none."""

    gimp: EditorRoot | None
    krita: EditorRoot | None
    reason: str


def find_editors(environ: Mapping[str, str] = os.environ) -> Editors:
    """Look into PASTICHE_EDITORS, or ~/.cache/pastiche/editors and then this system."""
    folder = editors_folder(environ)
    why = why_unusable(folder)
    if not why:
        root = EditorRoot(folder)
        return Editors(root, root, f"it is not in {folder}")
    chosen = bool(environ.get("PASTICHE_EDITORS"))
    native = EditorRoot(Path("/"))
    gimp = native if not chosen and native.gimp_console else None
    krita = native if not chosen and _krita_version(native) >= _OLDEST_KRITA else None
    return Editors(gimp, krita, f"{why} (`python3 tools/prepare_editors.py` as root makes one)")


def _krita_version(root: EditorRoot) -> tuple[int, ...]:
    """(5, 2) for Krita 5.2.9; empty where there is none."""
    program = root.find("krita_version")  # `krita --version` needs a screen
    if not program:
        return ()
    done = subprocess.run(root.command([program]), capture_output=True, text=True, check=False)
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2])


def why_unusable(folder: Path) -> str:
    """Why the chroot in this folder cannot be used; an empty text if it can."""
    if not sys.platform.startswith("linux"):
        return "an editors' folder works on Linux only"
    if not folder.is_dir():
        return f"there is no editors' folder {folder}"
    if not is_finished(folder):
        return f"the editors' folder {folder} is unfinished"
    if os.geteuid() != 0:
        return f"only root can use the editors' folder {folder}"
    return ""
