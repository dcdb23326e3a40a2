"""One verified connection to a daemon."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpclib.client import Channel
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from pastiche.v1 import daemon_pb2
from pastiche.v1.daemon_grpc import DaemonServiceStub
from pastiche_client.status import CALL_ERRORS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from pastiche_client.runtime_file import RuntimeInfo

_CONNECT_SECONDS = 5.0
_VERIFY_SECONDS = 10.0
# The standard window of 64 KiB makes a big layer wait for a round trip every 64 KiB.
_WINDOW_BYTES = 64 * 2**20


class StaleRuntimeFileError(Exception):
    """What answers (or does not) is not the daemon that wrote the runtime file."""


@dataclass(frozen=True)
class Connection:
    """A channel to a daemon that has proved that it wrote the runtime file."""

    channel: Channel
    metadata: Mapping[str, str]
    daemon: daemon_pb2.DaemonInfo


@asynccontextmanager
async def open_connection(info: RuntimeInfo, client_id: str) -> AsyncGenerator[Connection]:
    """Connect, and make sure who answers before anything of the user's is sent.

    Every call has a connection of its own: closing it always ends the call at once, even in the
    middle of an upload, and one layer's transfer does not hold up another call.

    Raises:
        StaleRuntimeFileError: nobody, or somebody else, answers.
    """
    channel = Channel(
        info.host,
        info.port,
        config=Configuration(
            http2_connection_window_size=_WINDOW_BYTES, http2_stream_window_size=_WINDOW_BYTES
        ),
    )
    metadata = {"authorization": f"Bearer {info.token}", "x-pastiche-client": client_id}
    try:
        yield Connection(channel, metadata, await _verify(channel, metadata, info))
    finally:
        channel.close()
        await asyncio.sleep(0)  # lets the transport close its socket


async def _verify(
    channel: Channel, metadata: Mapping[str, str], info: RuntimeInfo
) -> daemon_pb2.DaemonInfo:
    where = f"{info.host}:{info.port}"
    try:
        await asyncio.wait_for(channel.__connect__(), _CONNECT_SECONDS)
        daemon = await DaemonServiceStub(channel).GetDaemonInfo(
            daemon_pb2.GetDaemonInfoRequest(), timeout=_VERIFY_SECONDS, metadata=metadata
        )
    except GRPCError as error:
        if error.status is Status.UNAUTHENTICATED:
            raise StaleRuntimeFileError(f"another daemon than before answers on {where}") from error
        raise StaleRuntimeFileError(
            f"what answers on {where} is not a daemon that takes calls ({error.status.name})"
        ) from error
    except asyncio.TimeoutError as error:
        raise StaleRuntimeFileError(
            f"the daemon on {where} (process {info.pid}) does not answer"
        ) from error
    except ConnectionRefusedError as error:
        raise StaleRuntimeFileError(f"nothing listens on {where} any more") from error
    except (*CALL_ERRORS, OSError) as error:
        raise StaleRuntimeFileError(f"what answers on {where} is no daemon") from error
    if daemon.instance_id != info.instance_id:
        raise StaleRuntimeFileError(f"another daemon than before answers on {where}")
    return daemon
