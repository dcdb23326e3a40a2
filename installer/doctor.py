"""`install.py doctor`: every link from an editor to a stylized layer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from installer import kritarc
from installer.editors import Packaging, find_editors, flatpak_id
from installer.environment import NEEDED_MODULES, inspect_environment, interpreter
from installer.manifest import load_manifest
from installer.placing import Condition, changed_files, condition, is_executable
from installer.processes import child_environment, run_pastiche
from installer.starting import (
    COMMAND_FILE,
    flatpak_access,
    has_systemd,
    read_command,
    run_quietly,
)
from plugins.bundling.contents import read_bundle_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from installer.editors import Place
    from installer.manifest import Manifest
    from installer.system import System

# What the daemon's own doctor would say again.
_CHECKED_HERE = ("Start command", "Runtime file")
_INSTALL = "Run `install.py install` again."


class State(Enum):
    GOOD = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it if it is not good."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def good(name: str, detail: str) -> Finding:
    return Finding(name, State.GOOD, detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, State.WARNING, detail, remedy)


def broken(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, State.BROKEN, detail, remedy)


def run_doctor(system: System, say: Callable[[str], None]) -> int:
    """Check everything and tell it; 1 if something is broken.

    Raises:
        InstallError: the manifest cannot be used.
    """
    count = 0
    for finding in diagnose(system):
        count += finding.state is State.BROKEN
        say(f"{finding.state.value:8}{finding.name}: {finding.detail}")
        if finding.remedy:
            say(f"        -> {finding.remedy}")
    if count:
        say(f"\n{count} {'thing is' if count == 1 else 'things are'} broken.")
        return 1
    say("\nEverything works.")
    return 0


def diagnose(system: System) -> Iterator[Finding]:
    """All checks, in the order in which things depend on each other."""
    data_folder = system.data_folder
    manifest = load_manifest(data_folder)
    if manifest is None:
        yield broken("Installation", f"there is none in {data_folder}", "Run `install.py install`.")
        return
    yield good("Installation", f"{manifest.version or 'unfinished'} in {data_folder}")
    if not manifest.version:
        yield broken("Installation", "it was interrupted", _INSTALL)
    if data_folder != system.default_data_folder:
        yield warning(
            "PASTICHE_HOME",
            f"this terminal uses {data_folder}, and other programs {system.default_data_folder}",
            "The installed plug-ins know it. Set it for the command line and for scripts, too.",
        )
    environment_works = False
    for finding in check_environment(manifest):
        environment_works = finding.state is not State.BROKEN
        yield finding
    yield check_command(manifest, data_folder)
    yield check_runtime_file(data_folder, system)
    if environment_works and manifest.environment is not None:
        yield from check_daemon(interpreter(manifest.environment), data_folder)
    placed = {plugin.place.plugin_folder for plugin in manifest.plugins}
    for plugin in manifest.plugins:
        yield from check_plugin(plugin.place, manifest, system, data_folder)
    for place in find_editors(system).places:
        if place.plugin_folder not in placed:
            yield warning(place.label, "has no Pastiche plug-in", _INSTALL)


def check_environment(manifest: Manifest) -> Iterator[Finding]:
    name = "Environment"
    folder = manifest.environment
    if folder is None or not folder.is_dir():
        yield broken(name, f"{folder or 'it'} does not exist", _INSTALL)
        return
    python = interpreter(folder)
    found = inspect_environment(python, NEEDED_MODULES)
    if found is None:
        yield broken(name, f"{python} does not run", _INSTALL)
    elif found.missing:
        yield broken(name, f"{folder} lacks {', '.join(found.missing)}", _INSTALL)
    else:
        yield good(name, f"Python {found.python} in {folder}")


def check_command(manifest: Manifest, data_folder: Path) -> Finding:
    """Whether the plug-ins know how to start the daemon."""
    name = "Start command"
    file = data_folder / COMMAND_FILE
    command = read_command(data_folder)
    if command is None:
        return broken(name, f"{file} is missing or damaged", _INSTALL)
    python = interpreter(manifest.environment) if manifest.environment else None
    if command[0] != str(python):
        return broken(name, f"{file} starts {command[0]}, not the installed daemon", _INSTALL)
    return good(name, " ".join(command))


def check_runtime_file(data_folder: Path, system: System) -> Finding:
    """Whether the file that leads to the daemon is one of a daemon that is alive."""
    name = "Runtime file"
    file = data_folder / "run" / "daemon.json"
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        process = int(content["pid"])
    except FileNotFoundError:
        return good(name, "none, as no daemon runs")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return warning(name, f"{file}: {error}", "The next start of the daemon writes it anew.")
    if not system.is_windows and not _is_alive(process):
        return warning(
            name,
            f"{file} is of process {process}, which has ended without removing it",
            "Nothing to do: the next start of the daemon writes it anew.",
        )
    return good(name, f"process {process}")


def check_daemon(python: Path, data_folder: Path) -> Iterator[Finding]:
    """What the daemon's own doctor says, which starts it if none runs."""
    answer = run_pastiche(python, data_folder, "doctor", "--json")
    try:
        findings: Any = json.loads(answer.stdout.decode("utf-8"))
        for value in findings:
            if value["name"] in _CHECKED_HERE:
                continue
            yield Finding(value["name"], State(value["state"]), value["detail"], value["remedy"])
    except (ValueError, KeyError, TypeError):
        lines = answer.stderr.decode("utf-8", "replace").strip().splitlines() or ["no output"]
        yield broken("Daemon", f"it cannot be examined: {lines[-1]}", _INSTALL)


