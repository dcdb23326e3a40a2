"""The daemon as a process: one for a data folder, from its lock to its last breath."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import grpc
from google.longrunning import operations_pb2_grpc, operations_proto_pb2
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pastiche.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    dream_pb2,
    dream_pb2_grpc,
    encoders_pb2,
    encoders_pb2_grpc,
    optimization_pb2,
    optimization_pb2_grpc,
    packs_pb2,
    packs_pb2_grpc,
    stylization_pb2,
    stylization_pb2_grpc,
    training_pb2,
    training_pb2_grpc,
    upscaling_pb2,
    upscaling_pb2_grpc,
)
from pastiche_client.paths import DataPaths
from pastiche_client.runtime_file import RuntimeInfo, remove_runtime_file, write_runtime_file
from pastiche_daemon import __version__
from pastiche_daemon.auth import TokenInterceptor, check_exposure, new_token
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue
from pastiche_daemon.learn_store import TrainingStore
from pastiche_daemon.logs import logging_to
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.nn.runtime_switches import DeviceChoice, PrecisionChoice
from pastiche_daemon.packs.archive import PackLimits
from pastiche_daemon.packs.policy import PolicySource
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.services.activity import ActivityInterceptor
from pastiche_daemon.services.daemon import DaemonService
from pastiche_daemon.services.dream import DreamService
from pastiche_daemon.services.encoders import EncodersService
from pastiche_daemon.services.operation_registry import OperationRegistry
from pastiche_daemon.services.operations import OperationsService
from pastiche_daemon.services.optimization import OptimizationService
from pastiche_daemon.services.packs import PacksService
from pastiche_daemon.services.stylization import StylizationService
from pastiche_daemon.services.training import TrainingService
from pastiche_daemon.services.upscaling import UpscalingService
from pastiche_daemon.settings import memory_settings, runtime_settings
from pastiche_daemon.spool import Spool
from pastiche_daemon.wire import CHUNK_BYTES, LayerLimits

_log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_OPERATIONS = operations_proto_pb2.DESCRIPTOR.services_by_name["Operations"]
_SERVICES = (
    *stylization_pb2.DESCRIPTOR.services_by_name.values(),
    *optimization_pb2.DESCRIPTOR.services_by_name.values(),
    *dream_pb2.DESCRIPTOR.services_by_name.values(),
    *upscaling_pb2.DESCRIPTOR.services_by_name.values(),
    *encoders_pb2.DESCRIPTOR.services_by_name.values(),
    *training_pb2.DESCRIPTOR.services_by_name.values(),
    *packs_pb2.DESCRIPTOR.services_by_name.values(),
    *daemon_pb2.DESCRIPTOR.services_by_name.values(),
    _OPERATIONS,
)
# How long calls may take to hear that they were cancelled, and work to stop.
_GRACE_SECONDS = 2.0
# How long the last status takes to be on its way after its call has ended.
_FLUSH_SECONDS = 0.05
_STOP_SECONDS = 8.0
_SERVER_OPTIONS = (
    # Otherwise a second server could listen on the same port.
    ("grpc.so_reuseport", 0),
    # Notices clients on other computers that vanished without a word.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)


class AlreadyRunningError(Exception):
    """Another daemon holds this data folder."""


@dataclass(frozen=True)
class ServeOptions:
    """How to run the daemon.

    Attributes:
        paths: the data folder. One daemon runs for it.
        host: where to listen. Other computers can reach addresses that are not loopback, so that
            these need TLS and a token of your own; programs on this computer then still use a
            loopback port without TLS.
        port: 0 for any free one.
        idle_exit_seconds: how long to wait for a call before leaving; 0 to stay.
        token: what every call has to carry; a random one if None.
        tls_certificate: PEM file with the certificate's chain.
        tls_key: PEM file with its key.
        max_queued: calls that may wait for the device.
        max_queued_per_client: of them, those of one client.
        threads: threads of one operation on the CPU; None for torch's choice.
        device: what networks run on; None for what the environment or the settings say.
        precision: how finely they compute; as `device`.
        memory: bytes that one layer may take where it can do with less than it would like; None
            for what the environment or the settings say, or else the least of 2 GiB and a quarter
            of what is free.
        spool_folder: where what does not fit is kept meanwhile; None for what the environment or
            the settings say, or else the data folder.
        packs_folders: shared folders of packs, beside those of environment and settings.
        trusted_packs_only: whether only packs that a trusted key has signed may be used; the
            environment and the settings can say so, too.
    """

    paths: DataPaths
    host: str = _LOOPBACK
    port: int = 0
    idle_exit_seconds: float = 900.0
    token: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_queued: int = 32
    max_queued_per_client: int = 8
    threads: int | None = None
    device: DeviceChoice | None = None
    precision: PrecisionChoice | None = None
    memory: int | None = None
    spool_folder: Path | None = None
    packs_folders: tuple[Path, ...] = ()
    trusted_packs_only: bool = False


def serve(options: ServeOptions) -> None:
    """Run the daemon until it is told to stop, gets SIGTERM or SIGINT, or is idle for too long.

    Raises:
        AlreadyRunningError: a daemon runs for this data folder.
        ValueError: the address is not safe with these options.
        OSError: the data folder cannot be written, or the port is taken.
    """
    check_exposure(options.host, options.token, options.tls_certificate, options.tls_key)
    with _only_one(options.paths), logging_to(options.paths.log_file):
        ended = asyncio.run(_Daemon(options).run())
        _log.info("the daemon has ended")
        if not ended:
            # The device's thread is deep in one operation, which may take minutes and cannot be
            # interrupted. It holds nothing that would have to be written.
            logging.shutdown()
            os._exit(0)


@contextlib.contextmanager
def _only_one(paths: DataPaths) -> Iterator[None]:
    paths.lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with filelock.FileLock(paths.lock_file).acquire(blocking=False):
            yield
    except filelock.Timeout as error:
        raise AlreadyRunningError(
            f"A Pastiche daemon runs already for {paths.root}; see `pastiche status`."
        ) from error


class _Daemon:
    """Puts the parts together and takes them apart again."""

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._paths = options.paths
        self._instance_id = secrets.token_hex(16)
        self._token = options.token or new_token()
        self._engine = Engine(
            options.threads,
            runtime_settings(self._paths.settings_file, options.device, options.precision),
        )
        self._queue = DeviceQueue(
            max_waiting=options.max_queued,
            max_waiting_per_client=options.max_queued_per_client,
            initialize=self._engine.prepare,
            when_idle=self._engine.release_unused,
        )
        self._operations = OperationRegistry()
        self._activity = ActivityInterceptor()
        self._health = health.aio.HealthServicer()  # pyright: ignore[reportAttributeAccessIssue]

    async def run(self) -> bool:
        """Serve. Returns whether the device's thread ended in time."""
        self._stopping = asyncio.Event()
        server = grpc.aio.server(
            interceptors=(self._activity, TokenInterceptor(self._token)), options=_SERVER_OPTIONS
        )
        self._add_services(server)
        host, port = self._listen(server)
        with self._signals():
            await server.start()
            self._queue.start()
            await self._training.resume_all()
            info = RuntimeInfo(
                host=host,
                port=port,
                pid=os.getpid(),
                token=self._token,
                instance_id=self._instance_id,
                version=__version__,
            )
            try:
                await asyncio.to_thread(write_runtime_file, self._paths.runtime_file, info)
                _log.info("Pastiche %s listens on %s:%d", __version__, host, port)
                await self._wait()
            finally:
                ended = await self._shut_down(server)
                remove_runtime_file(self._paths.runtime_file, self._instance_id)
        return ended

    def _add_services(self, server: grpc.aio.Server) -> None:
        limits, pack_limits = LayerLimits(), PackLimits()
        policy = PolicySource(
            self._paths.settings_file,
            self._options.packs_folders,
            trusted_only=self._options.trusted_packs_only,
        )
        store = PackStore.of(self._paths, policy, limits=pack_limits)
        options = self._options
        settings = memory_settings(self._paths.settings_file, options.memory, options.spool_folder)
        if settings.problem:
            _log.warning("%s", settings.problem)
        spool = Spool(settings.spool_folder or self._paths.root / "spool")
        budget = MemoryBudget(limit=settings.memory, spool=spool)
        stylization_pb2_grpc.add_StylizationServiceServicer_to_server(
            StylizationService(store, self._engine, self._queue, budget, limits), server
        )
        encoders = EncoderStore.of(self._paths)
        optimization_pb2_grpc.add_OptimizationServiceServicer_to_server(
            OptimizationService(store, encoders, self._engine, self._queue, budget, limits), server
        )
        dream_pb2_grpc.add_DreamServiceServicer_to_server(
            DreamService(encoders, self._engine, self._queue, budget, limits), server
        )
        upscaling_pb2_grpc.add_UpscalingServiceServicer_to_server(
            UpscalingService(store, self._engine, self._queue, budget, limits), server
        )
        encoders_pb2_grpc.add_EncodersServiceServicer_to_server(EncodersService(encoders), server)
        trainings = TrainingStore(self._paths.root / "trainings")
        self._training = TrainingService(
            self._engine, store, trainings, encoders, self._queue, budget, self._operations, limits
        )
        training_pb2_grpc.add_TrainingServiceServicer_to_server(self._training, server)
        packs_pb2_grpc.add_PacksServiceServicer_to_server(
            PacksService(store, self._operations, pack_limits.file_size), server
        )
        daemon_pb2_grpc.add_DaemonServiceServicer_to_server(
            DaemonService(
                instance_id=self._instance_id,
                start_time=time.time(),
                limits=daemon_pb2.Limits(
                    max_side=limits.max_side,
                    max_pixels=limits.max_pixels,
                    max_chunk_bytes=CHUNK_BYTES,
                    max_queued=self._options.max_queued,
                    max_pack_bytes=pack_limits.file_size,
                ),
                engine=self._engine,
                queue=self._queue,
                data_dir=str(self._paths.root),
                log_path=str(self._paths.log_file),
                idle_exit_seconds=self._options.idle_exit_seconds,
                stop=self._stop,
            ),
            server,
        )
        operations_pb2_grpc.add_OperationsServicer_to_server(
            OperationsService(self._operations), server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = [service.full_name for service in _SERVICES]
        reflection.enable_server_reflection(
            (*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )

    def _listen(self, server: grpc.aio.Server) -> tuple[str, int]:
        """Open the ports. Returns where programs on this computer find the daemon."""
        options = self._options
        if options.tls_certificate is None or options.tls_key is None:
            return options.host, _open_port(server, options.host, options.port, None)
        credentials = grpc.ssl_server_credentials(
            [(options.tls_key.read_bytes(), options.tls_certificate.read_bytes())]
        )
        port = _open_port(server, options.host, options.port, credentials)
        _log.info("other computers reach the daemon on %s:%d with TLS", options.host, port)
        return _LOOPBACK, _open_port(server, _LOOPBACK, 0, None)

    async def _wait(self) -> None:
        """Until there is a reason to stop."""
        limit = self._options.idle_exit_seconds
        while True:
            rest = limit - self._activity.idle_seconds if limit else None
            if rest is not None and rest <= 0:
                _log.info("nobody called for %.0f seconds", limit)
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), rest)
                _log.info("told to stop")
                return
            if any(self._queue.counts()) or self._operations.running:
                self._activity.touch()

    async def _shut_down(self, server: grpc.aio.Server) -> bool:
        await self._health.enter_graceful_shutdown()
        # Accepts no more work and cancels what there is, before the connections hear of it: a
        # client may take their end for the daemon's death.
        closing = asyncio.create_task(asyncio.to_thread(self._queue.close, _STOP_SECONDS))
        await self._operations.close(_STOP_SECONDS)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._activity.running and time.monotonic() < deadline:
            await asyncio.sleep(_FLUSH_SECONDS)
        await asyncio.sleep(_FLUSH_SECONDS)
        await server.stop(_GRACE_SECONDS)
        return await closing

    def _stop(self) -> None:
        self._stopping.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the daemon while the block runs."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        if sys.platform != "win32":
            for number in numbers:
                loop.add_signal_handler(number, self._stop)
            try:
                yield
            finally:
                for number in numbers:
                    loop.remove_signal_handler(number)
            return
        before = [
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop))
            for number in numbers
        ]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _open_port(
    server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None
) -> int:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}; is the port taken?") from error
