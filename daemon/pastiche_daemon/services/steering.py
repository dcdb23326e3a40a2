"""What calls share whose pictures come and go in chunks, and that may be told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pastiche.v1 import layer_pb2
from pastiche_daemon.jobs import DeviceQueue
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.services.calls import Call
from pastiche_daemon.spool import PlaneBytes
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    LayerUpload,
    PlanesUpload,
    PlannedPlane,
    chunks,
)

S = TypeVar("S")

# How long a client may take to end its side once it has the summary.
_CLOSING_SECONDS = 2.0


@dataclass(frozen=True)
class Preview:
    header: layer_pb2.LayerHeader
    data: bytes


class SteeredWork(Generic[S]):
    """Work that shows how it stands, and can be asked to stop and keep that. For any thread."""

    def __init__(self, state: S) -> None:
        self._lock = threading.Lock()
        self._preview: Preview | None = None
        self._state = state
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the step that runs, with the picture as it stands."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def take_preview(self) -> Preview | None:
        """The newest preview, once."""
        with self._lock:
            preview, self._preview = self._preview, None
        return preview

    @property
    def state(self) -> S:
        with self._lock:
            return self._state

    def show(self, state: S, preview: Preview | None) -> None:
        """What to tell."""
        with self._lock:
            self._state = state
            self._preview = preview or self._preview


async def first_header(call: Call) -> Any:
    """The header of a request that streams, which names the call.

    Raises:
        InvalidFieldError: something else came first.
    """
    message = await call.receive()
    if message is None or message.WhichOneof("payload") != "header":
        raise InvalidFieldError("header", "is missing; it has to be the first message")
    call.identify(message.header.request_id)
    return message.header


async def receive_layer(
    call: Call,
    layout: LayerLayout,
    work_bytes: int,
    budget: MemoryBudget,
    queue: DeviceQueue,
    advice: str,
) -> LayerUpload:
    """The layer of a request, and its mask, which are all that follows the header.

    `advice` says what to do where memory is short.

    Raises:
        InvalidFieldError: something else came, or too little.
        InsufficientMemoryError: there is no room for them, or for the work's own bytes.
        SpoolError: neither is there on the disk.
    """
    # Before the disk is asked for room: `budget` refuses what cannot be worked on anyway.
    in_memory = sum(
        size for size in (layout.layer_bytes, layout.mask_bytes) if budget.keeps_in_memory(size)
    )
    busy = queue.counts()[1] > 0
    with budget.upload(in_memory, work_bytes, device_busy=busy, advice=advice):
        upload = LayerUpload(layout, budget.new_plane)
        while (message := await call.receive()) is not None:
            if message.WhichOneof("payload") != "chunk":
                raise InvalidFieldError(
                    "header", "may be sent only once, as the first message; send chunks then"
                )
            if upload.in_memory:
                upload.add(message.chunk)
            else:  # the disk may make us wait, the other calls need not
                await asyncio.to_thread(upload.add, message.chunk)
        upload.finish()
    return upload


async def receive_planes(
    call: Call,
    planned: Sequence[PlannedPlane],
    work_bytes: int,
    budget: MemoryBudget,
    queue: DeviceQueue,
) -> PlanesUpload:
    """The planes of a request whose side may stay open for a stop.

    Raises:
        InvalidFieldError: something else came, or too little.
        InsufficientMemoryError: there is no room for them, or for the work's own bytes.
    """
    upload = PlanesUpload(planned)
    busy = queue.counts()[1] > 0
    size = sum(plane.size for plane in planned)
    with budget.upload(size, work_bytes, device_busy=busy):
        while not upload.complete:
            message = await call.receive()
            if message is None:
                upload.finish()
                break
            if message.WhichOneof("payload") != "chunk":
                raise InvalidFieldError(
                    "chunk", "is missing; after the header come all chunks, and only then stop"
                )
            upload.add(message.chunk)
    return upload


@contextlib.asynccontextmanager
async def obeying(
    call: Call, work: SteeredWork[Any], changed: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    """Do what the client says while the block runs.

    Gives a task that ends with the client's side, with InvalidFieldError if that said something
    else than stop. Waits for it a moment where the block ends without an error: a client whose
    side is still open would see the call's end as a reset.
    """
    listening = asyncio.create_task(_listen(call, work))
    listening.add_done_callback(lambda _: changed.set())
    try:
        yield listening
        await asyncio.wait({listening}, timeout=_CLOSING_SECONDS)
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(call: Call, work: SteeredWork[Any]) -> None:
    while (message := await call.receive_at_leisure()) is not None:
        match message.WhichOneof("payload"):
            case "stop":
                work.stop()
            case "chunk":
                raise InvalidFieldError(
                    "chunk", "all bytes of the layers have come; nothing may follow but stop"
                )
            case _:
                raise InvalidFieldError("header", "may be sent only once, as the first message")


def extras(
    work: SteeredWork[Any], listening: asyncio.Task[None], response: Callable[..., object]
) -> Iterator[object]:
    """A preview if there is one; raises what the client did wrong."""
    if listening.done():
        listening.result()
    yield from preview_messages(work.take_preview(), response)


def preview_messages(preview: Preview | None, response: Callable[..., object]) -> Iterator[object]:
    """A preview's header and chunks, as messages made by `response`."""
    if preview is not None:
        yield response(preview=preview.header)
        for chunk in chunks(layer_pb2.PLANE_PREVIEW, preview.data):
            yield response(chunk=chunk)


def layer_messages(
    header: layer_pb2.LayerHeader, data: bytes | bytearray, response: Callable[..., object]
) -> Iterator[object]:
    """The answer's layer: its header and chunks."""
    yield response(layer=header)
    for chunk in chunks(layer_pb2.PLANE_LAYER, data):
        yield response(chunk=chunk)


async def send_layer(
    call: Call, header: layer_pb2.LayerHeader, data: PlaneBytes, response: Callable[..., object]
) -> None:
    """The answer's layer, wherever it is kept."""
    await call.send(response(layer=header))
    pieces = chunks(layer_pb2.PLANE_LAYER, data)
    while True:
        # The disk may make us wait, the other calls need not.
        piece = (
            next(pieces, None) if data.in_memory else await asyncio.to_thread(next, pieces, None)
        )
        if piece is None:
            return
        await call.send(response(chunk=piece))


async def send_all(call: Call, messages: Iterable[object]) -> None:
    for message in messages:
        await call.send(message)


def answered(header: layer_pb2.LayerHeader) -> layer_pb2.LayerHeader:
    """The header of the layer that answers one with this header: no mask comes with it."""
    answer = layer_pb2.LayerHeader()
    answer.CopyFrom(header)
    answer.has_mask = False
    return answer
