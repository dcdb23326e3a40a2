"""How editors get the daemon started: its command, and a helper for editors in a sandbox.

A program in a flatpak or snap cannot start one outside. Where systemd looks after the user's
session, a unit of it watches for a file that the plug-in writes, and starts the daemon.
"""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from installer.editors import flatpak_folders, flatpak_id
from installer.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from installer.system import System

# The same names as in `pastiche_client.paths`.
COMMAND_FILE = "daemon-command.json"
ON_REQUEST_FILE = "start-on-request"
REQUEST_FILE = "run/start-request"

# The daemon's exit code where another one runs already.
_ALREADY_RUNNING = 3


def write_command(data_folder: Path, python: Path) -> Path:
    """Write down how the daemon is started, and return the file.

    Raises:
        InstallError: it cannot be written.
    """
    path = data_folder / COMMAND_FILE
    temporary = path.with_name(f".{path.name}.new")
    text = json.dumps([str(python), "-m", "pastiche_daemon", "serve"], ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InstallError(f"{path} cannot be written: {error}") from error
    return path


def read_command(data_folder: Path) -> list[str] | None:
    """The command, or None where there is none that can be used."""
    try:
        values: object = json.loads((data_folder / COMMAND_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return [str(value) for value in values]
    return None


# --- Units of systemd -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """The two units that start the daemon of one data folder on request."""

    name: str
    data_folder: Path
    python: Path

    @property
    def watcher(self) -> str:
        return f"{self.name}.path"

    def files(self) -> dict[str, str]:
        """The units' texts by file name."""
        request = self.data_folder / REQUEST_FILE
        return {
            self.watcher: (
                "[Unit]\n"
                "Description=Starts the Pastiche daemon when an editor in a sandbox asks for it\n"
                "\n[Path]\n"
                f"PathExists={_specifiers_escaped(str(request))}\n"
                "\n[Install]\nWantedBy=default.target\n"
            ),
            f"{self.name}.service": (
                "[Unit]\n"
                "Description=Pastiche: style transfer for GIMP and Krita\n"
                "\n[Service]\n"
                "Type=exec\n"
                f'Environment="PASTICHE_HOME={_in_quotes(str(self.data_folder))}"\n'
                f'ExecStartPre=/bin/rm -f "{_in_command(request)}"\n'
                f'ExecStart="{_in_command(self.python)}" -m pastiche_daemon serve\n'
                f"SuccessExitStatus={_ALREADY_RUNNING}\n"
            ),
        }


def unit_folder(system: System) -> Path:
    return system.variable("XDG_CONFIG_HOME", ".config") / "systemd" / "user"


def has_systemd(system: System) -> bool:
    """Whether systemd looks after users' sessions."""
    return (system.top / "run" / "systemd" / "system").is_dir() and bool(_systemctl(system))


def enable_units(system: System, units: Units, run: Callable[[Sequence[str]], bool]) -> bool:
    """Write the units and let systemd watch; whether it does so now already.

    Args:
        system: the user's account.
        units: which.
        run: runs a command, and returns whether it succeeded.

    Raises:
        InstallError: the files cannot be written.
    """
    folder = unit_folder(system)
    wants = folder / "default.target.wants" / units.watcher
    try:
        wants.parent.mkdir(parents=True, exist_ok=True)
        for name, text in units.files().items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        # What `systemctl enable` does, which needs the session's bus.
        if not wants.is_symlink():
            wants.symlink_to(folder / units.watcher)
        (units.data_folder / ON_REQUEST_FILE).touch()
    except OSError as error:
        raise InstallError(f"{folder}: the units cannot be written: {error}") from error
    return run(["systemctl", "--user", "daemon-reload"]) and run(
        ["systemctl", "--user", "restart", units.watcher]
    )


def disable_units(system: System, name: str, run: Callable[[Sequence[str]], bool]) -> None:
    """Stop watching, and remove the units. Raises OSError."""
    folder = unit_folder(system)
    run(["systemctl", "--user", "stop", f"{name}.path", f"{name}.service"])
    (folder / "default.target.wants" / f"{name}.path").unlink(missing_ok=True)
    for suffix in ("path", "service"):
        (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    run(["systemctl", "--user", "daemon-reload"])


def run_quietly(command: Sequence[str]) -> bool:
    """Run a command without output; whether it succeeded."""
    try:
        return (
            subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=60,
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _in_quotes(text: str) -> str:
    """A text within a quoted word of a unit."""
    return _specifiers_escaped(re.sub(r'(["\\])', r"\\\1", text))


def _in_command(path: Path) -> str:
    """A path within a quoted word of a unit's command line."""
    return _in_quotes(str(path)).replace("$", "$$")


def _specifiers_escaped(text: str) -> str:
    return text.replace("%", "%%")


def _systemctl(system: System) -> str | None:
    return shutil.which("systemctl", path=system.environ.get("PATH"))


# --- What a flatpak may do ------------------------------------------------------------------------


@dataclass(frozen=True)
class FlatpakAccess:
    """What an editor's sandbox lets through.

    Attributes:
        network: whether it shares the computer's loopback network.
        sees: whether it sees the data folder.
        spawns: whether it may start programs outside.
    """

    network: bool
    sees: bool
    spawns: bool


def flatpak_access(system: System, editor: str, data_folder: Path) -> FlatpakAccess | None:
    """What the flatpak of an editor may do, with the user's overrides; None without one."""
    app = flatpak_id(editor)
    user, shared = flatpak_folders(system)
    metadata = [
        path
        for folder in (user, shared)
        if (path := folder / "app" / app / "current" / "active" / "metadata").is_file()
    ]
    if not metadata:
        return None
    overrides = [
        folder / "overrides" / name for folder in (shared, user) for name in ("global", app)
    ]
    network, spawns, filesystems = False, False, dict[str, bool]()
    for file in (metadata[0], *overrides):
        values = _flatpak_values(file)
        for item in values.get("Context", "shared"):
            if item.lstrip("!") == "network":
                network = not item.startswith("!")
        for item in values.get("Context", "filesystems"):
            filesystems[item.lstrip("!").partition(":")[0]] = not item.startswith("!")
        bus = values.text("Session Bus Policy", "org.freedesktop.Flatpak")
        if bus:
            spawns = bus in {"talk", "own"}
    own = system.home / ".var" / "app" / app
    sees = _is_visible(system, data_folder, filesystems) or data_folder.is_relative_to(own)
    return FlatpakAccess(network, sees, spawns)


@dataclass(frozen=True)
class _KeyFile:
    parser: configparser.RawConfigParser

    def get(self, group: str, key: str) -> list[str]:
        return [item for item in self.text(group, key).split(";") if item]

    def text(self, group: str, key: str) -> str:
        return self.parser.get(group, key, fallback="")


def _flatpak_values(path: Path) -> _KeyFile:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys have capitals
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return _KeyFile(configparser.RawConfigParser())
    return _KeyFile(parser)


def _is_visible(system: System, folder: Path, filesystems: dict[str, bool]) -> bool:
    for name, granted in filesystems.items():
        if not granted:
            continue
        if name == "host" or (name == "home" and folder.is_relative_to(system.home)):
            return True
        if name.startswith("xdg-data"):
            name = f"~/.local/share{name.removeprefix('xdg-data')}"
        path = Path(name.replace("~", str(system.home), 1) if name.startswith("~") else name)
        if path.is_absolute() and folder.is_relative_to(path):
            return True
    return False
