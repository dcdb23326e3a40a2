"""Finds GIMP 3 and Krita, and the folders into which their users' plug-ins go."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from installer import kritarc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from installer.system import System

EDITORS = ("gimp", "krita")

_FLATPAK_IDS = {"gimp": "org.gimp.GIMP", "krita": "org.kde.krita"}
_VERSION = re.compile(r"3\.\d+")
_OLDER = re.compile(r"[23]\.\d+")
# Where people keep AppImages.
_APPIMAGE_FOLDERS = ("", "Applications", "AppImages", "Desktop", "Downloads", "bin", ".local/bin")


class Packaging(str, Enum):
    """How an editor came onto the computer, where it decides about folders and access."""

    NATIVE = "native"
    FLATPAK = "flatpak"
    SNAP = "snap"
    STORE = "Microsoft Store"

    @property
    def is_sandboxed(self) -> bool:
        """Whether the editor cannot start programs of the computer."""
        return self in (Packaging.FLATPAK, Packaging.SNAP)


@dataclass(frozen=True)
class Place:
    """One editor's folder.

    Attributes:
        editor: `gimp` or `krita`.
        label: for the user, such as `GIMP 3.0 (flatpak)`.
        packaging: how the editor was installed.
        folder: GIMP's folder of one minor version, or Krita's resource folder.
        config: Krita's `kritarc`; None for GIMP.
        data_folder: where the plug-in looks for its daemon, if not in the usual data folder.
    """

    editor: str
    label: str
    packaging: Packaging
    folder: Path
    config: Path | None = None
    data_folder: Path | None = None

    @property
    def plugin_folder(self) -> Path:
        """The folder that is the plug-in."""
        return self.folder / ("plug-ins" if self.editor == "gimp" else "pykrita") / "pastiche"

    @property
    def beside(self) -> tuple[tuple[str, Path], ...]:
        """The plug-in's other files: name in the bundle, and path."""
        if self.editor == "gimp":
            return ()
        return (
            ("pastiche.desktop", self.folder / "pykrita" / "pastiche.desktop"),
            ("pastiche.action", self.folder / "actions" / "pastiche.action"),
        )


@dataclass(frozen=True)
class FoundEditors:
    """What there is.

    Attributes:
        places: into which a plug-in can be put.
        hindered: sentences about editors that are there, but not ready for a plug-in.
        searched: the folders in which users' settings were looked for.
    """

    places: tuple[Place, ...]
    hindered: tuple[str, ...]
    searched: tuple[Path, ...]


def find_editors(system: System) -> FoundEditors:
    """All GIMP 3 and Krita of this user."""
    places: list[Place] = []
    hindered: list[str] = []
    searched: list[Path] = []
    for base in _gimp_bases(system):
        searched.append(base.settings)
        _add_gimp(base, places, hindered)
    for place, is_there, is_ready in _krita_places(system):
        searched.append(place.folder)
        if is_there and is_ready:
            places.append(_with_resource_folder(place, system))
        elif is_there:
            hindered.append(f"{place.label} has not been started yet. {_START_IT}")
    return FoundEditors(tuple(_distinct(places)), tuple(hindered), tuple(searched))


_START_IT = "Start it once, close it, and run this again."


@dataclass(frozen=True)
class _GimpBase:
    """A folder of settings with a folder for every minor version in it."""

    label: str
    packaging: Packaging
    settings: Path
    installed: frozenset[str]  # minor versions of the programs that use it
    only: Path | None = None  # GIMP3_DIRECTORY: the version's folder itself
    data_folder: Path | None = None


def _add_gimp(base: _GimpBase, places: list[Place], hindered: list[str]) -> None:
    if base.only is not None:
        places.append(Place("gimp", f"GIMP 3 ({base.only})", base.packaging, base.only))
        return
    used = _version_names(base.settings)
    for version in sorted(used | base.installed, key=_version_key):
        folder = base.settings / version
        label = base.label.format(version)
        older = [name for name in _names(base.settings) if _is_older(name, version)]
        if version in used or (not older and base.packaging is not Packaging.SNAP):
            place = Place("gimp", label, base.packaging, folder, data_folder=base.data_folder)
            places.append(place)
        else:
            # GIMP takes an older version's settings over only where its folder does not exist.
            hindered.append(f"{label} has not been started yet. {_START_IT}")


