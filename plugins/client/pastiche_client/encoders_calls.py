"""The calls about encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche.v1 import encoders_pb2
from pastiche.v1.encoders_grpc import EncodersServiceStub
from pastiche_client.paging import PAGE, pages
from pastiche_client.results import Encoder

if TYPE_CHECKING:
    from pastiche_client.connection import Connection


async def list_encoders(connection: Connection) -> list[Encoder]:
    stub = EncodersServiceStub(connection.channel)
    request = encoders_pb2.ListEncodersRequest(page_size=PAGE)
    answers = pages(stub.ListEncoders, request, connection.metadata)
    return [Encoder.of(encoder) async for answer in answers for encoder in answer.encoders]
