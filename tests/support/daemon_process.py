"""A real daemon in a process of its own, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pastiche_client.paths import DataPaths
from pastiche_client.runtime_file import RuntimeFileError, RuntimeInfo, read_runtime_file

WAIT_SECONDS = 180.0


def wait_until(condition: Callable[[], bool], what: str = "it") -> None:
    """Return as soon as the condition holds; fail if it never does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen")
        time.sleep(0.02)


@dataclass(frozen=True)
class DaemonProcess:
    """A daemon that answers."""

    process: subprocess.Popen[bytes]
    paths: DataPaths
    info: RuntimeInfo

    @property
    def address(self) -> str:
        return f"{self.info.host}:{self.info.port}"

    @property
    def log(self) -> str:
        return self.paths.log_file.read_text("utf-8")

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(WAIT_SECONDS)


def start_process(
    paths: DataPaths, *arguments: str, environ: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """`pastiche serve` on the CPU with one thread, which may or may not come up."""
    return subprocess.Popen(
        [sys.executable, "-m", "pastiche_daemon", "serve", "--threads", "1", *arguments],
        env={
            **os.environ,
            "PASTICHE_HOME": str(paths.root),
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONWARNINGS": "default",
            **(environ or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@contextmanager
def running_daemon(
    home: Path, *, arguments: Sequence[str] = (), environ: dict[str, str] | None = None
) -> Iterator[DaemonProcess]:
    """A daemon with the data folder `home`, killed at the end if it still runs."""
    paths = DataPaths(home)
    process = start_process(paths, *arguments, environ=environ)
    try:
        yield DaemonProcess(process, paths, _published(paths, process))
    finally:
        process.kill()
        process.communicate(timeout=WAIT_SECONDS)


def _published(paths: DataPaths, process: subprocess.Popen[bytes]) -> RuntimeInfo:
    found: list[RuntimeInfo] = []

    def published() -> bool:
        if process.poll() is not None:
            output = process.stdout.read().decode() if process.stdout else ""
            raise AssertionError(f"the daemon ended with {process.returncode}:\n{output}")
        info = None
        with suppress(RuntimeFileError):  # a test's own, not overwritten yet
            info = read_runtime_file(paths.runtime_file)
        if info is None or info.pid != process.pid:
            return False
        found.append(info)
        return True

    wait_until(published, "the daemon's start")
    with grpc.insecure_channel(f"{found[0].host}:{found[0].port}") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(
            health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS, wait_for_ready=True
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    return found[0]
