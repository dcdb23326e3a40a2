#!/usr/bin/env python3
"""Set up and run Pastiche from a clone: one file, nothing but Python's standard library.

    python3 install.py demo     stylize a photograph in every built-in style
    python3 install.py test     run all checks and tests
    python3 install.py env      only make the environment

Everything goes into the folder .venv of the clone; delete that folder to start afresh.
"""

from __future__ import annotations

import argparse
import contextlib
import enum
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Self

OLDEST_PYTHON = (3, 10)
NEWEST_TESTED_PYTHON = (3, 14)
# The extras of pyproject.toml. One environment serves the demo and the tests.
EXTRAS = ("demo", "dev")
# What a finished environment can import; found without importing, which is quick.
NEEDED_MODULES = ("pip", "torch", "torchvision", "pastiche_daemon", "pastiche_client", "pytest")
# Raise it when the environment must be made anew although pyproject.toml is the same.
LAYOUT = 1

INTERRUPTED = 130


class InstallError(Exception):
    """Something that the user has to know; `str(error)` says what to do."""


@dataclass(frozen=True)
class Checkout:
    """The clone, and where its environment lies."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        if os.name == "nt":
            return self.venv / "Scripts" / "python.exe"
        return self.venv / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Written last: what the environment was made from."""
        return self.venv / "pastiche-environment.json"

    @property
    def unfinished(self) -> Path:
        """Written first, removed last."""
        return self.venv / "pastiche-unfinished"

    @property
    def log(self) -> Path:
        return self.root / "build" / "install.log"

    @property
    def lock(self) -> Path:
        return self.root / "build" / "install.lock"


# --- Which Python ---------------------------------------------------------------------------------


def check_python(version: tuple[int, int], find: Callable[[str], str | None]) -> str | None:
    """Raises InstallError for a Python that is too old; returns a warning for an untested one."""
    running = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        newer = [
            f"python3.{minor}"
            for minor in range(NEWEST_TESTED_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)
            if find(f"python3.{minor}")
        ]
        advice = (
            f"This computer has {newer[0]}: run `{newer[0]} install.py` instead."
            if newer
            else "Install a newer Python from your system's packages or from python.org."
        )
        raise InstallError(f"Pastiche needs Python 3.10 or newer, and this is {running}. {advice}")
    if version > NEWEST_TESTED_PYTHON:
        newest = ".".join(map(str, NEWEST_TESTED_PYTHON))
        return (
            f"Python {running} is newer than {newest}, the newest one that Pastiche is tested with."
        )
    return None


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


def wanted_stamp(checkout: Checkout, version: tuple[int, int]) -> dict[str, object]:
    """What the environment has to be made from."""
    project = (checkout.root / "pyproject.toml").read_bytes()
    return {
        "layout": LAYOUT,
        "project": hashlib.sha256(project).hexdigest(),
        "python": ".".join(map(str, version)),
        "root": str(checkout.root),
        "extras": list(EXTRAS),
    }


