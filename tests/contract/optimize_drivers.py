"""OptimizeImage through our own client and through the stubs that grpcio generates."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from pastiche.v1 import layer_pb2, optimization_pb2, optimization_pb2_grpc
from pastiche_client.cancel import StopToken
from pastiche_client.client import Client
from pastiche_client.errors import DaemonError
from pastiche_client.layer import Layer
from pastiche_client.optimize_header import optimize_header
from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture
from pastiche_client.pictures import Picture, plane_chunks
from pastiche_client.results import (
    OptimizeEvent,
    OptimizeProgress,
    OptimizeSummary,
    Preview,
    Queued,
)
from tests.contract.drivers import CALLER, Refused, refusals, refused_with
from tests.support.daemon_process import WAIT_SECONDS, DaemonProcess

Request = optimization_pb2.OptimizeImageRequest
Response = optimization_pb2.OptimizeImageResponse


@dataclass(frozen=True)
class Outcome:
    """A finished call. `events` came before the result, in this order."""

    layer: Layer
    summary: OptimizeSummary
    events: tuple[OptimizeEvent, ...]

    @property
    def progress(self) -> list[OptimizeProgress]:
        """Of finished steps."""
        return [e for e in self.events if isinstance(e, OptimizeProgress) and e.step]

    @property
    def previews(self) -> list[Layer]:
        return [event.layer for event in self.events if isinstance(event, Preview)]


@dataclass(frozen=True)
class Running:
    """A call that runs in the background."""

    future: concurrent.futures.Future[Outcome]
    cancel: Callable[[], object]
    stop: Callable[[], object]
    events: queue.Queue[OptimizeEvent]

    def working(self) -> None:
        """Wait until it is past its first step."""
        while True:
            event = self.events.get(timeout=WAIT_SECONDS)
            if isinstance(event, OptimizeProgress) and event.step:
                return

    def result(self) -> Outcome:
        return self.future.result(WAIT_SECONDS)


class OptimizeDriver(ABC):
    """OptimizeImage calls to one daemon."""

    name: str

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon

    @abstractmethod
    def start(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions,
        request_id: str = "",
    ) -> Running: ...

    @abstractmethod
    def close(self) -> None: ...

    def optimize(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions,
        request_id: str = "",
    ) -> Outcome:
        return self.start(target, styles, options, request_id).result()


class GrpcioDriver(OptimizeDriver):
    """grpcio's stubs."""

    name = "grpcio"

    def __init__(self, daemon: DaemonProcess) -> None:
        super().__init__(daemon)
        self._channel = grpc.insecure_channel(daemon.address)
        self._threads = concurrent.futures.ThreadPoolExecutor(8)
        self._stub = optimization_pb2_grpc.OptimizationServiceStub(self._channel)

    def start(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions,
        request_id: str = "",
    ) -> Running:
        header = optimize_header(target, styles, options, request_id)
        stop, ended = threading.Event(), threading.Event()

        def messages() -> Iterator[Request]:
            yield from optimize_messages(header, target, styles, options)
            stop.wait(WAIT_SECONDS)
            if not ended.is_set():
                yield Request(stop=optimization_pb2.StopAndKeep())

        def end() -> None:
            ended.set()
            stop.set()

        call = self._open(messages())
        events: queue.Queue[OptimizeEvent] = queue.Queue()
        future = self._threads.submit(_collect, call, events, end)
        future.add_done_callback(lambda _: end())
        return Running(future, call.cancel, stop.set, events)

    def send_raw(self, messages: Iterable[Request]) -> list[Response]:
        """Send exactly these messages and then nothing more."""
        with refusals():
            return list(self._open(iter(list(messages))))

    def close(self) -> None:
        self._channel.close()
        self._threads.shutdown(cancel_futures=True)

    def _open(self, messages: Iterator[Request]) -> Any:
        metadata = (
            ("authorization", f"Bearer {self.daemon.info.token}"),
            ("x-pastiche-client", CALLER),
        )
        return self._stub.OptimizeImage(messages, metadata=metadata, timeout=WAIT_SECONDS)