def _gimp_bases(system: System) -> Iterator[_GimpBase]:
    chosen = system.environ.get("GIMP3_DIRECTORY")
    if chosen:
        only = Path(chosen)
        yield _GimpBase("", Packaging.NATIVE, only.parent, frozenset(), only=only)
    if system.is_windows:
        yield _GimpBase(
            "GIMP {}",
            Packaging.NATIVE,
            system.variable("APPDATA", "AppData", "Roaming") / "GIMP",
            _shared_versions(_windows_programs(system), "GIMP 3*/share/gimp"),
        )
        for package in _store_packages(system, "*GIMP*"):
            roaming = package / "LocalCache" / "Roaming" / "GIMP"
            label = "GIMP {} (Microsoft Store)"
            yield _GimpBase(label, Packaging.STORE, roaming, frozenset())
        return
    if system.platform == "darwin":
        settings = system.home / "Library" / "Application Support" / "GIMP"
        programs = (system.top / "Applications", system.home / "Applications")
        inside = "GIMP*.app/Contents/Resources/share/gimp"
        installed = _shared_versions(programs, inside)
        yield _GimpBase("GIMP {}", Packaging.NATIVE, settings, installed)
        return
    prefixes = [system.top / "usr", system.top / "usr" / "local"]
    yield _GimpBase(
        "GIMP {}",
        Packaging.NATIVE,
        system.variable("XDG_CONFIG_HOME", ".config") / "GIMP",
        _shared_versions(prefixes, "share/gimp") | _appimage_versions(system),
    )
    app = _FLATPAK_IDS["gimp"]
    yield _GimpBase(
        "GIMP {} (flatpak)",
        Packaging.FLATPAK,
        system.home / ".var" / "app" / app / "config" / "GIMP",
        _shared_versions(_flatpak_files(system, app), "share/gimp"),
    )
    yield _GimpBase(
        "GIMP {} (snap)",
        Packaging.SNAP,
        system.home / "snap" / "gimp" / "current" / ".config" / "GIMP",
        _shared_versions([system.top / "snap" / "gimp" / "current"], "usr/share/gimp"),
        data_folder=_snap_data_folder(system, "gimp"),
    )


def _krita_places(system: System) -> Iterator[tuple[Place, bool, bool]]:
    """Every place, whether its Krita is there, and whether it is ready for a plug-in."""
    if system.is_windows:
        folder = system.variable("APPDATA", "AppData", "Roaming") / "krita"
        config = system.variable("LOCALAPPDATA", "AppData", "Local") / "kritarc"
        installed = _any(_windows_programs(system), "Krita*/bin/krita.exe")
        there = installed or folder.exists() or config.exists()
        yield Place("krita", "Krita", Packaging.NATIVE, folder, config), there, True
        for package in _store_packages(system, "*Krita*"):
            cache = package / "LocalCache"
            folder, config = cache / "Roaming" / "krita", cache / "Local" / "kritarc"
            label = "Krita (Microsoft Store)"
            yield Place("krita", label, Packaging.STORE, folder, config), True, True
        return
    if system.platform == "darwin":
        library = system.home / "Library"
        folder = library / "Application Support" / "krita"
        config = library / "Preferences" / "kritarc"
        programs = (system.top / "Applications", system.home / "Applications")
        there = _any(programs, "[kK]rita*.app") or folder.exists() or config.exists()
        yield Place("krita", "Krita", Packaging.NATIVE, folder, config), there, True
        return
    folder = system.variable("XDG_DATA_HOME", ".local", "share") / "krita"
    config = system.variable("XDG_CONFIG_HOME", ".config") / "kritarc"
    prefixes = [system.top / "usr", system.top / "usr" / "local"]
    installed = _any(prefixes, "bin/krita") or any(True for _ in _appimages(system, "krita"))
    there = installed or folder.exists() or config.exists()
    yield Place("krita", "Krita", Packaging.NATIVE, folder, config), there, True

    app = _FLATPAK_IDS["krita"]
    own = system.home / ".var" / "app" / app
    folder, config = own / "data" / "krita", own / "config" / "kritarc"
    there = own.exists() or _any(_flatpak_files(system, app), ".")
    yield Place("krita", "Krita (flatpak)", Packaging.FLATPAK, folder, config), there, True

    own = system.home / "snap" / "krita" / "current"
    folder, config = own / ".local" / "share" / "krita", own / ".config" / "kritarc"
    there = own.exists() or (system.top / "snap" / "krita" / "current").exists()
    data = _snap_data_folder(system, "krita")
    yield Place("krita", "Krita (snap)", Packaging.SNAP, folder, config, data), there, own.exists()


