"""`install.py install`."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from installer.console import Progress
from installer.editors import find_editors
from installer.environment import (
    Environment,
    State,
    daemon_environment,
    ensure_environment,
    environment_state,
    inspect_environment,
    interpreter,
)
from installer.errors import InstallError
from installer.folders import missing_folders
from installer.manifest import Manifest, load_manifest, manifest_path, save_manifest
from installer.placing import place_plugin
from installer.processes import stop_daemon
from installer.starting import (
    ON_REQUEST_FILE,
    Units,
    enable_units,
    has_systemd,
    run_quietly,
    unit_folder,
    write_command,
)
from installer.torch_build import Machine, add_torch, choose_torch, fetch_page, find_gpu
from plugins.bundling.bundle import BundleError, bundle_gimp, bundle_krita, project_version
from plugins.bundling.wheels import WheelError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from installer.editors import FoundEditors, Place
    from installer.system import System

_WHERE = {
    "gimp": "in GIMP: Filters > Artistic > Pastiche",
    "krita": "in Krita: Settings > Dockers > Pastiche, or Tools > Scripts > Pastiche",
}


@dataclass(frozen=True)
class InstallOptions:
    """What the user asked for.

    Attributes:
        editors: which of `gimp` and `krita`; an empty one is both.
        prefix: the folder that gets the daemon's environment; None for the data folder.
        environment: an environment that has Pastiche, to be used instead of making one.
        dry_run: only say what would be done.
    """

    editors: tuple[str, ...] = ()
    prefix: Path | None = None
    environment: Path | None = None
    dry_run: bool = False


def run_install(
    root: Path, system: System, options: InstallOptions, say: Callable[[str], None]
) -> int:
    """Install the daemon and the plug-ins of a clone; returns the exit code.

    Raises:
        InstallError: nothing could be installed.
    """
    found = find_editors(system)
    wanted = options.editors or ("gimp", "krita")
    places = [place for place in found.places if place.editor in wanted]
    if not places:
        raise InstallError(_nothing_found(found, wanted))
    data_folder = system.data_folder
    version = project_version()
    own_folder = (options.prefix or data_folder).expanduser().absolute() / "environment"
    environment = daemon_environment(root, own_folder)
    made_by_us = options.environment is None
    python = (
        environment.python
        if options.environment is None
        else _checked_environment(options.environment)
    )

    check_not_store_python(system.platform, sys.base_prefix)
    if made_by_us:
        _check_place(environment)

    say(f"Pastiche {version}")
    for place in places:
        say(f"  {place.label}: {place.plugin_folder}")
    say(f"  daemon: {own_folder if made_by_us else options.environment}")
    say(f"  data folder: {data_folder}")
    for sentence in found.hindered:
        say(f"Note: {sentence}")
    if options.dry_run:
        if made_by_us:
            _tell_about_environment(environment, say)
        say("Nothing was changed, as --dry-run asks.")
        return 0

    manifest = load_manifest(data_folder) or Manifest()
    known = {plugin.place.plugin_folder for plugin in manifest.plugins}
    _make_folders(data_folder, manifest)

    def save() -> None:
        save_manifest(data_folder, manifest)

    _refuse_second_environment(manifest, own_folder if made_by_us else None)
    if made_by_us:
        manifest.environment, manifest.environment_made = own_folder, True
        _make_folders(own_folder.parent, manifest)
        save()
        _ensure_daemon(environment, data_folder, say)
    else:
        manifest.environment, manifest.environment_made = options.environment, False
        save()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pastiche-") as temporary:
        bundles = make_bundles(
            root, Path(temporary), {place.editor for place in places}, str(python)
        )
        for place in places:
            plugin = manifest.plugin(place)
            tell = place.data_folder or (
                data_folder if data_folder != system.default_data_folder else None
            )
            try:
                done = place_plugin(
                    plugin,
                    bundles[place.editor],
                    tell,
                    save,
                    known=place.plugin_folder in known,
                )
                say(f"{place.label}: {done}")
            except InstallError as error:
                failures.append(str(error))
                say(f"{place.label}: NOT installed")
                if not plugin.version and not plugin.made_folders:
                    manifest.plugins.remove(plugin)
    _write_start(system, manifest, places, python, data_folder, say)
    manifest.version = version
    save()
    _tell_end(system, data_folder, {place.editor for place in places}, python, say)
    for failure in failures:
        print(f"\nError: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _nothing_found(found: FoundEditors, wanted: Sequence[str]) -> str:
    names = " and no ".join({"gimp": "GIMP 3", "krita": "Krita"}[name] for name in wanted)
    lines = [f"No {names} was found that a plug-in can be put into. Looked for:"]
    lines += [f"  {folder}" for folder in found.searched]
    lines += list(found.hindered)
    lines.append("Install one of them, start it once, and run this again.")
    return "\n".join(lines)


def _checked_environment(folder: Path) -> Path:
    """The interpreter of an environment that the user named."""
    python = interpreter(folder.expanduser().absolute())
    found = inspect_environment(python, ("pip", "pastiche_daemon"))
    if found is None:
        raise InstallError(f"--environment: {folder} is no Python environment that works.")
    if found.missing:
        raise InstallError(
            f"--environment: {folder} lacks {' and '.join(found.missing)}: "
            f"install it there with `{python} -m pip install .`"
        )
    return python


def check_not_store_python(platform: str, prefix: str) -> None:
    """What the Microsoft Store's Python writes into the user's folders, no other program sees.

    Raises:
        InstallError: it is that Python.
    """
    if platform == "win32" and "\\windowsapps\\" in f"{prefix}\\".lower():
        raise InstallError(
            "This Python is from the Microsoft Store. Windows hides what it installs from other\n"
            "programs, also from GIMP and Krita. Install the one from python.org, and run\n"
            "`py install.py install` with it."
        )


def _check_place(environment: Environment) -> None:
    """What is there must be an environment that was made here: uninstalling removes it."""
    folder = environment.folder
    if os.path.lexists(folder) and not environment.is_ours:
        if folder.is_dir() and not any(folder.iterdir()):
            return
        raise InstallError(
            f"{folder} is there already, and was not made by install.py.\n"
            "Move it away, or choose another folder with --prefix."
        )


def _refuse_second_environment(manifest: Manifest, folder: Path | None) -> None:
    """One that the installer made would be forgotten, and several GB with it."""
    before = manifest.environment
    if before is None or not manifest.environment_made or before == folder or not before.exists():
        return
    raise InstallError(
        f"The daemon is installed in {before} already.\n"
        "Run `install.py uninstall` first, which keeps style packs and presets."
    )


def _tell_about_environment(environment: Environment, say: Callable[[str], None]) -> None:
    state, why = environment_state(environment, sys.version_info[:2])
    if state is State.READY:
        say("The daemon's environment is ready and would be kept.")
        return
    say(f"The daemon's environment would be made or completed: {why}.")
    if state in (State.ABSENT, State.BROKEN):
        say(f"  torch: {choose_torch(Machine.this(), find_gpu(), fetch_page).description}")


def _ensure_daemon(environment: Environment, data_folder: Path, say: Callable[[str], None]) -> None:
    if environment_state(environment, sys.version_info[:2])[0] is not State.READY:
        stop_daemon(environment.python, data_folder)  # its files are about to be replaced

    def add(new: Environment) -> None:
        with Progress("looking which build of torch fits"):
            build = choose_torch(Machine.this(), find_gpu(), fetch_page)
        say(f"torch: {build.description}.")
        add_torch(new, build, say)

    ensure_environment(environment, say, add)


def make_bundles(
    root: Path, temporary: Path, editors: Iterable[str], python: str
) -> dict[str, Path]:
    """The bundles of some editors, in a temporary folder. Raises InstallError."""
    wheels = root / "build" / "wheels"
    bundles: dict[str, Path] = {}
    try:
        with Progress("making the plug-ins"):
            fetch_wheels(wheels, python)
            for editor in editors:
                bundles[editor] = temporary / editor
                build = bundle_gimp if editor == "gimp" else bundle_krita
                build(bundles[editor], wheels)
    except (BundleError, WheelError, OSError) as error:
        raise InstallError(f"The plug-ins cannot be made: {error}") from error
    return bundles


def _write_start(
    system: System,
    manifest: Manifest,
    places: Sequence[Place],
    python: Path,
    data_folder: Path,
    say: Callable[[str], None],
) -> None:
    """The daemon's command, and what starts it for editors in a sandbox."""
    sandboxed = [place for place in places if place.packaging.is_sandboxed]
    folders = {place.data_folder or data_folder for place in sandboxed} | {data_folder}
    for folder in sorted(folders):
        _make_folders(folder, manifest)
        file = write_command(folder, python)
        if file not in manifest.files:
            manifest.files.append(file)
        if folder != data_folder:
            _share_packs(folder, data_folder, manifest)
    if not sandboxed:
        return
    if not has_systemd(system):
        labels = ", ".join(place.label for place in sandboxed)
        say(
            f"Note: {labels} cannot start the daemon from within the sandbox, and this computer\n"
            "has no systemd that could do it. Before you use Pastiche there, run in a terminal:\n"
            f"  {python} -m pastiche_daemon serve"
        )
        return
    for folder in sorted({place.data_folder or data_folder for place in sandboxed}):
        snap = folder.parent.parent.name if folder != data_folder else ""
        units = Units(f"pastiche-daemon{f'-{snap}' if snap else ''}", folder, python)
        if units.name not in manifest.units:
            manifest.units.append(units.name)
        request = folder / ON_REQUEST_FILE
        if request not in manifest.files:
            manifest.files.append(request)
        _make_folders(unit_folder(system) / "default.target.wants", manifest)
        save_manifest(data_folder, manifest)
        if enable_units(system, units, run_quietly):
            say("The daemon starts when an editor in its sandbox asks for it (systemd).")
        else:
            say(
                "The daemon will start when an editor in its sandbox asks for it: from the next\n"
                "login on, or after `systemctl --user daemon-reload` and\n"
                f"`systemctl --user start {units.watcher}`."
            )


