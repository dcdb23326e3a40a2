"""The calls about encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche.v1 import encoders_pb2
from pastiche.v1.encoders_grpc import EncodersServiceStub
from pastiche_client.results import Encoder

if TYPE_CHECKING:
    from pastiche_client.connection import Connection

_PAGE = 100


async def list_encoders(connection: Connection) -> list[Encoder]:
    stub = EncodersServiceStub(connection.channel)
    encoders: list[Encoder] = []
    token = ""
    while True:
        request = encoders_pb2.ListEncodersRequest(page_size=_PAGE, page_token=token)
        answer = await stub.ListEncoders(request, metadata=dict(connection.metadata))
        encoders += map(Encoder.of, answer.encoders)
        token = answer.next_page_token
        if not token:
            return encoders
