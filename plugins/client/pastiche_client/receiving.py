"""The answer of a call that returns a picture, and the stop that may be sent meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from grpclib.exceptions import StreamTerminatedError

from pastiche.v1 import layer_pb2
from pastiche_client.errors import InternalError
from pastiche_client.pictures import Picture, check_same_kind
from pastiche_client.results import Preview, Queued

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    from pastiche_client.cancel import StopToken
    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import Texture

P = TypeVar("P")
S = TypeVar("S")


async def receive(
    stream: AsyncIterable[Any],
    asked: Layer | Texture,
    on_event: Callable[[Queued | P | Preview], None],
    *,
    progress: Callable[[Any], P],
    summary: Callable[[Any], S],
    finished: asyncio.Event | None = None,
    times: Callable[[S], int] | None = None,
) -> tuple[Layer, S]:
    """The layer and the summary of an answer; what comes before goes to `on_event`.

    Args:
        asked: the layer must be of its size and type, or `times` as wide and high.
        progress: makes an event of a progress message.
        summary: makes a result of a summary message.
        finished: set once the summary is there, for whoever keeps our side open.
        times: what the summary says of the layer's size, as a factor of that of `asked`.

    Raises:
        InternalError: the answer makes no sense.
        StreamTerminatedError: it ended early; the trailers say why, if the call failed.
    """
    picture: Picture | None = None
    layer: Layer | None = None
    summed: S | None = None
    async for response in stream:
        kind = response.WhichOneof("event")
        if kind == "queued":
            on_event(Queued(response.queued.position))
        elif kind == "progress":
            on_event(progress(response.progress))
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
            summed = summary(response.summary)
            if finished is not None:
                finished.set()
    if layer is None or summed is None:
        raise StreamTerminatedError("The answer ended early")
    check_same_kind(layer, asked, 1 if times is None else times(summed))
    return layer, summed


async def send_with_stop(
    stream: Any,
    messages: Iterable[Any],
    stop_message: Any,
    stop: StopToken | None,
    finished: asyncio.Event,
) -> None:
    """Send the messages, and the stop when it is wanted before the answer is `finished`."""
    for message in messages:
        await stream.send_message(message)
    if stop is not None and await _stopped(stop, finished):
        await stream.send_message(stop_message)
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
