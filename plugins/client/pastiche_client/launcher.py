"""Finds the running daemon, and starts one where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_client.connection import Connection, StaleRuntimeFileError, open_connection
from pastiche_client.daemon_command import daemon_command
from pastiche_client.errors import DaemonNotRunningError, DaemonStartError
from pastiche_client.runtime_file import RuntimeFileError, RuntimeInfo, read_runtime_file
from pastiche_client.sandbox import Sandbox, ask_for_daemon, can_ask, current_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pastiche_client.paths import DataPaths

#: The daemon's exit code where another one holds the lock of the data folder.
ALREADY_RUNNING_EXIT_CODE = 3

_POLL_SECONDS = 0.1
# How long to wait for the daemon that holds the lock before another one is tried.
_OTHER_START_SECONDS = 2.0
_LARGEST_START_LOG = 256 * 1024


@asynccontextmanager
async def daemon_connection(
    paths: DataPaths, client_id: str, *, start: bool, start_timeout: float
) -> AsyncGenerator[Connection]:
    """A connection to the daemon of this data folder.

    Args:
        start: start a daemon where none runs.
        start_timeout: seconds that a start may take.

    Raises:
        DaemonNotRunningError: none runs, and `start` is false.
        DaemonStartError: it could not be started; the message has the end of its output.
    """
    async with AsyncExitStack() as stack:
        attempt = await _existing(stack, paths, client_id)
        if isinstance(attempt, Connection):
            yield attempt
            return
        if not start:
            raise DaemonNotRunningError(
                f"No Pastiche daemon runs: {attempt}.", reason="DAEMON_NOT_RUNNING"
            )
        yield await _start(stack, paths, client_id, start_timeout)


async def _existing(stack: AsyncExitStack, paths: DataPaths, client_id: str) -> Connection | str:
    """The connection to the daemon that the runtime file names, or why there is none."""
    try:
        info = read_runtime_file(paths.runtime_file)
    except RuntimeFileError as error:
        return str(error)
    if info is None:
        return f"{paths.runtime_file} does not exist"
    try:
        return await stack.enter_async_context(open_connection(info, client_id))
    except StaleRuntimeFileError as error:
        return str(error)


async def _start(
    stack: AsyncExitStack, paths: DataPaths, client_id: str, start_timeout: float
) -> Connection:
    deadline = time.monotonic() + start_timeout
    process = _start_process(paths)
    next_start = 0.0
    tried: RuntimeInfo | None = None
    why = "it did not write its runtime file"
    while time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
        info = _readable(paths)
        code = process.exit_code
        # A file that led nowhere is tried again only once it changes or the lock proves to be held.
        if info is not None and (info != tried or code == ALREADY_RUNNING_EXIT_CODE):
            tried = info
            try:
                return await stack.enter_async_context(open_connection(info, client_id))
            except StaleRuntimeFileError as error:
                why = str(error)
        if code is None:
            continue
        if code != ALREADY_RUNNING_EXIT_CODE:
            raise DaemonStartError(
                f"The Pastiche daemon ended with exit code {code} when it was started:\n"
                f"{process.output()}\n(its log is {paths.log_file})",
                reason="DAEMON_START_FAILED",
            )
        # Another daemon starts, or is about to end: give it time, then try again.
        if info is None:
            why = (
                f"another one runs, but its runtime file {paths.runtime_file} is missing or "
                "damaged; end that process, then try again"
            )
        if not next_start:
            next_start = time.monotonic() + _OTHER_START_SECONDS
        elif time.monotonic() >= next_start:
            process, next_start = _start_process(paths), 0.0
    if process.exit_code is None:
        process.terminate()
    raise DaemonStartError(
        f"The Pastiche daemon did not answer within {start_timeout:.0f} seconds: {why}. "
        f"Its log is {paths.log_file}",
        reason="DAEMON_START_FAILED",
    )


def _start_process(paths: DataPaths) -> _StartedDaemon | _RequestedDaemon:
    if current_sandbox() is Sandbox.NONE or not can_ask(paths):
        return _StartedDaemon.start(paths)
    return _RequestedDaemon.start(paths)


def _readable(paths: DataPaths) -> RuntimeInfo | None:
    with contextlib.suppress(RuntimeFileError):  # the starting daemon overwrites a damaged one
        return read_runtime_file(paths.runtime_file)
    return None


@dataclass(frozen=True)
class _StartedDaemon:
    """A daemon process that outlives this program, and leaves no zombie if it does not."""

    process: subprocess.Popen[bytes]
    paths: DataPaths
    log_start: int

    @staticmethod
    def start(paths: DataPaths) -> _StartedDaemon:
        command = daemon_command(paths)
        log = paths.start_log_file
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            if log.exists() and log.stat().st_size > _LARGEST_START_LOG:
                log.unlink()
            with log.open("ab") as output:
                log_start = output.tell()
                process = subprocess.Popen(  # noqa: S603 - the user's own command
                    command.arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=paths.root,
                    env=dict(command.environment),
                    start_new_session=True,  # so that Ctrl+C in a terminal does not end it
                    creationflags=_creation_flags(),
                )
        except OSError as error:
            raise DaemonStartError(
                f"The Pastiche daemon cannot be started: {error}", reason="DAEMON_START_FAILED"
            ) from error
        threading.Thread(target=process.wait, name="pastiche-daemon-reaper", daemon=True).start()
        return _StartedDaemon(process, paths, log_start)

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def output(self, most: int = 2000) -> str:
        """The end of what it wrote before its own log began, at most `most` characters."""
        with contextlib.suppress(OSError), self.paths.start_log_file.open("rb") as file:
            file.seek(max(self.log_start, os.fstat(file.fileno()).st_size - most))
            return file.read().decode("utf-8", errors="replace").strip()
        return ""

    def terminate(self) -> None:
        with contextlib.suppress(OSError):
            self.process.terminate()


@dataclass(frozen=True)
class _RequestedDaemon:
    """A daemon that something outside this program's sandbox starts."""

    paths: DataPaths

    @staticmethod
    def start(paths: DataPaths) -> _RequestedDaemon:
        try:
            ask_for_daemon(paths)
        except OSError as error:
            raise DaemonStartError(
                f"The Pastiche daemon cannot be asked for: {error}", reason="DAEMON_START_FAILED"
            ) from error
        return _RequestedDaemon(paths)

    @property
    def exit_code(self) -> int | None:
        return None  # nothing here knows

    def output(self) -> str:
        return ""

    def terminate(self) -> None:
        with contextlib.suppress(OSError):
            self.paths.request_file.unlink()


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
