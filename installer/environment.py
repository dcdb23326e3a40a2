"""The environment of a clone or of an installed daemon: its state, and making it."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from installer.console import Progress
from installer.errors import InstallError
from installer.processes import child_environment, run_logged, run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

# Raise it when environments must be made anew although what they are made from is the same.
LAYOUT = 1
# What every environment can import; found without importing, which is quick.
NEEDED_MODULES = ("pip", "torch", "torchvision", "pastiche_daemon", "pastiche_client")

# The packages of the project, as pyproject.toml lists them for its wheel.
SOURCES = ("daemon/pastiche_daemon", "plugins/client/pastiche_client", "protos/pastiche")


@dataclass(frozen=True)
class Environment:
    """Where an environment lies and what goes into it.

    Attributes:
        root: the clone.
        folder: the environment's own folder.
        extras: those of pyproject.toml.
        editable: whether it uses the clone's sources; otherwise it has a copy of its own, and the
            clone may be deleted.
        modules: what it has to have beside NEEDED_MODULES.
        log: what pip and others said.
    """

    root: Path
    folder: Path
    extras: tuple[str, ...]
    editable: bool
    modules: tuple[str, ...]
    log: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return interpreter(self.folder)

    @property
    def stamp(self) -> Path:
        """Written last: what the environment was made from."""
        return self.folder / "pastiche-environment.json"

    @property
    def unfinished(self) -> Path:
        """Written first, removed last."""
        return self.folder / "pastiche-unfinished"

    @property
    def is_ours(self) -> bool:
        """Whether the folder is one that was made here, finished or not."""
        return self.stamp.exists() or self.unfinished.exists()

    @property
    def lock(self) -> Path:
        return self.root / "build" / "install.lock"


def interpreter(folder: Path) -> Path:
    """Where the environment in a folder has its Python."""
    if os.name == "nt":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def clone_environment(root: Path) -> Environment:
    """The environment of the demo and the tests, in the clone."""
    return Environment(
        root=root,
        folder=root / ".venv",
        extras=("demo", "dev"),
        editable=True,
        modules=("pytest",),
        log=root / "build" / "install.log",
    )


def daemon_environment(root: Path, folder: Path) -> Environment:
    """The environment of the daemon that the editors start; independent of the clone."""
    return Environment(
        root=root,
        folder=folder,
        extras=(),
        editable=False,
        modules=(),
        log=root / "build" / "install.log",
    )


def check_venv_modules(has_module: Callable[[str], bool]) -> None:
    """Raises InstallError where Python came without what makes environments."""
    missing = [name for name in ("venv", "ensurepip") if not has_module(name)]
    if missing:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(
            f"This Python ({sys.executable}) cannot make environments: it has no module "
            f"{' and no module '.join(missing)}. Install it, then run this command again:\n"
            f"  Debian, Ubuntu:  sudo apt install python{version}-venv\n"
            "  elsewhere:       the package that adds venv and ensurepip to it,\n"
            "                   or the Python from python.org, which has both"
        )


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


# --- The environment's state ----------------------------------------------------------------------


class State(enum.Enum):
    """What is to be done with the environment."""

    READY = "ready"
    ABSENT = "absent"
    OUTDATED = "outdated"  # works, but packages may be missing: pip can add them
    BROKEN = "broken"  # must be made anew


def wanted_stamp(environment: Environment, version: tuple[int, int]) -> dict[str, object]:
    """What the environment has to be made from."""
    files = [environment.root / "pyproject.toml"]
    if not environment.editable:  # its copy of the sources has to be renewed with them
        for folder in SOURCES:
            files += sorted(
                path
                for path in (environment.root / folder).rglob("*")
                if path.is_file() and "__pycache__" not in path.parts
            )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return {
        "layout": LAYOUT,
        "project": digest.hexdigest(),
        "python": ".".join(map(str, version)),
        "root": str(environment.root if environment.editable else environment.folder),
        "extras": list(environment.extras),
    }


def read_stamp(environment: Environment) -> dict[str, object] | None:
    """The stamp of the environment; None where there is none or it cannot be read."""
    try:
        stamp = json.loads(environment.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None  # pyright: ignore[reportUnknownVariableType]


def environment_state(environment: Environment, version: tuple[int, int]) -> tuple[State, str]:
    """The environment's state, and why it is that, for the user.

    Raises InstallError where the folder is something else than an environment.
    """
    if not os.path.lexists(environment.folder):
        return State.ABSENT, "there is none"
    if environment.folder.is_symlink() or not environment.folder.is_dir():
        raise InstallError(
            f"{environment.folder} is not a folder: move it away, then run this again."
        )
    if not any(environment.folder.iterdir()):
        return State.ABSENT, "it is empty"
    if environment.unfinished.exists():
        return State.BROKEN, "making it was interrupted"
    if not (environment.folder / "pyvenv.cfg").exists():
        raise InstallError(
            f"{environment.folder} holds files, but it is no Python environment. "
            "Move it away, then run this again."
        )
    found = inspect_environment(environment.python, (*NEEDED_MODULES, *environment.modules))
    if found is None:
        return State.BROKEN, "its Python does not run"
    running = ".".join(map(str, version))
    if found.python != running:
        return State.BROKEN, f"it has Python {found.python}, and this is {running}"
    stamp, wanted = read_stamp(environment), wanted_stamp(environment, version)
    if stamp is not None and stamp.get("root") != wanted["root"]:
        return State.BROKEN, "the folder was moved"
    if "pip" in found.missing:
        return State.BROKEN, "it has no pip"
    if stamp is None:
        return State.OUTDATED, "it was made by something else"
    if stamp != wanted:
        what = "pyproject.toml has" if environment.editable else "the sources have"
        return State.OUTDATED, f"{what} changed"
    if found.missing:
        return State.OUTDATED, f"it lacks {', '.join(found.missing)}"
    return State.READY, "it is ready"


@dataclass(frozen=True)
class FoundEnvironment:
    """What an environment's interpreter says of itself."""

    python: str
    missing: tuple[str, ...]


