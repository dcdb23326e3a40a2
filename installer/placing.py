"""Puts a bundle into an editor's folder, and takes it out again.

What is not ours stays as it is, and what a user has changed is moved aside, never destroyed.
"""

from __future__ import annotations

import os
import shutil
import time
from enum import Enum
from typing import TYPE_CHECKING

from installer import kritarc
from installer.errors import InstallError
from installer.folders import missing_folders, remove_empty
from plugins.bundling.contents import (
    BundleInfo,
    digest,
    folder_digests,
    read_bundle_file,
    write_bundle_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from installer.editors import Place
    from installer.manifest import PlacedPlugin

#: In the client's folder of a bundle: where its daemon is, if not in the usual place.
DATA_FOLDER_FILE = "data-folder.txt"

_CLIENTS = {"gimp": "pastiche_vendor/pastiche_client", "krita": "vendor/pastiche_client"}
_NEW, _OLD = ".pastiche-new", ".pastiche-old"


class Condition(Enum):
    """What is where the plug-in belongs."""

    ABSENT = "absent"
    OURS = "ours"
    CHANGED = "changed"  # ours, but not as it was installed
    FOREIGN = "foreign"


def condition(place: Place) -> Condition:
    """What there is now, going by the folder's own `bundle.json`. Raises OSError."""
    folder = place.plugin_folder
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return Condition.FOREIGN
    if not folder.exists():
        there = [path for _, path in place.beside if path.exists() or path.is_symlink()]
        return Condition.FOREIGN if there else Condition.ABSENT
    info = read_bundle_file(folder)
    if info is None or info.editor != place.editor:
        return Condition.FOREIGN
    return Condition.CHANGED if changed_files(place, info) else Condition.OURS


def changed_files(place: Place, info: BundleInfo) -> list[Path]:
    """The files that were added, removed or changed since the plug-in was installed."""
    folder = place.plugin_folder
    found = folder_digests(folder)
    names = {
        name for name in found.keys() | info.files.keys() if found.get(name) != info.files.get(name)
    }
    changed = [folder / name for name in sorted(names)]
    for name, path in place.beside:
        if path.exists() and digest(path) != info.beside.get(name):
            changed.append(path)
    return changed


def place_plugin(
    plugin: PlacedPlugin,
    bundle: Path,
    data_folder: Path | None,
    save: Callable[[], None],
    *,
    known: bool,
) -> str:
    """Put the plug-in into its place and switch it on.

    Args:
        plugin: the manifest's entry, which is brought up to date.
        bundle: what `plugins.bundling` made.
        data_folder: what the plug-in has to be told of the data folder; None for the usual one.
        save: writes the manifest.
        known: whether the installer has worked there before, and may have been interrupted.

    Returns:
        What was done, for the user.

    Raises:
        InstallError: something foreign is in its place, or it cannot be written.
    """
    place = plugin.place
    try:
        was = condition(place)
        if was is Condition.FOREIGN and not (known and not place.plugin_folder.exists()):
            raise InstallError(_foreign(place))
        made = missing_folders(place.plugin_folder.parent)
        for _, path in place.beside:
            made += [folder for folder in missing_folders(path.parent) if folder not in made]
        plugin.made_folders += [folder for folder in made if folder not in plugin.made_folders]
        plugin.version = ""
        save()
        for folder in made:
            folder.mkdir(exist_ok=True)
        new = _stage(place, bundle, data_folder)
        info = read_bundle_file(new)
        assert info is not None
        told = _put(place, bundle, new, info, was)
        _enable(plugin, save)
        plugin.version = info.version
        save()
    except OSError as error:
        raise InstallError(
            f"{place.label}: the plug-in cannot be installed: {error}\n"
            f"Close {_name(place)} if it runs, see that you may write to {place.folder}, "
            "and run this again."
        ) from error
    return told


def remove_plugin(plugin: PlacedPlugin) -> str:
    """Take the plug-in out of its place, with all that was made for it.

    Returns:
        What was done, for the user.

    Raises:
        InstallError: it cannot be removed.
    """
    place = plugin.place
    told = "removed"
    try:
        for name in (_NEW, _OLD):
            shutil.rmtree(place.plugin_folder.parent / name, ignore_errors=True)
        was = condition(place)
        if was is Condition.OURS:
            shutil.rmtree(place.plugin_folder)
            for _, path in place.beside:
                path.unlink(missing_ok=True)
        elif was is Condition.CHANGED:
            told = f"somebody has changed the plug-in, so it was moved to {_move_aside(place)}"
        elif was is Condition.ABSENT:
            told = "the plug-in was gone already"
        elif not place.plugin_folder.exists():
            for _, path in place.beside:  # an interrupted removal
                path.unlink(missing_ok=True)
        else:
            told = f"{place.plugin_folder} is not the plug-in that was installed: left as it is"
        if place.config is not None and plugin.kritarc is not None and place.config.exists():
            kritarc.write(place.config, kritarc.undo(place.config.read_bytes(), plugin.kritarc))
        remove_empty(plugin.made_folders)
    except OSError as error:
        raise InstallError(
            f"{place.label}: the plug-in cannot be removed: {error}\n"
            f"Close {_name(place)} if it runs, then run this again."
        ) from error
    return told


def _stage(place: Place, bundle: Path, data_folder: Path | None) -> Path:
    """The plug-in's new folder beside its place, from where it can be renamed into it."""
    new = place.plugin_folder.parent / _NEW
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(bundle / "pastiche", new)
    if data_folder is not None:
        file = new / _CLIENTS[place.editor] / DATA_FOLDER_FILE
        file.write_text(f"{data_folder}\n", encoding="utf-8", newline="\n")
        info = read_bundle_file(new)
        assert info is not None
        write_bundle_file(
            new,
            BundleInfo(info.editor, info.version, info.wheels, folder_digests(new), info.beside),
        )
    return new


def _put(place: Place, bundle: Path, new: Path, info: BundleInfo, was: Condition) -> str:
    folder, old = place.plugin_folder, place.plugin_folder.parent / _OLD
    shutil.rmtree(old, ignore_errors=True)
    if was is Condition.OURS and _is_same(place, info):
        shutil.rmtree(new)
        return "was there already"
    told = "installed"
    if was is Condition.CHANGED:
        told = (
            f"installed; somebody had changed the old one, which was moved to {_move_aside(place)}"
        )
    elif was is Condition.OURS:
        before = read_bundle_file(folder)
        told = f"replaced version {before.version if before else '?'}"
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    for name, path in place.beside:
        temporary = path.with_name(f".{path.name}.new")
        shutil.copyfile(bundle / name, temporary)
        temporary.replace(path)
    return told


def _is_same(place: Place, info: BundleInfo) -> bool:
    there = read_bundle_file(place.plugin_folder)
    if there != info:
        return False
    if any(not path.exists() for _, path in place.beside):
        return False
    return place.editor != "gimp" or is_executable(place)


def is_executable(place: Place) -> bool:
    """Whether GIMP may run its plug-in; true where files have no such mark."""
    mode = (place.plugin_folder / "pastiche.py").stat().st_mode
    return os.name == "nt" or bool(mode & 0o100)


def _enable(plugin: PlacedPlugin, save: Callable[[], None]) -> None:
    config = plugin.place.config
    if config is None:
        return
    content = config.read_bytes() if config.exists() else None
    enabled, change = kritarc.enable(content)
    if change is None:
        return
    if plugin.kritarc is None or not config.exists():
        plugin.kritarc = change
    made = missing_folders(config.parent)
    plugin.made_folders += [folder for folder in made if folder not in plugin.made_folders]
    save()
    for folder in made:
        folder.mkdir(exist_ok=True)
    kritarc.write(config, enabled)


def _move_aside(place: Place) -> Path:
    aside = place.folder / f"pastiche-changed-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{aside.name}-{number}")
    aside.mkdir()
    shutil.move(place.plugin_folder, aside / "pastiche")
    for name, path in place.beside:
        if path.exists():
            shutil.move(path, aside / name)
    return aside


def _foreign(place: Place) -> str:
    things = [place.plugin_folder, *(path for _, path in place.beside)]
    there = next(path for path in things if path.exists() or path.is_symlink())
    return (
        f"{place.label}: {there} was not installed by Pastiche, and is left alone. "
        "Move it away or rename it, then run this again."
    )


def _name(place: Place) -> str:
    return "GIMP" if place.editor == "gimp" else "Krita"
