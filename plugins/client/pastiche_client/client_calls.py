"""How a client calls the daemon, whatever it asks for."""

from __future__ import annotations

import concurrent.futures
import secrets
from typing import TYPE_CHECKING, TypeVar

from pastiche_client.errors import CallCancelledError
from pastiche_client.io_thread import IoThread
from pastiche_client.launcher import daemon_connection
from pastiche_client.paths import DataPaths, data_paths
from pastiche_client.status import CALL_ERRORS, daemon_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pastiche_client.cancel import CancelToken
    from pastiche_client.connection import Connection

T = TypeVar("T")

START_SECONDS = 60.0


class ClientCalls:
    """What the parts of a `Client` have in common."""

    def __init__(
        self,
        paths: DataPaths | None = None,
        *,
        start: bool = True,
        start_timeout: float = START_SECONDS,
        client_id: str = "",
    ) -> None:
        """A client that has not called yet; see `Client.connect`."""
        self._paths = paths or data_paths()
        self._start = start
        self._start_timeout = start_timeout
        self._client_id = client_id or secrets.token_hex(8)
        self._io = IoThread("pastiche-client")

    @property
    def paths(self) -> DataPaths:
        return self._paths

    def close(self) -> None:
        """Cancel what still runs. The daemon stays."""
        self._io.close()

    def _submit(self, call: Callable[[Connection], Awaitable[T]]) -> concurrent.futures.Future[T]:
        async def run() -> T:
            async with daemon_connection(
                self._paths, self._client_id, start=self._start, start_timeout=self._start_timeout
            ) as connection:
                try:
                    return await call(connection)
                except CALL_ERRORS as error:
                    raise daemon_error(error, self._paths.log_file) from error

        return self._io.submit(run())

    def _wait(self, future: concurrent.futures.Future[T], cancel: CancelToken | None) -> T:
        try:
            if cancel is None:
                return self._io.wait(future)
            with cancel.calling(future.cancel):
                return self._io.wait(future)
        except concurrent.futures.CancelledError:
            raise CallCancelledError("The call was cancelled.", reason="CANCELLED") from None

    def _call(self, call: Callable[[Connection], Awaitable[T]]) -> T:
        return self._io.wait(self._submit(call))
