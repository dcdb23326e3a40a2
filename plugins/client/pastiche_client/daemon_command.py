"""How the daemon is started on this computer."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pastiche_client.errors import DaemonStartError
from pastiche_client.sandbox import Sandbox, current_sandbox, may_start_outside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.paths import DataPaths

# What an editor's own interpreter sets would break another interpreter.
_INTERPRETER_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONEXECUTABLE",
    "PYTHONSTARTUP",
    "PYTHONNOUSERSITE",
    "__PYVENV_LAUNCHER__",
)


@dataclass(frozen=True)
class DaemonCommand:
    """A command line, and the environment to run it in."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def daemon_command(paths: DataPaths, environ: Mapping[str, str] = os.environ) -> DaemonCommand:
    """The command that starts the daemon of this data folder.

    It is the first of: `PASTICHE_DAEMON` (a command line), this interpreter if the daemon is
    installed beside it, and what the installer wrote to `paths.command_file` (a JSON list).

    Raises:
        DaemonStartError: none of them is usable; the message says what to do.
    """
    environment = {**environ, "PASTICHE_HOME": str(paths.root)}
    chosen = environ.get("PASTICHE_DAEMON")
    if chosen:
        arguments = shlex.split(chosen, posix=sys.platform != "win32")
        return DaemonCommand(tuple(part.strip('"') for part in arguments), environment)
    # An editor's sys.executable is the editor, but the daemon is never importable there.
    if importlib.util.find_spec("pastiche_daemon") is not None and sys.executable:
        return DaemonCommand((sys.executable, "-m", "pastiche_daemon", "serve"), environment)
    command = DaemonCommand(_installed_command(paths), _without_editor(environment))
    sandbox = current_sandbox(environ)
    return command if sandbox is Sandbox.NONE else _outside(sandbox, command, paths)


def _outside(sandbox: Sandbox, command: DaemonCommand, paths: DataPaths) -> DaemonCommand:
    """The command that runs this one outside the sandbox."""
    if sandbox is Sandbox.FLATPAK and may_start_outside():
        home = f"--env=PASTICHE_HOME={paths.root}"
        arguments = ("flatpak-spawn", "--host", home, *command.arguments)
        return DaemonCommand(arguments, command.environment)
    raise DaemonStartError(
        f"This program runs in a {sandbox.value} and cannot start the Pastiche daemon outside it. "
        f"Run this in a terminal, and try again: {shlex.join(command.arguments)}",
        reason="DAEMON_OUTSIDE_SANDBOX",
    )


def _installed_command(paths: DataPaths) -> tuple[str, ...]:
    file = paths.command_file
    try:
        values: object = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DaemonStartError(
            f"The Pastiche daemon is not installed: {file} does not exist. Run install.py.",
            reason="DAEMON_NOT_INSTALLED",
        ) from error
    except (OSError, ValueError) as error:
        raise DaemonStartError(
            f"{file} cannot be read ({error}). Run install.py again.", reason="DAEMON_NOT_INSTALLED"
        ) from error
    if isinstance(values, list):
        parts = cast("list[object]", values)
        arguments = tuple(part for part in parts if isinstance(part, str) and part)
        if arguments and len(arguments) == len(parts):
            return arguments
    raise DaemonStartError(
        f"{file} must hold the daemon's command as a JSON list of texts. Run install.py again.",
        reason="DAEMON_NOT_INSTALLED",
    )


def _without_editor(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what an editor's package set for its own libraries."""
    cleaned = {name: value for name, value in environ.items() if name not in _INTERPRETER_VARIABLES}
    bundle = environ.get("APPDIR")  # an AppImage
    libraries = cleaned.get("LD_LIBRARY_PATH")
    if bundle and libraries:
        cleaned["LD_LIBRARY_PATH"] = os.pathsep.join(
            folder for folder in libraries.split(os.pathsep) if not folder.startswith(bundle)
        )
    return cleaned
