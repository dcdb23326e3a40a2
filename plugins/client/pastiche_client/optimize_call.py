"""One OptimizeImage call: pictures go up, and a stop when it is wanted; events come down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grpclib.exceptions import StreamTerminatedError

from pastiche.v1 import layer_pb2, optimization_pb2
from pastiche.v1.optimization_grpc import OptimizationServiceStub
from pastiche_client.errors import InternalError
from pastiche_client.exchange import exchange
from pastiche_client.layer import Layer
from pastiche_client.optimize_header import optimize_header
from pastiche_client.pictures import (
    Picture,
    check_same_kind,
    layer_chunks,
    plane_chunks,
)
from pastiche_client.results import (
    OptimizeEvent,
    OptimizeProgress,
    OptimizeResult,
    OptimizeSummary,
    Preview,
    Queued,
)

if TYPE_CHECKING:
    from grpclib.client import Stream

    from pastiche_client.cancel import StopToken
    from pastiche_client.connection import Connection
    from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture

    _Stream = Stream[optimization_pb2.OptimizeImageRequest, optimization_pb2.OptimizeImageResponse]

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

        optimize_header(self.target, self.styles, self.options, self.request_id)

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
        result = await exchange(
            _send(stream, request, stop, finished),
            _receive(stream, request.target, on_event, finished),
        )
    return replace(result, daemon_version=daemon_version)


async def _send(
    stream: _Stream, request: OptimizeRequest, stop: StopToken | None, finished: asyncio.Event
) -> None:
    for chunk in _chunks(request):
        await stream.send_message(Request(chunk=chunk))
    if stop is not None and await _stopped(stop, finished):
        await stream.send_message(Request(stop=optimization_pb2.StopAndKeep()))
    await stream.end()


async def _stopped(stop: StopToken, finished: asyncio.Event) -> bool:
    """Wait for the one or the other."""
    loop, wanted = asyncio.get_running_loop(), asyncio.Event()
    with stop.calling(lambda: loop.call_soon_threadsafe(wanted.set)):
        waiting = [asyncio.create_task(event.wait()) for event in (wanted, finished)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
    return wanted.is_set()


def _chunks(request: OptimizeRequest) -> Iterator[layer_pb2.Chunk]:
    if isinstance(request.target, Layer):
        yield from layer_chunks(request.target)
    for style in request.styles:
        yield from layer_chunks(style.layer)
        if style.region is not None:
            yield from plane_chunks(layer_pb2.PLANE_REGION, style.region)
    if isinstance(request.options.start, Layer):
        yield from layer_chunks(request.options.start)


async def _receive(
    stream: _Stream,
    target: Layer | Texture,
    on_event: Callable[[OptimizeEvent], None],
    finished: asyncio.Event,
) -> OptimizeResult:
    picture: Picture | None = None
    layer: Layer | None = None
    summary: OptimizeSummary | None = None
    async for response in stream:
        kind = response.WhichOneof("event")
        if kind == "queued":
            on_event(Queued(response.queued.position))
        elif kind == "progress":
            on_event(OptimizeProgress.of(response.progress))
        elif kind == "preview":
            picture = Picture(response.preview, layer_pb2.PLANE_PREVIEW)
        elif kind == "layer":
            picture = Picture(response.layer, layer_pb2.PLANE_LAYER)
        elif kind == "chunk":
            if picture is None:
                raise InternalError("The daemon sent pixels without a header.")
            whole = picture.add(response.chunk)
            if whole is None:
                continue
            if picture.plane == layer_pb2.PLANE_PREVIEW:
                on_event(Preview(whole))
            else:
                layer = whole
            picture = None
        elif kind == "summary":
            summary = OptimizeSummary.of(response.summary)
            finished.set()  # the daemon waits for our side's end
    if layer is None or summary is None:
        # Either the call failed, and the trailers say how, or the daemon is at fault.
        raise StreamTerminatedError("The answer ended early")
    check_same_kind(layer, target)
    return OptimizeResult(layer, summary)
