"""`install.py uninstall`: removes what the manifest lists, and nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from installer.console import Progress
from installer.environment import daemon_environment, interpreter, remove_environment
from installer.errors import InstallError
from installer.folders import remove_empty
from installer.manifest import load_manifest, manifest_path, save_manifest
from installer.placing import remove_plugin
from installer.processes import stop_daemon
from installer.starting import disable_units, run_quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from installer.manifest import Manifest
    from installer.system import System

# What a daemon leaves in its data folder and makes anew. Packs and presets are the user's.
_LEFTOVERS = ("run/daemon.json", "run/daemon.lock", "run/start-request")
_LEFTOVER_FOLDERS = ("packs", "run", "logs", "editors")


def run_uninstall(
    system: System, editors: Sequence[str], *, dry_run: bool, say: Callable[[str], None]
) -> int:
    """Remove the plug-ins and, unless only some editors are named, the daemon.

    Args:
        system: the user's account.
        editors: `gimp` or `krita` to remove only that plug-in; empty for everything.
        dry_run: only say what would be done.
        say: tells the user something.

    Returns:
        The exit code.

    Raises:
        InstallError: the manifest cannot be used.
    """
    data_folder = system.data_folder
    manifest = load_manifest(data_folder)
    if manifest is None:
        say(f"Nothing is installed: there is no {manifest_path(data_folder)}.")
        return 0
    if dry_run:
        _tell(manifest, editors, say)
        return 0
    failures: list[str] = []
    python = interpreter(manifest.environment) if manifest.environment else None
    folders = {data_folder} | {
        plugin.place.data_folder for plugin in manifest.plugins if plugin.place.data_folder
    }
    if python is not None and not editors:
        for folder in folders:
            stop_daemon(python, folder)
    for plugin in list(manifest.plugins):
        if editors and plugin.place.editor not in editors:
            continue
        try:
            say(f"{plugin.place.label}: {remove_plugin(plugin)}")
            manifest.plugins.remove(plugin)
            # In those that are not empty is something of another plug-in that goes later.
            manifest.made_folders += [path for path in plugin.made_folders if path.exists()]
        except InstallError as error:
            failures.append(str(error))
        save_manifest(data_folder, manifest)
    if not failures and not editors:
        try:
            _remove_rest(system, data_folder, manifest, folders, say)
        except OSError as error:
            failures.append(
                f"{error}. Close whatever uses it, then run this again: it goes on from there."
            )
    for failure in failures:
        print(f"\nError: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _tell(manifest: Manifest, editors: Sequence[str], say: Callable[[str], None]) -> None:
    for plugin in manifest.plugins:
        if not editors or plugin.place.editor in editors:
            say(f"{plugin.place.label}: would remove {plugin.place.plugin_folder}")
    if not editors:
        if manifest.environment is not None and manifest.environment_made:
            say(f"daemon: would remove {manifest.environment}")
        for file in manifest.files:
            say(f"would remove {file}")
    say("Nothing was changed, as --dry-run asks.")


def _remove_rest(
    system: System,
    data_folder: Path,
    manifest: Manifest,
    folders: set[Path],
    say: Callable[[str], None],
) -> None:
    """Everything but the plug-ins. Raises OSError; can be called again."""
    for name in list(manifest.units):
        disable_units(system, name, run_quietly)
        manifest.units.remove(name)
        save_manifest(data_folder, manifest)
    if manifest.environment is not None and manifest.environment_made:
        # The root is of no importance here.
        environment = daemon_environment(data_folder, manifest.environment)
        if environment.is_ours:
            with Progress(f"removing {manifest.environment}"):
                remove_environment(environment)
            say(f"daemon: removed {manifest.environment}")
        elif manifest.environment.exists():
            remove_empty([manifest.environment])
        manifest.environment = None
        save_manifest(data_folder, manifest)
    for file in manifest.files:
        file.unlink(missing_ok=True)
    for folder in folders:
        for name in _LEFTOVERS:
            (folder / name).unlink(missing_ok=True)
        for log in (folder / "logs").glob("daemon*.log*"):
            log.unlink()
        remove_empty(folder / name for name in _LEFTOVER_FOLDERS)
    manifest_path(data_folder).unlink(missing_ok=True)
    remove_empty(manifest.made_folders)
    if data_folder.exists():
        kept = ", ".join(sorted(path.name for path in data_folder.iterdir()))
        if kept:
            say(f"Your packs and settings stay in {data_folder} ({kept}); delete it if you like.")
