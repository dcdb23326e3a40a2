"""One UpscaleImage call: the layer goes up, a larger one comes down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import upscaling_pb2
from pastiche.v1.upscaling_grpc import UpscalingServiceStub
from pastiche_client.exchange import exchange
from pastiche_client.pictures import layer_chunks, layer_header
from pastiche_client.receiving import receive
from pastiche_client.results import UpscaleProgress, UpscaleResult, UpscaleSummary

if TYPE_CHECKING:
    from collections.abc import Callable

    from grpclib.client import Stream

    from pastiche_client.connection import Connection
    from pastiche_client.layer import Layer
    from pastiche_client.results import UpscaleEvent

    _Stream = Stream[upscaling_pb2.UpscaleImageRequest, upscaling_pb2.UpscaleImageResponse]


@dataclass(frozen=True)
class UpscaleRequest:
    """Everything that the daemon needs. The daemon checks the values and names what is wrong.

    Attributes:
        layer: what to make larger; its mask must be None.
        factor: how many times as wide and high, 0 for the pack's own.
        pack: `packs/{pack}`; empty for the pack of the factor.
        match_histogram: give the result's colours the distribution of the layer's.
        request_id: names the call in logs and errors, at most 128 characters; may be empty.
    """

    layer: Layer
    factor: int = 0
    pack: str = ""
    match_histogram: bool = False
    request_id: str = ""

    def header(self) -> upscaling_pb2.UpscaleImageRequest:
        return upscaling_pb2.UpscaleImageRequest(
            header=upscaling_pb2.UpscaleImageHeader(
                request_id=self.request_id,
                layer=layer_header(self.layer),
                pack=self.pack,
                factor=self.factor,
                match_histogram=self.match_histogram,
            )
        )


async def upscale(
    connection: Connection,
    request: UpscaleRequest,
    on_event: Callable[[UpscaleEvent], None],
    timeout: float | None,
) -> UpscaleResult:
    """Run the call. What `on_event` raises ends it.

    Raises:
        what `status.CALL_ERRORS` lists, and InternalError for an answer that makes no sense.
    """
    header = request.header()
    method = UpscalingServiceStub(connection.channel).UpscaleImage
    async with method.open(timeout=timeout, metadata=dict(connection.metadata)) as stream:
        await stream.send_message(header)
        layer, summary = await exchange(
            _send(stream, request.layer),
            receive(
                stream,
                request.layer,
                on_event,
                progress=UpscaleProgress.of,
                summary=UpscaleSummary.of,
                times=lambda summary: summary.factor,
            ),
        )
    return UpscaleResult(layer, summary, connection.daemon.version)


async def _send(stream: _Stream, layer: Layer) -> None:
    for chunk in layer_chunks(layer):
        await stream.send_message(upscaling_pb2.UpscaleImageRequest(chunk=chunk))
    await stream.end()
