"""The calls about style packs."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from google.longrunning import (  # pyright: ignore[reportMissingTypeStubs]
    operations_proto_pb2 as operations_pb2,
)
from grpclib.client import UnaryUnaryMethod

from pastiche.v1 import packs_pb2
from pastiche.v1.packs_grpc import PacksServiceStub
from pastiche_client.errors import InternalError, InvalidRequestError
from pastiche_client.paging import PAGE, pages
from pastiche_client.results import Pack, Style
from pastiche_client.status import error_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from pastiche_client.connection import Connection

_CHUNK_BYTES = 2**20
_PAGE_WITH_PREVIEWS = 10
_WAIT_SECONDS = 10


async def list_packs(connection: Connection) -> list[Pack]:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.ListPacksRequest(page_size=PAGE)
    answers = pages(stub.ListPacks, request, connection.metadata)
    return [Pack.of(pack) async for answer in answers for pack in answer.packs]


async def get_pack(connection: Connection, name: str) -> Pack:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.GetPackRequest(name=name)
    return Pack.of(await stub.GetPack(request, metadata=dict(connection.metadata)))


async def list_versions(connection: Connection, name: str) -> list[Pack]:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.ListPackVersionsRequest(name=name, page_size=PAGE)
    answers = pages(stub.ListPackVersions, request, connection.metadata)
    return [Pack.of(pack) async for answer in answers for pack in answer.packs]


async def pin_pack(connection: Connection, name: str) -> Pack:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.PinPackRequest(name=name)
    return Pack.of(await stub.PinPack(request, metadata=dict(connection.metadata)))


async def unpin_pack(connection: Connection, name: str) -> Pack:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.UnpinPackRequest(name=name)
    return Pack.of(await stub.UnpinPack(request, metadata=dict(connection.metadata)))


async def roll_back_pack(connection: Connection, name: str) -> Pack:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.RollbackPackRequest(name=name)
    return Pack.of(await stub.RollbackPack(request, metadata=dict(connection.metadata)))


async def list_styles(connection: Connection, parent: str, *, with_previews: bool) -> list[Style]:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.ListStylesRequest(
        parent=parent,
        page_size=_PAGE_WITH_PREVIEWS if with_previews else PAGE,
        with_previews=with_previews,
    )
    answers = pages(stub.ListStyles, request, connection.metadata)
    return [Style.of(style) async for answer in answers for style in answer.styles]


async def delete_pack(connection: Connection, name: str) -> None:
    stub = PacksServiceStub(connection.channel)
    request = packs_pb2.DeletePackRequest(name=name)
    await stub.DeletePack(request, metadata=dict(connection.metadata))


async def install_pack(
    connection: Connection,
    file: Path,
    *,
    replace: bool,
    validate_only: bool,
    on_progress: Callable[[float], None],
) -> Pack:
    """Send a pack file and wait until the daemon has verified and installed it.

    With `validate_only`, nothing is installed: the pack is what would be.

    Raises:
        OSError: the file cannot be read.
        what `status.CALL_ERRORS` lists, and the DaemonError of the installation.
    """
    stub = PacksServiceStub(connection.channel)
    metadata = dict(connection.metadata)
    size = file.stat().st_size
    if size == 0:
        raise InvalidRequestError(f"{file} is empty; it is no style pack.")
    header = packs_pb2.InstallPackHeader(
        request_id=secrets.token_hex(8),
        size_bytes=size,
        replace=replace,
        validate_only=validate_only,
    )
    with file.open("rb") as content:
        async with stub.InstallPack.open(metadata=metadata) as stream:
            await stream.send_message(packs_pb2.InstallPackRequest(header=header))
            sent = 0
            while piece := content.read(_CHUNK_BYTES):
                await stream.send_message(packs_pb2.InstallPackRequest(data=piece))
                sent += len(piece)
                on_progress(min(1.0, sent / size))
            await stream.end()
            operation = await stream.recv_message()
    if operation is None:
        raise InternalError("The daemon did not say whether it installs the pack.")
    return await _installed(connection, operation)


async def _installed(connection: Connection, operation: operations_pb2.Operation) -> Pack:
    wait = UnaryUnaryMethod(
        connection.channel,
        "/google.longrunning.Operations/WaitOperation",
        operations_pb2.WaitOperationRequest,
        operations_pb2.Operation,
    )
    while not operation.done:
        request = operations_pb2.WaitOperationRequest(name=operation.name)
        request.timeout.FromSeconds(_WAIT_SECONDS)
        operation = await wait(request, metadata=dict(connection.metadata))
    if operation.HasField("error"):
        raise error_of_status(operation.error)
    pack = packs_pb2.Pack()
    if not operation.response.Unpack(pack):
        raise InternalError("The daemon did not say which pack it installed.")
    return Pack.of(pack)


async def export_pack(connection: Connection, name: str, file: Path, *, replace: bool) -> None:
    """Write a pack to a file, whole or not at all.

    Raises:
        FileExistsError: the file exists, and `replace` is false.
        OSError: it cannot be written; nothing is left behind.
        what `status.CALL_ERRORS` lists.
    """
    if file.exists() and not replace:
        raise FileExistsError(f"{file} exists already")
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as output:
            async for piece in _exported(connection, name):
                output.write(piece)
        temporary.replace(file)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


async def _exported(connection: Connection, name: str) -> AsyncIterator[bytes]:
    stub = PacksServiceStub(connection.channel)
    async with stub.ExportPack.open(metadata=dict(connection.metadata)) as stream:
        await stream.send_message(packs_pb2.ExportPackRequest(name=name), end=True)
        async for answer in stream:
            yield answer.data
