"""A folder that a test and the editor both see, and the processes that run in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pastiche_client.paths import DataPaths
from tests.contract.daemons import end_daemons
from tests.editors.support.display import Display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.ending import ending_with_this_process

#: In the environment of every process that a workspace starts, and of what those start.
MARK = "PASTICHE_TEST_WORKSPACE"

_KILL_SECONDS = 20.0


@dataclass(frozen=True)
class EditorProcess:
    """A process with all its children, which end together. Its output goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait(self, seconds: float) -> int:
        """Its exit code. Kills it and raises AssertionError, with its output, if it goes on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.process.args} did not end within {seconds:.0f} s:\n{self.output[-8000:]}"
            ) from None

    def kill(self) -> None:
        """End it and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_KILL_SECONDS)


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    output: str


@dataclass(frozen=True)
class Workspace:
    """A folder of its own for one run of an editor: home, pictures, scripts, Pastiche's data.

    Attributes:
        root: where the programs are.
        folder: the folder, as this process sees it.
    """

    root: EditorRoot
    folder: Path
    _processes: list[EditorProcess] = field(default_factory=list["EditorProcess"])

    @property
    def home(self) -> Path:
        """The editor's HOME, as this process sees it."""
        return self.folder / "home"

    @property
    def data(self) -> DataPaths:
        """Pastiche's data folder, as this process sees it; the daemon runs out here."""
        return DataPaths(self.folder / "pastiche")

    def inside(self, path: Path | str = "") -> str:
        """A path, or one relative to the folder, as the editor sees it."""
        return self.root.inside(self.folder / path)

    def environ(self, display: Display | None = None) -> dict[str, str]:
        """The variables of an editor that runs here, as the editor sees them."""
        return {
            **{k: v for k, v in self.root.environ().items() if k not in ("DISPLAY", "XAUTHORITY")},
            "HOME": self.inside("home"),
            "XDG_RUNTIME_DIR": self.inside("runtime"),
            "TMPDIR": self.inside("temporary"),
            "PASTICHE_HOME": self.inside("pastiche"),
            # No session bus and no accessibility bus, which would be started and stay behind.
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "NO_AT_BRIDGE": "1",
            "GIO_USE_VFS": "local",
            "GSETTINGS_BACKEND": "memory",
            MARK: str(self.folder),
            **(display.environ if display else {}),
        }

    def start(
        self,
        arguments: Sequence[str],
        *,
        display: Display | None = None,
        environ: Mapping[str, str] | None = None,
        log: str = "",
    ) -> EditorProcess:
        """Start a program, given by its path inside.

        Args:
            display: the screen for its windows.
            environ: variables to add.
            log: name of the file in the folder `logs` for its output.
        """
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        file = logs / (log or f"{Path(arguments[0]).name}-{len(self._processes)}.log")
        with file.open("wb") as output:
            process = subprocess.Popen(
                ending_with_this_process(self.root.command(arguments)),
                env={**self.environ(display), **(environ or {})},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = EditorProcess(process, file)
        self._processes.append(started)
        return started

    def run(
        self,
        arguments: Sequence[str],
        *,
        seconds: float,
        display: Display | None = None,
        environ: Mapping[str, str] | None = None,
        log: str = "",
    ) -> Finished:
        """Run a program to its end, as `start` does. Raises AssertionError if it takes longer."""
        started = self.start(arguments, display=display, environ=environ, log=log)
        code = started.wait(seconds)
        return Finished(code, started.output)

    def close(self) -> list[str]:
        """End every process; returns the command lines of those that had got away."""
        for process in self._processes:
            process.kill()
        end_daemons(self.data)
        # What has just been killed may take a moment to go.
        deadline = time.monotonic() + 2.0
        while (left := processes_of(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.05)
        told = [_command_line(process) for process in left]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=_KILL_SECONDS)
        return told


@contextlib.contextmanager
def make_workspace(root: EditorRoot, parent: Path | None = None) -> Iterator[Workspace]:
    """A workspace whose processes end and whose folder goes with the block.

    Args:
        parent: a folder that exists for it, as this process sees it; by default one that the
            programs see, too.

    Raises:
        AssertionError: a process had left the group of the one that started it, and stayed.
    """
    parent = parent or root.outside("/tmp")
    folder = Path(tempfile.mkdtemp(prefix=_prefix(), dir=parent))
    workspace = Workspace(root, folder)
    for name in ("home", "runtime", "temporary", "pastiche"):
        (folder / name).mkdir(mode=0o700)
    try:
        yield workspace
    finally:
        left = workspace.close()
        shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"these processes stayed behind: {left}"


def processes_of(folder: Path | None = None) -> list[psutil.Process]:
    """The living processes of a workspace, or of all that this process has made."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            mark = process.environ().get(MARK, "")
            ours = Path(mark) == folder if folder else Path(mark).name.startswith(_prefix())
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _prefix() -> str:
    return f"pastiche-editor-{os.getpid()}-"


def _command_line(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline())}"
    except psutil.Error:
        return str(process.pid)