class ClientDriver(OptimizeDriver):
    """Our client."""

    name = "grpclib"

    def __init__(self, daemon: DaemonProcess) -> None:
        super().__init__(daemon)
        self._client = Client(daemon.paths, start=False, client_id=CALLER)

    def start(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions,
        request_id: str = "",
    ) -> Running:
        events: queue.Queue[OptimizeEvent] = queue.Queue()
        seen: list[OptimizeEvent] = []

        def on_event(event: OptimizeEvent) -> None:
            seen.append(event)
            events.put(event)

        stop = StopToken()
        inner = self._client.submit_optimize(
            target, styles, options, request_id=request_id, on_event=on_event, stop=stop
        )
        outer: concurrent.futures.Future[Outcome] = concurrent.futures.Future()

        def done(future: concurrent.futures.Future[Any]) -> None:
            try:
                result = future.result()
            except concurrent.futures.CancelledError:
                outer.set_exception(Refused("CANCELLED", "", "", None, None, ""))
            except DaemonError as error:
                outer.set_exception(refused_with(error))
            except BaseException as error:  # noqa: BLE001 - for whoever waits
                outer.set_exception(error)
            else:
                outer.set_result(Outcome(result.layer, result.summary, tuple(seen)))

        inner.add_done_callback(done)
        return Running(outer, inner.cancel, stop.stop, events)

    def close(self) -> None:
        self._client.close()


DRIVERS: dict[str, type[OptimizeDriver]] = {
    driver.name: driver for driver in (GrpcioDriver, ClientDriver)
}


def optimize_messages(
    header: optimization_pb2.OptimizeImageHeader,
    target: Layer | Texture,
    styles: Sequence[StyleLayer],
    options: OptimizeOptions,
) -> Iterator[Request]:
    """A whole request as the API describes it."""
    yield Request(header=header)
    for plane, data in _planes(target, styles, options):
        for chunk in plane_chunks(plane, data):
            yield Request(chunk=chunk)


def _planes(
    target: Layer | Texture, styles: Sequence[StyleLayer], options: OptimizeOptions
) -> Iterator[tuple[layer_pb2.Plane, bytes]]:
    def planes(layer: Layer) -> Iterator[tuple[layer_pb2.Plane, bytes]]:
        yield layer_pb2.PLANE_LAYER, bytes(layer.data)
        if layer.mask is not None:
            yield layer_pb2.PLANE_MASK, bytes(layer.mask)

    if isinstance(target, Layer):
        yield from planes(target)
    for style in styles:
        yield from planes(style.layer)
        if style.region is not None:
            yield layer_pb2.PLANE_REGION, bytes(style.region)
    if isinstance(options.start, Layer):
        yield from planes(options.start)


def _collect(
    call: Iterable[Response], events: queue.Queue[OptimizeEvent], end: Callable[[], None]
) -> Outcome:
    """Read an answer, insisting on the order that the API promises; `end` at its summary."""
    seen: list[OptimizeEvent] = []
    picture: Picture | None = None
    layer: Layer | None = None
    summary: OptimizeSummary | None = None

    def emit(event: OptimizeEvent) -> None:
        seen.append(event)
        events.put(event)

    with refusals():
        for response in call:
            assert summary is None, "something follows the summary"
            kind = response.WhichOneof("event")
            if kind in {"queued", "progress", "preview", "layer"}:
                assert picture is None, "a picture is not complete"
                assert layer is None, "events come before the layer"
            if kind == "queued":
                emit(Queued(response.queued.position))
            elif kind == "progress":
                emit(OptimizeProgress.of(response.progress))
            elif kind == "preview":
                picture = Picture(response.preview, layer_pb2.PLANE_PREVIEW)
            elif kind == "layer":
                picture = Picture(response.layer, layer_pb2.PLANE_LAYER)
            elif kind == "chunk":
                assert picture is not None
                finished = picture.add(response.chunk)
                if finished is None:
                    continue
                if picture.plane == layer_pb2.PLANE_PREVIEW:
                    emit(Preview(finished))
                else:
                    layer = finished
                picture = None
            else:
                summary = OptimizeSummary.of(response.summary)
                end()
    assert layer is not None
    assert summary is not None
    return Outcome(layer, summary, tuple(seen))
