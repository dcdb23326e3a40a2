"""One daemon for a data folder: how it starts, how it ends, and what it leaves."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pastiche.v1 import daemon_pb2, daemon_pb2_grpc
from pastiche_client.client import Client
from pastiche_client.errors import DaemonLostError, DaemonNotRunningError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_client.results import Progress, Queued
from pastiche_client.runtime_file import read_runtime_file, write_runtime_file
from tests.contract.drivers import DRIVERS, Driver, GrpcioDriver, Refused
from tests.support.daemon_process import (
    WAIT_SECONDS,
    DaemonProcess,
    running_daemon,
    start_process,
    wait_until,
)

SMALL = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))
LARGE = Layer(1000, 1000, PixelFormat.GREY, SampleType.U8, bytes(1000) * 1000)

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and permissions")


@pytest.fixture
def own(own_home: Path) -> Iterator[DaemonProcess]:
    """A daemon of the test's own."""
    with running_daemon(own_home) as running:
        yield running


@pytest.fixture(params=list(DRIVERS))
def own_driver(request: pytest.FixtureRequest, own: DaemonProcess) -> Iterator[Driver]:
    driver = DRIVERS[request.param](own)
    yield driver
    driver.close()


def info(daemon: DaemonProcess, token: str | None = None) -> daemon_pb2.DaemonInfo:
    with grpc.insecure_channel(daemon.address) as channel:
        return daemon_pb2_grpc.DaemonServiceStub(channel).GetDaemonInfo(
            daemon_pb2.GetDaemonInfoRequest(),
            metadata=(("authorization", f"Bearer {token or daemon.info.token}"),),
            timeout=WAIT_SECONDS,
        )


def left_behind(paths: DataPaths) -> list[str]:
    """What is in the run folder beside the lock."""
    return [path.name for path in paths.runtime_file.parent.iterdir() if path != paths.lock_file]


def test_the_daemon_tells_about_itself(daemon: DaemonProcess) -> None:
    answer = info(daemon)
    assert answer.pid == daemon.process.pid
    assert answer.instance_id == daemon.info.instance_id
    assert answer.version == daemon.info.version
    assert answer.data_dir == str(daemon.paths.root)
    assert answer.log_path == str(daemon.paths.log_file)
    assert answer.python_version == sys.version.split()[0]
    assert answer.limits.max_side == 65535
    assert answer.limits.max_pixels == 2**28
    assert answer.limits.max_chunk_bytes == 2**20
    assert answer.limits.max_queued == 4
    assert abs(answer.start_time.ToSeconds() - time.time()) < 24 * 3600
    wait_until(
        lambda: info(daemon).device == "cpu (float32, 1 threads)" or bool(info(daemon).device)
    )
    assert info(daemon).device.startswith("cpu (")
    assert info(daemon).torch_version