def _share_packs(folder: Path, data_folder: Path, manifest: Manifest) -> None:
    """Let the daemon of a snap's data folder use the same packs. Only the daemon reads them."""
    link = folder / "packs"
    if link.exists() or link.is_symlink():
        return
    _make_folders(data_folder / "packs", manifest)
    try:
        link.symlink_to(data_folder / "packs", target_is_directory=True)
    except OSError as error:
        raise InstallError(f"{link} cannot be made: {error}") from error
    manifest.files.append(link)


def _make_folders(folder: Path, manifest: Manifest) -> None:
    missing = missing_folders(folder)
    manifest.made_folders += [path for path in missing if path not in manifest.made_folders]
    try:
        for path in missing:
            path.mkdir(exist_ok=True)
    except OSError as error:
        raise InstallError(f"{folder} cannot be made: {error}") from error


def _tell_end(
    system: System,
    data_folder: Path,
    editors: Iterable[str],
    python: Path,
    say: Callable[[str], None],
) -> None:
    say("\nStart the editor anew. You find Pastiche")
    for editor in sorted(editors):
        say(f"  {_WHERE[editor]}")
    command = python.with_name("pastiche.exe" if system.is_windows else "pastiche")
    if command.exists():
        say(f"The command line: {command}")
    say(f"What was installed where stands in {manifest_path(data_folder)}")
    if data_folder != system.default_data_folder:
        say(f"The plug-ins use {data_folder}, as PASTICHE_HOME said.")
