"""Finding and starting the daemon, against real daemon processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pastiche_client import connection
from pastiche_client.client import Client
from pastiche_client.errors import (
    DaemonLostError,
    DaemonNotRunningError,
    DaemonStartError,
)
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_client.results import Event, Progress
from pastiche_client.runtime_file import RuntimeInfo, read_runtime_file, write_runtime_file
from tests.contract.daemons import daemons, end_daemons
from tests.support.daemon_process import wait_until

STYLE = "tiny/one"
SLOW_STYLE = "slow/slow"


@pytest.fixture
def paths(own_home: Path) -> Iterator[DataPaths]:
    """A data folder of the test's own; its daemon is ended afterwards."""
    paths = DataPaths(own_home)
    yield paths
    end_daemons(paths)


def layer(side: int) -> Layer:
    return Layer(side, side, PixelFormat.RGB, SampleType.U8, os.urandom(side * side * 3))


def published(paths: DataPaths) -> RuntimeInfo:
    info = read_runtime_file(paths.runtime_file)
    assert info is not None
    return info


def test_the_first_call_starts_a_daemon_and_the_next_finds_it(paths: DataPaths) -> None:
    with Client(paths) as client:
        first = client.info()
    with Client.connect(paths, start=False) as client:
        second = client.info()
        assert client.health()
    assert (first.pid, first.instance_id) == (second.pid, second.instance_id)
    assert Path(first.data_dir) == paths.root
    assert Path(first.log_path) == paths.log_file
    assert published(paths).pid == first.pid


def test_none_is_started_where_that_was_not_asked_for(paths: DataPaths) -> None:
    with pytest.raises(DaemonNotRunningError, match="No Pastiche daemon runs"):
        Client.connect(paths, start=False)
    assert daemons(paths) == []


def test_a_daemon_killed_in_the_middle_is_noticed_and_a_retry_starts_another(
    paths: DataPaths,
) -> None:
    with Client(paths) as client:
        before = client.info().pid

        def kill(event: Event) -> None:
            if isinstance(event, Progress):
                os.kill(before, signal.SIGKILL)

        with pytest.raises(DaemonLostError) as caught:
            client.stylize(layer(1024), SLOW_STYLE, on_event=kill, timeout=120)
        assert str(paths.log_file) in str(caught.value)
        assert caught.value.reason == "DAEMON_LOST"

        small = layer(16)
        result = client.stylize(small, STYLE, timeout=120)
        assert len(result.layer.data) == len(small.data)
        assert client.info().pid != before


def test_a_daemon_that_dies_leaves_no_zombie(paths: DataPaths) -> None:
    with Client(paths) as client:
        pid = client.info().pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(pid))
        assert not any(child.pid == pid for child in psutil.Process().children())


def test_a_stopped_daemon_is_gone_and_a_call_starts_another(paths: DataPaths) -> None:
    with Client(paths) as client:
        before = client.info()
        client.stop_daemon()
        assert read_runtime_file(paths.runtime_file) is None
        wait_until(lambda: not psutil.pid_exists(before.pid))
        assert client.info().instance_id != before.instance_id


def test_stopping_starts_none(paths: DataPaths) -> None:
    with Client(paths) as client, pytest.raises(DaemonNotRunningError):
        client.stop_daemon()
    assert daemons(paths) == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_stale_runtime_file_is_replaced(paths: DataPaths) -> None:
    stale = RuntimeInfo("127.0.0.1", free_port(), 2**22, "old", "old", "0.0.1")
    write_runtime_file(paths.runtime_file, stale)
    with pytest.raises(DaemonNotRunningError, match="nothing listens"):
        Client.connect(paths, start=False)
    with Client.connect(paths) as client:
        assert client.info().instance_id == published(paths).instance_id != "old"