def test_health_needs_no_token_and_reflection_does(daemon: DaemonProcess) -> None:
    with grpc.insecure_channel(daemon.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING

        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        metadata = (("authorization", f"Bearer {daemon.info.token}"),)
        (listed,) = reflection.ServerReflectionInfo(iter([ask]), metadata=metadata)
        names = {service.name for service in listed.list_services_response.service}
        assert names >= {
            "pastiche.v1.StylizationService",
            "pastiche.v1.PacksService",
            "pastiche.v1.DaemonService",
            "google.longrunning.Operations",
            "grpc.health.v1.Health",
        }
        with pytest.raises(grpc.RpcError, match="has no token"):
            list(reflection.ServerReflectionInfo(iter([ask])))


def test_an_unknown_method_is_unimplemented(daemon: DaemonProcess) -> None:
    with grpc.insecure_channel(daemon.address) as channel:
        call: Any = channel.unary_unary("/pastiche.v1.DaemonService/Unknown")
        metadata = (("authorization", f"Bearer {daemon.info.token}"),)
        with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            call(b"", metadata=metadata, timeout=WAIT_SECONDS)


@posix
def test_only_its_user_can_read_the_token(daemon: DaemonProcess) -> None:
    for path, mode in ((daemon.paths.runtime_file, 0o600), (daemon.paths.log_file, 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(daemon.paths.runtime_file.parent.stat().st_mode) == 0o700
    assert len(daemon.info.token) >= 32


def test_the_log_has_no_token(daemon: DaemonProcess) -> None:
    driver = GrpcioDriver(daemon)
    driver.stylize(SMALL, "tiny/one")
    driver.close()
    assert "listens on" in daemon.log
    assert daemon.info.token not in daemon.log


def test_it_listens_on_loopback_only(daemon: DaemonProcess) -> None:
    assert daemon.info.host == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError):  # noqa: PT011 - differs by system
        other.bind(("127.0.0.1", daemon.info.port))


def test_a_second_daemon_ends_with_code_3(daemon: DaemonProcess) -> None:
    second = start_process(daemon.paths)
    output, _ = second.communicate(timeout=WAIT_SECONDS)
    assert second.returncode == 3
    assert str(daemon.paths.root) in output.decode()
    assert read_runtime_file(daemon.paths.runtime_file) == daemon.info
    assert info(daemon).pid == daemon.process.pid


def test_one_of_two_that_start_at_once_stays(own_home: Path) -> None:
    paths = DataPaths(own_home)
    both = [start_process(paths) for _ in range(2)]
    try:
        wait_until(lambda: any(p.poll() is not None for p in both), "that one gives up")
        (loser,) = (p for p in both if p.poll() is not None)
        (winner,) = (p for p in both if p is not loser)
        assert loser.returncode == 3
        wait_until(lambda: read_runtime_file(paths.runtime_file) is not None, "the other's start")
        published = read_runtime_file(paths.runtime_file)
        assert published is not None
        assert published.pid == winner.pid
    finally:
        for process in both:
            process.kill()
            process.communicate(timeout=WAIT_SECONDS)


@pytest.mark.parametrize("content", ["stale", "damaged"])
def test_a_stale_runtime_file_is_overwritten(
    own_home: Path, daemon: DaemonProcess, content: str
) -> None:
    paths = DataPaths(own_home)
    stale = replace(daemon.info, pid=2**22 - 3, port=1, token="old" * 10, instance_id="gone")
    write_runtime_file(paths.runtime_file, stale)
    if content == "damaged":
        paths.runtime_file.write_text("{")
    with running_daemon(own_home) as own:
        assert own.info.instance_id != "gone"
        assert info(own).instance_id == own.info.instance_id


def test_stopping_ends_the_daemon_and_what_it_does(own_driver: Driver) -> None:
    call = own_driver.start(LARGE, "slow/slow")
    call.working()
    waiting = own_driver.start(SMALL, "tiny/one")
    waiting.next_event(Queued)
    own_driver.stop_daemon()
    for cancelled in (call, waiting):
        with pytest.raises(Refused) as refused:
            cancelled.result()
        assert (refused.value.code, refused.value.reason) == ("CANCELLED", "DAEMON_STOPPING")
    assert own_driver.daemon.wait() == 0
    assert left_behind(own_driver.daemon.paths) == []
    assert "Traceback" not in own_driver.daemon.log


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_daemon(own: DaemonProcess, number: signal.Signals) -> None:
    driver = GrpcioDriver(own)
    call = driver.start(LARGE, "slow/slow")
    call.working()
    own.process.send_signal(number)
    with pytest.raises(Refused) as refused:
        call.result()
    assert refused.value.reason == "DAEMON_STOPPING"
    assert own.wait() == 0
    assert left_behind(own.paths) == []
    assert "Traceback" not in own.log
    driver.close()


def test_a_daemon_that_nobody_calls_ends(own_home: Path) -> None:
    with running_daemon(own_home, arguments=["--idle-exit", "0.5"]) as own:
        assert own.wait() == 0
        assert left_behind(own.paths) == []
        assert "nobody called" in own.log


def test_work_is_not_idleness(own_home: Path) -> None:
    with running_daemon(own_home, arguments=["--idle-exit", "0.5"]) as own:
        driver = GrpcioDriver(own)
        half = Layer(500, 500, PixelFormat.GREY, SampleType.U8, bytes(500) * 500)
        answer = driver.stylize(half, "slow/slow")
        assert answer.summary.compute_seconds > 0
        driver.close()
        assert own.wait() == 0


def test_a_killed_daemon_is_noticed_at_once_and_a_new_one_starts(own: DaemonProcess) -> None:
    with Client(own.paths, start=False) as client:

        def kill_when_it_works(event: object) -> None:
            if isinstance(event, Progress) and event.fraction > 0.05:
                own.process.kill()

        with pytest.raises(DaemonLostError, match="log is") as lost:
            client.stylize(LARGE, "slow/slow", on_event=kill_when_it_works)
        assert str(own.paths.log_file) in str(lost.value)
        own.process.wait(WAIT_SECONDS)
        assert own.paths.runtime_file.exists()  # nobody was left to remove it
        with pytest.raises(DaemonNotRunningError):
            client.info()
        with running_daemon(own.paths.root) as again:
            assert client.stylize(SMALL, "tiny/one").layer.data != SMALL.data
            assert again.info.instance_id != own.info.instance_id


def test_a_killed_daemon_is_noticed_by_grpcio(own: DaemonProcess) -> None:
    driver = GrpcioDriver(own)
    call = driver.start(LARGE, "slow/slow")
    call.working()
    own.process.kill()
    with pytest.raises(Refused) as refused:
        call.result()
    assert refused.value.code == "UNAVAILABLE"
    driver.close()


def test_the_token_may_be_chosen(own_home: Path) -> None:
    chosen = "a-token-of-my-own"
    with running_daemon(own_home, environ={"PASTICHE_TOKEN": chosen}) as own:
        assert own.info.token == chosen
        assert info(own, chosen).pid == own.process.pid


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["--host", "0.0.0.0"], {}, "TLS certificate"),
        (["--host", "192.0.2.1"], {"PASTICHE_TOKEN": "x" * 32}, "TLS certificate"),
        ([], {"PASTICHE_TOKEN": "short"}, "at least 16 characters"),
        (["--host", "::ffff:0:0"], {"PASTICHE_TOKEN": "x" * 32}, "TLS certificate"),
    ],
)
def test_it_does_not_listen_where_that_is_not_safe(
    own_home: Path, arguments: list[str], environ: dict[str, str], message: str
) -> None:
    process = start_process(DataPaths(own_home), *arguments, environ=environ)
    output, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert message in output.decode()
    assert not DataPaths(own_home).runtime_file.exists()


def test_a_taken_port_is_named(own_home: Path, daemon: DaemonProcess) -> None:
    port = str(daemon.info.port)
    process = start_process(DataPaths(own_home), "--port", port)
    output, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in output.decode()
    assert left_behind(DataPaths(own_home)) == []


def test_other_addresses_are_served_with_tls(own_home: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    try:
        subprocess.run(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
            f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}".split(),
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--host", "0.0.0.0", "--port", str(port)]
    arguments += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    token = "t" * 32
    with running_daemon(own_home, arguments=arguments, environ={"PASTICHE_TOKEN": token}) as own:
        assert own.info.host == "127.0.0.1"  # for programs on this computer, without TLS
        assert own.info.port != port
        assert info(own).pid == own.process.pid
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            stub = daemon_pb2_grpc.DaemonServiceStub(channel)
            request = daemon_pb2.GetDaemonInfoRequest()
            answer = stub.GetDaemonInfo(request, metadata=(("authorization", f"Bearer {token}"),))
            assert answer.pid == own.process.pid
            with pytest.raises(grpc.RpcError, match="has no token"):
                stub.GetDaemonInfo(request)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    process = start_process(DataPaths(home))
    output, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert str(home) in output.decode()
