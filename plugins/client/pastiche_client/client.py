"""The client: plain functions over a running daemon, usable from any thread.

An editor's plug-in imports it for every use, and mostly to stylize: what takes time to import and
is not needed for that is imported when it is called.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from grpclib.client import UnaryUnaryMethod

from pastiche.v1 import daemon_pb2
from pastiche.v1.daemon_grpc import DaemonServiceStub
from pastiche_client.client_calls import START_SECONDS
from pastiche_client.client_layers import LayerCalls
from pastiche_client.client_packs import PackCalls
from pastiche_client.client_trainings import TrainingCalls
from pastiche_client.errors import DaemonLostError, DeadlineExceededError
from pastiche_client.launcher import daemon_connection
from pastiche_client.results import DaemonInfo
from pastiche_client.runtime_file import RuntimeFileError, read_runtime_file
from pastiche_client.status import CALL_ERRORS, daemon_error

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from pastiche_client.connection import Connection
    from pastiche_client.paths import DataPaths

_STOP_SECONDS = 15.0
_SERVING = 1


class Client(LayerCalls, TrainingCalls, PackCalls):
    """Talks to the daemon of one data folder; starts it when a call needs it.

    A client holds no connection between calls, so it never goes stale: a daemon that ended in the
    meantime is simply started again. Close it, or use it as a context manager.

    Every call raises a `DaemonError`; one whose daemon ends in the middle a `DaemonLostError`, at
    once. A call must not be made from an event callback of the same client.
    """

    @classmethod
    def connect(
        cls,
        paths: DataPaths | None = None,
        start: bool = True,
        *,
        start_timeout: float = START_SECONDS,
        client_id: str = "",
    ) -> Client:
        """A client whose daemon is known to run.

        Args:
            paths: the data folder; the user's own by default.
            start: start a daemon now, and later, where none runs.
            start_timeout: seconds that a start may take.
            client_id: calls of different ids share the device fairly; random by default.

        Raises:
            DaemonNotRunningError: none runs, and `start` is false.
            DaemonStartError: it could not be started.
        """
        client = cls(paths, start=start, start_timeout=start_timeout, client_id=client_id)
        try:
            client.info()
        except BaseException:
            client.close()
            raise
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def info(self) -> DaemonInfo:
        return self._call(_info)

    def health(self) -> bool:
        """Whether the daemon's health service says that it serves."""
        return self._call(_health)

    def stop_daemon(self) -> None:
        """Stop the running daemon and wait until it is gone.

        Raises:
            DaemonNotRunningError: none runs.
            DeadlineExceededError: it did not end; its log says why.
        """
        self._io.wait(self._io.submit(self._stop_daemon()))

    async def _stop_daemon(self) -> None:
        async with daemon_connection(
            self._paths, self._client_id, start=False, start_timeout=0
        ) as connection:
            instance = connection.daemon.instance_id
            try:
                await DaemonServiceStub(connection.channel).StopDaemon(
                    daemon_pb2.StopDaemonRequest(),
                    timeout=_STOP_SECONDS,
                    metadata=dict(connection.metadata),
                )
            except CALL_ERRORS as error:
                failure = daemon_error(error, self._paths.log_file)
                if not isinstance(failure, DaemonLostError):  # it ended before it answered
                    raise failure from error
        deadline = time.monotonic() + _STOP_SECONDS
        while self._is_published(instance):
            if time.monotonic() >= deadline:
                raise DeadlineExceededError(
                    f"The daemon has not ended after {_STOP_SECONDS:.0f} seconds; "
                    f"its log is {self._paths.log_file}"
                )
            await asyncio.sleep(0.05)

    def _is_published(self, instance_id: str) -> bool:
        try:
            info = read_runtime_file(self._paths.runtime_file)
        except RuntimeFileError:
            return False
        return info is not None and info.instance_id == instance_id


async def _info(connection: Connection) -> DaemonInfo:
    return DaemonInfo.of(connection.daemon)


async def _health(connection: Connection) -> bool:
    # These have the wire format of the health service's own messages, which other packages
    # register too: two registrations in one process would clash.
    check = UnaryUnaryMethod(
        connection.channel, "/grpc.health.v1.Health/Check", StringValue, Int32Value
    )
    return (await check(StringValue())).value == _SERVING