def _with_resource_folder(place: Place, system: System) -> Place:
    """The place with the resource folder that the user has chosen in Krita's settings."""
    if place.config is None:
        return place
    chosen = kritarc.resource_folder(place.config, system.home)
    if chosen is None:
        return place
    return Place(
        place.editor, place.label, place.packaging, chosen, place.config, place.data_folder
    )


def _snap_data_folder(system: System, name: str) -> Path:
    # A snap sees no hidden folder of the home folder, but this one, which all its revisions share.
    return system.home / "snap" / name / "common" / "pastiche"


def flatpak_id(editor: str) -> str:
    return _FLATPAK_IDS[editor]


def flatpak_folders(system: System) -> tuple[Path, Path]:
    """Flatpak's installations: the user's and the system's."""
    data = system.variable("XDG_DATA_HOME", ".local", "share")
    return data / "flatpak", system.top / "var" / "lib" / "flatpak"


def _flatpak_files(system: System, app: str) -> list[Path]:
    return [
        folder / "app" / app / "current" / "active" / "files" for folder in flatpak_folders(system)
    ]


def _windows_programs(system: System) -> list[Path]:
    folders = [
        Path(system.environ[name])
        for name in ("ProgramFiles", "ProgramFiles(x86)", "ProgramW6432")
        if system.environ.get(name)
    ]
    return [*folders, system.variable("LOCALAPPDATA", "AppData", "Local") / "Programs"]


def _store_packages(system: System, pattern: str) -> list[Path]:
    packages = system.variable("LOCALAPPDATA", "AppData", "Local") / "Packages"
    return sorted(packages.glob(pattern)) if packages.is_dir() else []


def _appimages(system: System, name: str) -> Iterator[Path]:
    for folder in (*(system.home / part for part in _APPIMAGE_FOLDERS), system.top / "opt"):
        for file in _names(folder):
            if file.lower().startswith(name) and file.lower().endswith(".appimage"):
                yield folder / file


def _appimage_versions(system: System) -> frozenset[str]:
    found = (re.search(r"-(3\.\d+)", path.name) for path in _appimages(system, "gimp"))
    return frozenset(match[1] for match in found if match)


def _shared_versions(folders: Iterable[Path], pattern: str) -> frozenset[str]:
    """Minor versions of the GIMPs whose `share/gimp` lie in `folders` at `pattern`."""
    return frozenset(
        name
        for folder in folders
        if folder.is_dir()
        for shared in folder.glob(pattern)
        for name in _version_names(shared)
    )


def _any(folders: Iterable[Path], pattern: str) -> bool:
    for folder in folders:
        if folder.is_dir() and (pattern == "." or any(True for _ in folder.glob(pattern))):
            return True
    return False


def _names(folder: Path) -> list[str]:
    """The names in a folder; none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - a str is what is wanted
    except OSError:
        return []


def _version_names(folder: Path) -> set[str]:
    return {
        name for name in _names(folder) if _VERSION.fullmatch(name) and (folder / name).is_dir()
    }


def _version_key(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("."))


def _is_older(name: str, version: str) -> bool:
    return bool(_OLDER.fullmatch(name)) and _version_key(name) < _version_key(version)


def _distinct(places: Iterable[Place]) -> Iterator[Place]:
    """Without those that are one folder under two names."""
    seen: set[Path] = set()
    for place in places:
        real = place.plugin_folder.parent.resolve()
        if real not in seen:
            seen.add(real)
            yield place