@contextlib.contextmanager
def foreign_server(answer: bytes) -> Iterator[tuple[int, bytearray]]:
    """Something else on a port: keeps what it gets and answers with always the same."""
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer, contextlib.suppress(OSError):
                        peer.settimeout(20)
                        if answer:
                            peer.sendall(answer)
                        while piece := peer.recv(65536):
                            received.extend(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1]), received
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"]
)
def test_a_stranger_on_the_old_port_gets_no_pixels(
    paths: DataPaths, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_VERIFY_SECONDS", 1.0)  # it says nothing that makes sense
    with foreign_server(answer) as (port, received):
        write_runtime_file(
            paths.runtime_file, RuntimeInfo("127.0.0.1", port, 2**22, "old", "old", "0.0.1")
        )
        secret = b"the user's own pixels..."
        with Client(paths) as client:
            picture = Layer(4, 2, PixelFormat.RGB, SampleType.U8, secret)
            client.stylize(picture, STYLE, timeout=120)
        assert published(paths).port != port
    assert received, "the stranger was never asked"
    assert secret not in received


@pytest.mark.parametrize("changes", [{"token": "another"}, {"instance_id": "another"}])
def test_the_daemon_of_another_folder_is_not_taken_for_ours(
    paths: DataPaths, tmp_path: Path, changes: dict[str, str]
) -> None:
    other = DataPaths(tmp_path / "other")
    try:
        with Client.connect(other) as client:
            theirs = client.info()
        copied = dataclasses.replace(published(other), **changes)
        write_runtime_file(paths.runtime_file, copied)
        with Client.connect(paths) as client:
            assert client.info().pid != theirs.pid
            assert Path(client.info().data_dir) == paths.root
        with Client.connect(other, start=False) as client:
            assert client.info().instance_id == theirs.instance_id
    finally:
        end_daemons(other)


def test_a_damaged_runtime_file_is_replaced(paths: DataPaths) -> None:
    paths.runtime_file.parent.mkdir(parents=True)
    paths.runtime_file.write_text("{ half of", encoding="utf-8")
    with pytest.raises(DaemonNotRunningError, match="is damaged"):
        Client.connect(paths, start=False)
    with Client.connect(paths) as client:
        assert client.info().instance_id == published(paths).instance_id


def test_several_clients_that_start_at_once_share_one_daemon(paths: DataPaths) -> None:
    together = threading.Barrier(4)

    def connect() -> str:
        together.wait()
        with Client.connect(paths) as client:
            return client.info().instance_id

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        instances = {future.result() for future in [pool.submit(connect) for _ in range(4)]}
    assert instances == {published(paths).instance_id}
    wait_until(lambda: len(daemons(paths)) == 1)


def test_a_second_serve_says_that_one_runs(paths: DataPaths) -> None:
    with Client.connect(paths) as client:
        pid = client.info().pid
        second = subprocess.run(
            [sys.executable, "-m", "pastiche_daemon", "serve"],
            env={**os.environ, "PASTICHE_HOME": str(paths.root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert second.returncode == 3
        assert "already" in second.stderr.lower()
        assert "Traceback" not in second.stderr
        assert client.info().pid == pid


def test_a_daemon_that_cannot_start_is_quoted(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = paths.root / "broken.py"
    program.write_text("import sys\nprint('no module named torch')\nsys.exit(7)\n", "utf-8")
    monkeypatch.setenv("PASTICHE_DAEMON", f'"{sys.executable}" "{program}"')
    with pytest.raises(DaemonStartError) as caught:
        Client.connect(paths)
    assert "exit code 7" in str(caught.value)
    assert "no module named torch" in str(caught.value)
    assert str(paths.log_file) in str(caught.value)


def test_a_daemon_that_never_answers_is_ended(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = paths.root / "silent.py"
    program.write_text("import sys, time\ntime.sleep(600)\n", "utf-8")
    monkeypatch.setenv("PASTICHE_DAEMON", f'"{sys.executable}" "{program}" serve')
    with pytest.raises(DaemonStartError, match="did not answer within 1 seconds"):
        Client.connect(paths, start_timeout=1)
    wait_until(lambda: daemons(paths) == [])


def test_a_command_that_does_not_exist_is_named(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASTICHE_DAEMON", str(paths.root / "missing" / "python"))
    with pytest.raises(DaemonStartError, match=r"cannot be started.*missing"):
        Client.connect(paths)


def test_a_running_daemon_without_its_runtime_file_is_explained(paths: DataPaths) -> None:
    with Client.connect(paths) as client:
        info = published(paths)
        paths.runtime_file.write_text("{", encoding="utf-8")
        with pytest.raises(DaemonStartError) as caught:
            Client.connect(paths, start_timeout=5)
        assert str(paths.runtime_file) in str(caught.value)
        assert [process.pid for process in daemons(paths)] == [info.pid]
        write_runtime_file(paths.runtime_file, info)
        assert client.info().instance_id == info.instance_id


def test_closing_the_client_ends_its_calls(paths: DataPaths) -> None:
    client = Client.connect(paths)
    running = threading.Event()

    def started(event: Event) -> None:
        if isinstance(event, Progress):
            running.set()

    future = client.submit_stylize(layer(1024), SLOW_STYLE, on_event=started)
    assert running.wait(120)
    client.close()
    assert future.cancelled()
    with Client.connect(paths, start=False) as other:
        wait_until(lambda: other.info().running == 0)
