"""A client in a sandbox gets the daemon that something outside starts for it."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from pastiche_client import Client, launcher
from pastiche_client.errors import DaemonStartError
from pastiche_client.paths import DataPaths
from pastiche_client.sandbox import Sandbox
from tests.support.daemon_process import WAIT_SECONDS, start_process


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataPaths:
    """Of a client that takes itself to be in a flatpak."""
    monkeypatch.setattr(launcher, "current_sandbox", lambda *_: Sandbox.FLATPAK)
    found = DataPaths(tmp_path / "data")
    found.root.mkdir()
    found.on_request_file.touch()
    return found


class _Watcher:
    """Does what the installer lets systemd do: starts the daemon when the file appears."""

    def __init__(self, paths: DataPaths) -> None:
        self._paths = paths
        self._ended = threading.Event()
        self.started: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            if self._paths.request_file.exists():
                self._paths.request_file.unlink()
                self.started.append(start_process(self._paths))

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for process in self.started:
            process.kill()
            process.communicate(timeout=WAIT_SECONDS)


def test_the_daemon_is_asked_for_and_used(paths: DataPaths) -> None:
    watcher = _Watcher(paths)
    try:
        with Client.connect(paths, start_timeout=WAIT_SECONDS) as client:
            assert client.health()
            first = client.info().pid
            client.stop_daemon()
            assert client.health()  # asked for again
            assert client.info().pid != first
        pids = [process.pid for process in watcher.started]
        assert pids[0] == first
        assert len(pids) == 2
        assert not paths.request_file.exists()
    finally:
        watcher.close()


def test_a_request_that_nobody_hears_ends_in_a_sentence(paths: DataPaths) -> None:
    with pytest.raises(DaemonStartError, match="did not answer"):
        Client.connect(paths, start_timeout=0.3)
    # It must not start a daemon by surprise later.
    assert not paths.request_file.exists()
