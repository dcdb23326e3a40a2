"""One OptimizeImage call: pictures go up, and a stop when it is wanted; events come down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2, optimization_pb2
from pastiche.v1.optimization_grpc import OptimizationServiceStub
from pastiche_client.exchange import exchange
from pastiche_client.layer import Layer
from pastiche_client.optimize_header import optimize_header
from pastiche_client.pictures import layer_chunks, plane_chunks
from pastiche_client.receiving import receive, send_with_stop
from pastiche_client.results import (
    OptimizeEvent,
    OptimizeProgress,
    OptimizeResult,
    OptimizeSummary,
)

if TYPE_CHECKING:
    from pastiche_client.cancel import StopToken
    from pastiche_client.connection import Connection
    from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture

Request = optimization_pb2.OptimizeImageRequest


@dataclass(frozen=True)
class OptimizeRequest:
    """Everything that the daemon needs.

    Attributes:
        target: the content, or what the answer is to be where there is none.
        styles: may be empty where the weight of style is 0.
        request_id: names the call in logs and errors, at most 128 characters; may be empty.

    Raises:
        ValueError: a region has not a byte for each of the target's pixels, or a name of the
            options is none.
    """

    target: Layer | Texture
    styles: Sequence[StyleLayer]
    options: OptimizeOptions
    request_id: str = ""

    def __post_init__(self) -> None:
        pixels = self.target.width * self.target.height
        for index, style in enumerate(self.styles):
            if style.region is not None and len(memoryview(style.region).cast("B")) != pixels:
                raise ValueError(
                    f"styles[{index}].region must have the {pixels} bytes of the content's pixels, "
                    f"not {len(memoryview(style.region).cast('B'))}"
                )
        self.header()

    def header(self) -> Request:
        return Request(
            header=optimize_header(self.target, self.styles, self.options, self.request_id)
        )


async def optimize(
    connection: Connection,
    request: OptimizeRequest,
    on_event: Callable[[OptimizeEvent], None],
    timeout: float | None,
    stop: StopToken | None,
) -> OptimizeResult:
    """Run the call. What `on_event` raises ends it.

    Raises:
        what `status.CALL_ERRORS` lists, and InternalError for an answer that makes no sense.
    """
    header = request.header()
    method = OptimizationServiceStub(connection.channel).OptimizeImage
    daemon_version = connection.daemon.version
    async with method.open(timeout=timeout, metadata=dict(connection.metadata)) as stream:
        await stream.send_message(header)
        finished = asyncio.Event()
        layer, summary = await exchange(
            send_with_stop(
                stream,
                (Request(chunk=chunk) for chunk in _chunks(request)),
                Request(stop=optimization_pb2.StopAndKeep()),
                stop,
                finished,
            ),
            receive(
                stream,
                request.target,
                on_event,
                progress=OptimizeProgress.of,
                summary=OptimizeSummary.of,
                finished=finished,
            ),
        )
    return OptimizeResult(layer, summary, daemon_version)


def _chunks(request: OptimizeRequest) -> Iterator[layer_pb2.Chunk]:
    if isinstance(request.target, Layer):
        yield from layer_chunks(request.target)
    for style in request.styles:
        yield from layer_chunks(style.layer)
        if style.region is not None:
            yield from plane_chunks(layer_pb2.PLANE_REGION, style.region)
    if isinstance(request.options.start, Layer):
        yield from layer_chunks(request.options.start)