def check_plugin(
    place: Place, manifest: Manifest, system: System, data_folder: Path
) -> Iterator[Finding]:
    """Whether the plug-in of a place is whole, switched on, and reaches the daemon."""
    name = place.label
    folder = place.plugin_folder
    try:
        was = condition(place)
        info = read_bundle_file(folder)
    except OSError as error:
        yield broken(name, str(error), f"Make {folder} readable for you.")
        return
    if was is Condition.ABSENT or not folder.exists():
        yield broken(name, f"{folder} does not exist", _INSTALL)
        return
    if was is Condition.FOREIGN or info is None:
        yield broken(name, f"{folder} is not Pastiche's", f"Move it away. {_INSTALL}")
        return
    if was is Condition.CHANGED:
        changed = changed_files(place, info)
        yield broken(
            name,
            f"{len(changed)} files differ from what was installed, {changed[0]} among them",
            f"{_INSTALL} It moves the changed plug-in aside.",
        )
    elif info.version != manifest.version:
        yield broken(name, f"it is version {info.version}, the daemon {manifest.version}", _INSTALL)
    elif place.editor == "gimp" and not is_executable(place):
        program = folder / "pastiche.py"
        yield broken(
            name,
            f"GIMP ignores {program}, which is not executable",
            f"Run `chmod +x '{program}'`, or `install.py install`.",
        )
    else:
        yield good(name, f"plug-in {info.version} in {folder}")
    for _, path in place.beside:
        if not path.exists():
            yield broken(name, f"{path} is missing", _INSTALL)
    if place.config is not None:
        yield _check_enabled(place, place.config)
    if place.packaging is Packaging.FLATPAK:
        yield from _check_flatpak(place, system, data_folder)
    if place.packaging.is_sandboxed:
        yield _check_start_on_request(place, manifest, system)
    if manifest.environment is not None and place.data_folder is None:
        yield check_connection(place, interpreter(manifest.environment))


def _check_enabled(place: Place, config: Path) -> Finding:
    name = f"{place.label}, switched on"
    remedy = "In Krita: Settings > Configure Krita > Python Plugin Manager, tick Pastiche."
    try:
        enabled = kritarc.is_enabled(config.read_bytes())
    except FileNotFoundError:
        return broken(name, f"{config} does not exist", _INSTALL)
    except OSError as error:
        return broken(name, str(error), f"Make {config} readable for you.")
    if not enabled:
        return broken(name, f"{config} has it switched off", f"{_INSTALL} Or: {remedy}")
    return good(name, str(config))


def _check_flatpak(place: Place, system: System, data_folder: Path) -> Iterator[Finding]:
    name = f"{place.label}, sandbox"
    app = flatpak_id(place.editor)
    folder = place.data_folder or data_folder
    access = flatpak_access(system, place.editor, folder)
    if access is None:
        yield warning(name, f"the flatpak {app} is not installed", "Nothing to do without it.")
        return
    if not access.network:
        remedy = f"Run `flatpak override --user --share=network {app}`."
        yield broken(name, "it may not use the loopback network, and so no daemon", remedy)
    if not access.sees:
        remedy = f"Run `flatpak override --user '--filesystem={folder}' {app}`."
        yield broken(name, f"it does not see {folder}", remedy)
    if access.network and access.sees:
        yield good(name, f"sees {folder} and the loopback network")


def _check_start_on_request(place: Place, manifest: Manifest, system: System) -> Finding:
    """Whether something outside the sandbox starts the daemon."""
    name = f"{place.label}, starting the daemon"
    by_hand = "Start it before you use Pastiche there: `pastiche serve`."
    if not manifest.units or not has_systemd(system):
        return warning(name, "an editor in a sandbox cannot start it", by_hand)
    for unit in manifest.units:
        if not run_quietly(["systemctl", "--user", "is-active", f"{unit}.path"]):
            remedy = f"Run `systemctl --user restart {unit}.path`, or log in again. {by_hand}"
            return broken(name, f"systemd does not watch for requests ({unit}.path)", remedy)
    return good(name, f"systemd does it on request ({', '.join(manifest.units)})")


_CONNECT = """
import importlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
package = sys.argv[2]
client = importlib.import_module(package + ".client")
paths = importlib.import_module(package + ".paths")
with client.Client(paths.data_paths(), start=False) as connected:
    print(connected.info().version)
"""


def check_connection(place: Place, python: Path) -> Finding:
    """Whether the plug-in's own client, with its own packages, reaches the daemon."""
    name = f"{place.label}, connection"
    if place.editor == "gimp":
        script, path, package = _CONNECT, place.plugin_folder, "pastiche_vendor"
    else:
        script, path, package = _KRITA + _CONNECT, place.plugin_folder.parent, "pastiche.vendor"
    environ = child_environment(os.environ)
    environ.pop("PASTICHE_HOME", None)  # an editor does not have it
    answer = subprocess.run(
        [str(python), "-S", "-c", script, str(path), f"{package}.pastiche_client"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environ,
        cwd=python.parent,
        check=False,
    )
    if answer.returncode == 0:
        return good(name, f"its client talks to daemon {answer.stdout.decode().strip()}")
    lines = answer.stderr.decode("utf-8", "replace").strip().splitlines() or ["it crashed"]
    return broken(name, lines[-1], f"See what is said of the daemon above. {_INSTALL}")


# Krita's plug-in itself can be imported only within Krita; its private package anywhere.
_KRITA = """
import sys, types
package = types.ModuleType("pastiche")
package.__path__ = [sys.argv[1] + "/pastiche"]
sys.modules["pastiche"] = package
"""


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # there, signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