def read_stamp(checkout: Checkout) -> dict[str, object] | None:
    """The stamp of the environment; None where there is none or it cannot be read."""
    try:
        stamp = json.loads(checkout.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None  # pyright: ignore[reportUnknownVariableType]


def environment_state(checkout: Checkout, version: tuple[int, int]) -> tuple[State, str]:
    """The environment's state, and why it is that, for the user.

    Raises InstallError where .venv is something else than an environment.
    """
    if not os.path.lexists(checkout.venv):
        return State.ABSENT, "there is none"
    if checkout.venv.is_symlink() or not checkout.venv.is_dir():
        raise InstallError(f"{checkout.venv} is not a folder: move it away, then run this again.")
    if not any(checkout.venv.iterdir()):
        return State.ABSENT, "it is empty"
    if checkout.unfinished.exists():
        return State.BROKEN, "making it was interrupted"
    if not (checkout.venv / "pyvenv.cfg").exists():
        raise InstallError(
            f"{checkout.venv} holds files, but it is no Python environment. "
            "Move it away, then run this again."
        )
    found = inspect_environment(checkout)
    if found is None:
        return State.BROKEN, "its Python does not run"
    running = ".".join(map(str, version))
    if found.python != running:
        return State.BROKEN, f"it has Python {found.python}, and this is {running}"
    stamp, wanted = read_stamp(checkout), wanted_stamp(checkout, version)
    if stamp is not None and stamp.get("root") != wanted["root"]:
        return State.BROKEN, "the folder was moved"
    if "pip" in found.missing:
        return State.BROKEN, "it has no pip"
    if stamp is None:
        return State.OUTDATED, "it was made by something else"
    if stamp != wanted:
        return State.OUTDATED, "pyproject.toml has changed"
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


def inspect_environment(checkout: Checkout) -> FoundEnvironment | None:
    """Ask the environment's interpreter; None where it does not answer."""
    try:
        answer = subprocess.run(
            [str(checkout.python), "-c", _INSPECT, *NEEDED_MODULES],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(os.environ),
            cwd=str(checkout.venv),
            check=True,
        )
        python, missing = json.loads(answer.stdout.decode("utf-8"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    return FoundEnvironment(python, tuple(missing))


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a process in the environment, which must not see other packages."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


# --- Making it ------------------------------------------------------------------------------------

_INTRODUCTIONS = {
    State.ABSENT: "Making an environment in {folder}, which takes some minutes.",
    State.OUTDATED: "Completing the environment: {why}.",
    State.BROKEN: "Making the environment anew, which takes some minutes: {why}.",
}


def ensure_environment(checkout: Checkout, say: Callable[[str], None]) -> None:
    """Make or complete the environment unless it is ready. Raises InstallError."""
    version = sys.version_info[:2]
    warning = check_python(version, shutil.which)
    with only_one(checkout, say):
        state, why = environment_state(checkout, version)
        if state is State.READY:
            return
        if warning:
            say(f"Note: {warning}")
        say(_INTRODUCTIONS[state].format(folder=checkout.venv, why=why))
        if state in (State.ABSENT, State.BROKEN):
            check_venv_modules(has_module)
            make_venv(checkout)
        install_packages(checkout)
        check_torch(checkout)
        write_stamp(checkout, wanted_stamp(checkout, version))
        say(f"The environment is ready. What pip did is in {checkout.log}")


def make_venv(checkout: Checkout) -> None:
    """A new environment with nothing but pip, marked as unfinished."""
    try:
        if checkout.venv.exists():
            with Progress("removing the old environment"):
                shutil.rmtree(checkout.venv)
        checkout.venv.mkdir()
        checkout.unfinished.touch()
    except OSError as error:
        raise InstallError(f"{checkout.venv} cannot be made anew: {error}") from error
    # Not sys.executable: within an environment that is the one which has just been removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    with Progress("making the environment") as progress:
        run_logged(checkout, [python, "-m", "venv", str(checkout.venv)], progress, "w")


def install_packages(checkout: Checkout) -> None:
    """The project itself, editable, with everything that it needs."""
    command = [str(checkout.python), "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--editable", f".[{','.join(EXTRAS)}]"]
    with Progress("pip: starting") as progress:
        run_logged(checkout, command, progress, "a")


def run_logged(checkout: Checkout, command: Sequence[str], progress: Progress, mode: str) -> None:
    """Run a command; its output goes to the log, and in short to the progress line.

    Raises InstallError, with the end of the output, where it fails.
    """
    checkout.log.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with checkout.log.open(mode, encoding="utf-8") as log:
        log.write(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')}  {' '.join(command)}\n")
        log.flush()
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A user's pip configuration may ask for --user, which no environment can do.
                env={**child_environment(os.environ), "PIP_USER": "0"},
                cwd=str(checkout.root),
            )
        except OSError as error:
            raise InstallError(f"{command[0]} cannot be started: {error}") from error
        with process:
            assert process.stdout is not None
            try:
                for raw in process.stdout:
                    line = raw.decode("utf-8", "replace").rstrip()
                    log.write(line + "\n")
                    log.flush()
                    lines.append(line)
                    told = describe_pip_line(line)
                    if told:
                        progress.show(f"pip: {told}")
            except BaseException:
                process.terminate()
                raise
    if process.returncode != 0:
        raise InstallError(
            f"`{' '.join(command)}` failed with exit code {process.returncode}:\n\n"
            f"{telling_lines(lines)}\n\nThe whole output is in {checkout.log}"
        )


_PIP_LINES = (
    (r"Obtaining file:", "reading the project"),
    (r"Collecting ([A-Za-z0-9._-]+)", "looking for {0}"),
    (
        r"(?:Downloading|Using cached) ([A-Za-z0-9._]+)-([^-]+)-\S+ \((.+)\)",
        "getting {0} {1} ({2})",
    ),
    (r"(Installing build dependencies|Preparing editable metadata)", "{0}"),
    (r"Building editable for (\S+)", "building {0}"),
    (r"INFO: pip is looking at multiple versions of (\S+)", "comparing versions of {0}"),
    (r"Installing collected packages: (.+)", "unpacking packages: {count}"),
)


def describe_pip_line(line: str) -> str | None:
    """A line of pip's output in a few words; None for one that tells a user nothing."""
    for pattern, text in _PIP_LINES:
        found = re.match(r"\s*" + pattern, line)
        if found:
            groups = found.groups()
            return text.format(*groups, count=groups[0].count(",") + 1 if groups else 0)
    return None


def telling_lines(lines: Sequence[str], most: int = 15) -> str:
    """pip's errors, or the end of the output where it has none."""
    errors = [line for line in lines if line.startswith("ERROR:")]
    return "\n".join((errors or [line for line in lines if line.strip()])[-most:])


_TRY_TORCH = """
import torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
"""

_VERSIONS = """
from importlib.metadata import version
print("torch", version("torch"), "and torchvision", version("torchvision"))
"""


def check_torch(checkout: Checkout) -> None:
    """torchvision holds compiled code for exactly one build of torch: try both together.

    Raises InstallError, which says how to get a matching pair.
    """
    with Progress("trying torch and torchvision"):
        tried = run_python(checkout, _TRY_TORCH)
        if tried.returncode == 0:
            return
        versions = run_python(checkout, _VERSIONS).stdout.decode("utf-8", "replace").strip()
    error = (tried.stderr.decode("utf-8", "replace").strip().splitlines() or ["it crashed"])[-1]
    raise InstallError(
        f"{versions or 'torch and torchvision'} do not work together: {error}\n"
        "Both have to come from the same place. Usually a folder or index in pip's configuration\n"
        "(find-links, extra-index-url) offers another build of one of them. See\n"
        f"  {checkout.python} -m pip config list\n"
        "and take that entry out. Then delete the folder .venv and run this again.\n"
        "To leave the configuration aside for once, run it as\n"
        f"  {without_pip_configuration()} {Path(sys.executable).name} install.py env"
    )


def without_pip_configuration() -> str:
    if os.name == "nt":
        return "set PIP_CONFIG_FILE=nul && set PIP_FIND_LINKS= && set PIP_EXTRA_INDEX_URL= &&"
    return "env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null"


def run_python(checkout: Checkout, source: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(checkout.python), "-c", source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=child_environment(os.environ),
        check=False,
    )


def write_stamp(checkout: Checkout, stamp: Mapping[str, object]) -> None:
    """Mark the environment as finished."""
    temporary = checkout.stamp.with_suffix(".new")
    temporary.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    temporary.replace(checkout.stamp)
    with contextlib.suppress(FileNotFoundError):
        checkout.unfinished.unlink()


@contextlib.contextmanager
def only_one(checkout: Checkout, say: Callable[[str], None]) -> Iterator[None]:
    """Held while the environment is looked at or changed; a second process waits."""
    checkout.lock.parent.mkdir(parents=True, exist_ok=True)
    with checkout.lock.open("a+b") as file:
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


class Progress:
    """One live line on a terminal; elsewhere a line for every step and twice a minute.

    Use as a context manager.
    """

    def __init__(self, text: str, out: IO[str] | None = None) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._text = text
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if not self._live:
            self._line(self._text)
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()
        if self._live:
            self._out.write("\r\033[K")
            self._out.flush()

    def show(self, text: str) -> None:
        """Say what is being done now."""
        if text != self._text and not self._live and not text.startswith("pip: looking for"):
            self._line(text)
        self._text = text

    def _tick(self) -> None:
        count = 0
        while not self._ended.wait(0.1 if self._live else 30.0):
            seconds = int(time.monotonic() - self._started)
            elapsed = f"{seconds // 60}:{seconds % 60:02d}"
            if self._live:
                width = shutil.get_terminal_size().columns
                line = f"{'|/-' + chr(92)} "[count % 4] + f" {elapsed}  {self._text}"
                self._out.write("\r\033[K" + line[: width - 1])
                self._out.flush()
            else:
                self._line(f"{self._text} ({elapsed})")
            count += 1

    def _line(self, text: str) -> None:
        self._out.write(f"  {text}\n")
        self._out.flush()


# --- The commands ---------------------------------------------------------------------------------


def run_env(checkout: Checkout, _: argparse.Namespace) -> int:
    print(f"Python of the environment: {checkout.python}")
    activate = checkout.python.with_name("activate")
    print(f"To use it: {activate if os.name == 'nt' else f'source {activate}'}")
    return 0


def run_demo(checkout: Checkout, options: argparse.Namespace) -> int:
    command = [str(checkout.python), "-m", "pastiche_daemon", "demo"]
    if options.photo:
        command += ["--photo", str(options.photo)]
    if options.output:
        command += ["--output", str(options.output)]
    for style in options.style or ():
        command += ["--style", style]
    return run_child(command, cwd=None)


def run_test(checkout: Checkout, options: argparse.Namespace) -> int:
    python = str(checkout.python)
    checks = {
        "ruff check": [python, "-m", "ruff", "check"],
        "ruff format --check": [python, "-m", "ruff", "format", "--check"],
        # Named, because a pyrightconfig.json in a folder above would come first.
        "pyright": [python, "-m", "pyright", "--project", "pyproject.toml"],
    }
    failed: list[str] = []
    for name, command in checks.items():
        announce(name)
        if run_child(command, cwd=checkout.root) != 0:
            failed.append(name)
    announce("pytest" if not failed else f"pytest (failed before: {', '.join(failed)})")
    code = run_child([python, "-m", "pytest", *options.pytest_args], cwd=checkout.root)
    return code or (1 if failed else 0)


def announce(name: str) -> None:
    print(f"\n== {name}", flush=True)


def run_child(command: Sequence[str], cwd: Path | None) -> int:
    """Run a command in the foreground and return its exit code, as a shell would."""
    environ = {**child_environment(os.environ), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    with subprocess.Popen(list(command), cwd=cwd, env=environ) as process:
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                continue  # the terminal has told the child, too: let it clean up
    return 128 - code if code < 0 else code


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo", help="stylize a photograph in every built-in style", allow_abbrev=False
    )
    demo.add_argument("--photo", type=Path, metavar="FILE", help="your own photograph")
    demo.add_argument(
        "--output", type=Path, metavar="DIR", help="where to write (default: pastiche-demo)"
    )
    demo.add_argument(
        "--style", action="append", help="only this style; may be given several times"
    )
    demo.set_defaults(run=run_demo)
    test = commands.add_parser(
        "test",
        help="run all checks and tests",
        usage="install.py test [-h] [arguments of pytest ...]",
        description="Runs ruff, pyright and pytest. Everything after `test` goes to pytest.",
        allow_abbrev=False,
    )
    test.set_defaults(run=run_test)
    env = commands.add_parser("env", help="only make the environment", allow_abbrev=False)
    env.set_defaults(run=run_env)

    options, others = parser.parse_known_args(arguments)
    if options.command == "test":
        options.pytest_args = others
    elif others:
        parser.error(f"unknown arguments: {' '.join(others)}")
    # Better now than after minutes of installing.
    if options.command == "demo" and options.photo and not options.photo.is_file():
        parser.error(f"--photo: there is no file {options.photo}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code of the command that was run."""
    options = parse_arguments(arguments)
    checkout = Checkout(Path(__file__).resolve().parent)
    try:
        ensure_environment(checkout, say=lambda text: print(text, flush=True))
        return options.run(checkout, options)
    except InstallError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
