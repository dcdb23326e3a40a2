"""Home folders as the editors of every system leave them behind, to install plug-ins into."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from installer.system import System

if TYPE_CHECKING:
    from collections.abc import Mapping

GIMPRC = "# chosen by the user\n(show-welcome-dialog no)\n(check-updates no)\n"
KRITARC = (
    "AutoSaveInterval=0\n\n[General]\nname=Zoë\n\n[python]\n"
    "enable_comics_project_management_tools=false\n\n[theme]\nTheme=Krita dark\n"
)


@dataclass(frozen=True)
class Layout:
    """A computer with editors on it.

    Attributes:
        name: for the tests' names.
        platform: as `sys.platform`.
        files: those in the home folder, with their text; a name that ends in `/` is a folder.
        programs: the same below the computer's top folder.
        environ: variables whose values are folders in the home folder.
        gimp: the plug-in folders that GIMP's plug-in has to be put into.
        krita: the same for Krita.
        kritarc: Krita's settings, for every plug-in in `krita`.
    """

    name: str
    platform: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    programs: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    gimp: tuple[str, ...] = ()
    krita: tuple[str, ...] = ()
    kritarc: tuple[str, ...] = ()

    def make(self, folder: Path, name: str = "home") -> System:
        """Make it in a folder, the home folder under the name `name`."""
        home, top = folder / name, folder / "top"
        for base, names in ((home, self.files), (top, dict.fromkeys(self.programs, "x"))):
            base.mkdir(parents=True, exist_ok=True)
            for file, text in names.items():
                path = base / file
                (path if file.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
                if not file.endswith("/"):
                    path.write_text(text, encoding="utf-8", newline="")
        environ = {name: str(home / value) for name, value in self.environ.items()}
        return System(self.platform, home, {"PATH": "", **environ}, top)


LINUX = Layout(
    "linux packages",
    "linux",
    files={
        ".config/GIMP/2.10/gimprc": GIMPRC,
        ".config/GIMP/3.0/gimprc": GIMPRC,
        ".config/GIMP/3.0/plug-ins/other/other.py": "#!x",
        ".config/GIMP/3.2/gimprc": GIMPRC,
        ".config/kritarc": KRITARC,
        ".local/share/krita/pykrita/other.desktop": "[Desktop Entry]",
    },
    gimp=(".config/GIMP/3.0/plug-ins/pastiche", ".config/GIMP/3.2/plug-ins/pastiche"),
    krita=(".local/share/krita/pykrita/pastiche",),
    kritarc=(".config/kritarc",),
)
NEVER_STARTED = Layout(
    "linux packages, never started",
    "linux",
    programs=("usr/share/gimp/3.0/x", "usr/bin/krita"),
    gimp=(".config/GIMP/3.0/plug-ins/pastiche",),
    krita=(".local/share/krita/pykrita/pastiche",),
    kritarc=(".config/kritarc",),
)
FLATPAK = Layout(
    "flatpak",
    "linux",
    files={
        ".var/app/org.gimp.GIMP/config/GIMP/3.0/gimprc": GIMPRC,
        ".var/app/org.kde.krita/config/kritarc": KRITARC,
        ".var/app/org.kde.krita/data/krita/": "",
    },
    gimp=(".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins/pastiche",),
    krita=(".var/app/org.kde.krita/data/krita/pykrita/pastiche",),
    kritarc=(".var/app/org.kde.krita/config/kritarc",),
)
FLATPAK_NEVER_STARTED = Layout(
    "flatpak, never started",
    "linux",
    programs=(
        "var/lib/flatpak/app/org.gimp.GIMP/current/active/files/share/gimp/3.2/x",
        "var/lib/flatpak/app/org.kde.krita/current/active/files/bin/krita",
    ),
    gimp=(".var/app/org.gimp.GIMP/config/GIMP/3.2/plug-ins/pastiche",),
    krita=(".var/app/org.kde.krita/data/krita/pykrita/pastiche",),
    kritarc=(".var/app/org.kde.krita/config/kritarc",),
)
APPIMAGE = Layout(
    "AppImage",
    "linux",
    files={
        "Applications/GIMP-3.0.4-x86_64.AppImage": "",
        "Downloads/krita-5.2.9-x86_64.appimage": "",
    },
    gimp=(".config/GIMP/3.0/plug-ins/pastiche",),
    krita=(".local/share/krita/pykrita/pastiche",),
    kritarc=(".config/kritarc",),
)
SNAP = Layout(
    "snap",
    "linux",
    files={
        "snap/gimp/current/.config/GIMP/3.0/gimprc": GIMPRC,
        "snap/krita/current/.config/kritarc": KRITARC,
    },
    gimp=("snap/gimp/current/.config/GIMP/3.0/plug-ins/pastiche",),
    krita=("snap/krita/current/.local/share/krita/pykrita/pastiche",),
    kritarc=("snap/krita/current/.config/kritarc",),
)
WINDOWS = Layout(
    "Windows",
    "win32",
    files={
        "AppData/Roaming/GIMP/3.0/gimprc": GIMPRC,
        "AppData/Roaming/krita/": "",
        "AppData/Local/kritarc": KRITARC.replace("\n", "\r\n"),
    },
    environ={"APPDATA": "AppData/Roaming", "LOCALAPPDATA": "AppData/Local"},
    gimp=("AppData/Roaming/GIMP/3.0/plug-ins/pastiche",),
    krita=("AppData/Roaming/krita/pykrita/pastiche",),
    kritarc=("AppData/Local/kritarc",),
)
STORE = Layout(
    "Microsoft Store",
    "win32",
    files={
        "AppData/Local/Packages/GIMP.GIMP_x/LocalCache/Roaming/GIMP/3.0/gimprc": GIMPRC,
        "AppData/Local/Packages/49800Krita_y/LocalCache/Local/kritarc": KRITARC,
    },
    environ={"APPDATA": "AppData/Roaming", "LOCALAPPDATA": "AppData/Local"},
    gimp=("AppData/Local/Packages/GIMP.GIMP_x/LocalCache/Roaming/GIMP/3.0/plug-ins/pastiche",),
    krita=("AppData/Local/Packages/49800Krita_y/LocalCache/Roaming/krita/pykrita/pastiche",),
    kritarc=("AppData/Local/Packages/49800Krita_y/LocalCache/Local/kritarc",),
)
MACOS = Layout(
    "macOS",
    "darwin",
    files={
        "Library/Application Support/GIMP/3.0/gimprc": GIMPRC,
        "Library/Application Support/krita/": "",
        "Library/Preferences/kritarc": KRITARC,
    },
    gimp=("Library/Application Support/GIMP/3.0/plug-ins/pastiche",),
    krita=("Library/Application Support/krita/pykrita/pastiche",),
    kritarc=("Library/Preferences/kritarc",),
)
LAYOUTS = (
    LINUX,
    NEVER_STARTED,
    FLATPAK,
    FLATPAK_NEVER_STARTED,
    APPIMAGE,
    SNAP,
    WINDOWS,
    STORE,
    MACOS,
)


def tree(folder: Path) -> dict[str, str]:
    """Every path below a folder with what it is: a file's hash, a link's target, or `folder`."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = f"folder {path.stat().st_mode & 0o777:o}"
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = f"{content} {path.stat().st_mode & 0o777:o}"
    return found
