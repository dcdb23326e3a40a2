"""Other programs that the installer runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

from installer.console import describe_pip_line, telling_lines
from installer.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from installer.console import Progress


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a process in the environment, which must not see other packages."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def run_logged(
    log_file: Path, folder: Path, command: Sequence[str], progress: Progress, mode: str
) -> None:
    """Run a command in a folder; its output goes to the log, and in short to the progress line.

    Raises InstallError, with the end of the output, where it fails.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with log_file.open(mode, encoding="utf-8") as log:
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
                cwd=str(folder),
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
            f"{telling_lines(lines)}\n\nThe whole output is in {log_file}"
        )


def run_python(python: Path, source: str) -> subprocess.CompletedProcess[bytes]:
    """What `python -c source` says, without the packages of this Python."""
    return subprocess.run(
        [str(python), "-c", source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=child_environment(os.environ),
        check=False,
    )


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


def run_pastiche(
    python: Path, data_folder: Path, *arguments: str, timeout: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The command line of the daemon that is installed beside an interpreter.

    Raises:
        OSError, subprocess.TimeoutExpired: it cannot be started, or takes longer.
    """
    return subprocess.run(
        [str(python), "-m", "pastiche_daemon", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**child_environment(os.environ), "PASTICHE_HOME": str(data_folder)},
        cwd=python.parent,  # `python -m` would import from the folder in which it is called
        check=False,
        timeout=timeout,
    )


def stop_daemon(python: Path, data_folder: Path) -> None:
    """End the daemon of a data folder, if one runs and can be asked."""
    if not (data_folder / "run" / "daemon.json").exists() or not python.exists():
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        run_pastiche(python, data_folder, "stop", timeout=120)