_INSPECT = """
import importlib.util, json, sys
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(json.dumps(["%d.%d" % sys.version_info[:2], missing]))
"""


def inspect_environment(python: Path, modules: Sequence[str]) -> FoundEnvironment | None:
    """Ask an environment's interpreter which of the modules it lacks; None if it does not run."""
    try:
        answer = subprocess.run(
            [str(python), "-c", _INSPECT, *modules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(os.environ),
            cwd=str(python.parent),
            check=True,
        )
        version, missing = json.loads(answer.stdout.decode("utf-8"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    return FoundEnvironment(version, tuple(missing))


# --- Making it ------------------------------------------------------------------------------------

_INTRODUCTIONS = {
    State.ABSENT: "Making an environment in {folder}, which takes some minutes.",
    State.OUTDATED: "Completing the environment: {why}.",
    State.BROKEN: "Making the environment anew, which takes some minutes: {why}.",
}


def ensure_environment(
    environment: Environment,
    say: Callable[[str], None],
    add_torch: Callable[[Environment], None] | None = None,
) -> bool:
    """Make or complete the environment unless it is ready; returns whether it was not.

    Args:
        environment: which.
        say: tells the user something.
        add_torch: puts a chosen build of torch into a new environment, before everything else.

    Raises:
        InstallError: it cannot be made.
    """
    version = sys.version_info[:2]
    with only_one(environment.lock, say):
        state, why = environment_state(environment, version)
        if state is State.READY:
            return False
        say(_INTRODUCTIONS[state].format(folder=environment.folder, why=why))
        stamp = wanted_stamp(environment, version)  # of now: sources may change meanwhile
        if state in (State.ABSENT, State.BROKEN):
            check_venv_modules(has_module)
            make_venv(environment)
            if add_torch is not None:
                add_torch(environment)
        install_packages(environment)
        check_torch(environment)
        write_stamp(environment, stamp)
        say(f"The environment is ready. What pip did is in {environment.log}")
    return True


def make_venv(environment: Environment) -> None:
    """A new environment with nothing but pip, marked as unfinished."""
    try:
        if environment.folder.exists():
            with Progress("removing the old environment"):
                shutil.rmtree(environment.folder)
        environment.folder.mkdir(parents=True)
        environment.unfinished.touch()
    except OSError as error:
        raise InstallError(f"{environment.folder} cannot be made anew: {error}") from error
    # Not sys.executable: within an environment that is the one which has just been removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    with Progress("making the environment") as progress:
        command = [python, "-m", "venv", str(environment.folder)]
        run_logged(environment.log, environment.root, command, progress, "w")


def remove_environment(environment: Environment) -> None:
    """Remove it; what is left after an interruption is still known as one of ours.

    Raises:
        OSError: something in it is in use.
    """
    environment.unfinished.touch()
    for path in environment.folder.iterdir():
        if path == environment.unfinished:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    environment.unfinished.unlink()
    environment.folder.rmdir()


def install_packages(environment: Environment) -> None:
    """The project itself with everything that it needs. Raises InstallError."""
    extras = f"[{','.join(environment.extras)}]" if environment.extras else ""
    run_pip(environment, *(["--editable"] if environment.editable else []), f".{extras}")


def run_pip(environment: Environment, *arguments: str) -> None:
    """`pip install` with these arguments. Raises InstallError."""
    command = [str(environment.python), "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", *arguments]
    with Progress("pip: starting") as progress:
        run_logged(environment.log, environment.root, command, progress, "a")


_TRY_TORCH = """
import torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
"""

_VERSIONS = """
from importlib.metadata import version
print("torch", version("torch"), "and torchvision", version("torchvision"))
"""


def check_torch(environment: Environment) -> None:
    """torchvision holds compiled code for exactly one build of torch: try both together.

    Raises InstallError, which says how to get a matching pair.
    """
    with Progress("trying torch and torchvision"):
        tried = run_python(environment.python, _TRY_TORCH)
        if tried.returncode == 0:
            return
        versions = (
            run_python(environment.python, _VERSIONS).stdout.decode("utf-8", "replace").strip()
        )
    error = (tried.stderr.decode("utf-8", "replace").strip().splitlines() or ["it crashed"])[-1]
    raise InstallError(
        f"{versions or 'torch and torchvision'} do not work together: {error}\n"
        "Both have to come from the same place. Usually a folder or index in pip's configuration\n"
        "(find-links, extra-index-url) offers another build of one of them. See\n"
        f"  {environment.python} -m pip config list\n"
        f"and take that entry out. Then delete the folder {environment.folder}\n"
        "and run this again. To leave the configuration aside for once, put this before the\n"
        f"command:  {without_pip_configuration()}"
    )


def without_pip_configuration() -> str:
    if os.name == "nt":
        return "set PIP_CONFIG_FILE=nul && set PIP_FIND_LINKS= && set PIP_EXTRA_INDEX_URL= &&"
    return "env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null"


def write_stamp(environment: Environment, stamp: Mapping[str, object]) -> None:
    """Mark the environment as finished."""
    temporary = environment.stamp.with_suffix(".new")
    temporary.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    temporary.replace(environment.stamp)
    with contextlib.suppress(FileNotFoundError):
        environment.unfinished.unlink()


@contextlib.contextmanager
def only_one(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Held while something is looked at or changed; a second process waits."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+b") as file:
        if not try_lock(file):
            say("Another install.py works in this folder; waiting for it.")
            while not try_lock(file):
                time.sleep(0.5)
        yield  # closing the file gives the lock back


def try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
