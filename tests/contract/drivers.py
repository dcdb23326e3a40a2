"""The same calls through our own client and through the stubs that grpcio generates."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpclib.client import Channel

from pastiche.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    layer_pb2,
    packs_pb2,
    packs_pb2_grpc,
    stylization_pb2,
    stylization_pb2_grpc,
)
from pastiche.v1.stylization_grpc import StylizationServiceStub
from pastiche_client.client import Client
from pastiche_client.errors import DaemonError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import Event, Pack, Preview, Progress, Queued, Stage, Style, Summary
from pastiche_client.status import CALL_ERRORS, daemon_error
from tests.support.daemon_process import WAIT_SECONDS, DaemonProcess

T = TypeVar("T")
Request = stylization_pb2.StylizeImageRequest
Response = stylization_pb2.StylizeImageResponse

CHUNK = 2**20
CALLER = "contract-tests"


class Refused(Exception):  # noqa: N818 - it is the answer that is wanted
    """What the daemon said when it refused a call, whatever the transport calls that."""

    def __init__(
        self,
        code: str,
        message: str,
        reason: str,
        field: str | None,
        retry_after: float | None,
        request_id: str,
    ) -> None:
        super().__init__(f"{code} {reason} ({field}): {message}")
        self.code = code
        self.message = message
        self.reason = reason
        self.field = field
        self.retry_after = retry_after
        self.request_id = request_id


@dataclass(frozen=True)
class Options:
    """What a call asks for beside its layer and styles; None is left out of the request."""

    strength: float | None = None
    preserve_colors: bool = False
    stroke_size: float | None = None
    preview_size: int = 0
    request_id: str = ""
    timeout: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A finished call. `events` came before the result, in this order."""

    layer: Layer
    summary: Summary
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Running:
    """A call that runs in the background."""

    future: concurrent.futures.Future[Outcome]
    cancel: Callable[[], object]
    events: queue.Queue[Event] = field(default_factory=lambda: queue.Queue[Event]())

    def next_event(self, kind: type[T]) -> T:
        """The next event of a kind; those of others are dropped."""
        while True:
            event = self.events.get(timeout=WAIT_SECONDS)
            if isinstance(event, kind):
                return event

    def working(self) -> None:
        """Wait until it has the device and is past the loading."""
        while self.next_event(Progress).fraction < 0.05:
            pass

    def result(self) -> Outcome:
        return self.future.result(WAIT_SECONDS)


Styles = Mapping[str, float] | str


class Driver(ABC):
    """Calls to one daemon."""

    name: str

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon

    @abstractmethod
    def start(
        self, layer: Layer, styles: Styles, options: Options | None = None, *, client: str = CALLER
    ) -> Running: ...

    @abstractmethod
    def send_raw(
        self, messages: Iterable[Request], metadata: Mapping[str, str] | None = None
    ) -> list[Response]:
        """Send exactly these messages; `metadata` instead of the right one."""

    @abstractmethod
    def list_packs(self) -> list[Pack]: ...

    @abstractmethod
    def get_pack(self, pack: str) -> Pack: ...

    @abstractmethod
    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]: ...

    @abstractmethod
    def install_pack(self, file: Path, *, replace: bool = False) -> Pack: ...

    @abstractmethod
    def export_pack(self, pack: str, file: Path) -> None: ...

    @abstractmethod
    def delete_pack(self, pack: str) -> None: ...

    @abstractmethod
    def queue_counts(self) -> tuple[int, int]:
        """How many calls wait and run."""

    @abstractmethod
    def stop_daemon(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def stylize(
        self, layer: Layer, styles: Styles, options: Options | None = None, *, client: str = CALLER
    ) -> Outcome:
        return self.start(layer, styles, options, client=client).result()


class GrpcioDriver(Driver):
    """grpcio's stubs."""

    name = "grpcio"

    def __init__(self, daemon: DaemonProcess) -> None:
        super().__init__(daemon)
        self._channel = grpc.insecure_channel(daemon.address)
        self._threads = concurrent.futures.ThreadPoolExecutor(16)
        self._packs = packs_pb2_grpc.PacksServiceStub(self._channel)
        self._daemon = daemon_pb2_grpc.DaemonServiceStub(self._channel)
        self._stylization = stylization_pb2_grpc.StylizationServiceStub(self._channel)
        self._operations = operations_pb2_grpc.OperationsStub(self._channel)

    def start(
        self, layer: Layer, styles: Styles, options: Options | None = None, *, client: str = CALLER
    ) -> Running:
        options = options or Options()
        call: Any = self._stylization.StylizeImage(
            stylize_messages(layer, styles, options),
            metadata=(*self._metadata(), ("x-pastiche-client", client)),
            timeout=options.timeout,
        )
        events: queue.Queue[Event] = queue.Queue()
        future = self._threads.submit(_collect, call, events)
        return Running(future, call.cancel, events)

    def send_raw(
        self, messages: Iterable[Request], metadata: Mapping[str, str] | None = None
    ) -> list[Response]:
        pairs = self._metadata() if metadata is None else tuple(metadata.items())
        with refusals():
            return list(
                self._stylization.StylizeImage(
                    iter(list(messages)), metadata=pairs, timeout=WAIT_SECONDS
                )
            )

    def list_packs(self) -> list[Pack]:
        answer = self._call(self._packs.ListPacks, packs_pb2.ListPacksRequest())
        assert not answer.next_page_token
        return [Pack.of(pack) for pack in answer.packs]

    def get_pack(self, pack: str) -> Pack:
        request = packs_pb2.GetPackRequest(name=f"packs/{pack}")
        return Pack.of(self._call(self._packs.GetPack, request))

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]:
        request = packs_pb2.ListStylesRequest(parent=f"packs/{pack}", with_previews=with_previews)
        answer = self._call(self._packs.ListStyles, request)
        assert not answer.next_page_token
        return [Style.of(style) for style in answer.styles]

    def install_pack(self, file: Path, *, replace: bool = False) -> Pack:
        data = file.read_bytes()
        header = packs_pb2.InstallPackHeader(size_bytes=len(data), replace=replace)
        messages = [
            packs_pb2.InstallPackRequest(header=header),
            *(
                packs_pb2.InstallPackRequest(data=data[offset : offset + CHUNK])
                for offset in range(0, len(data), CHUNK)
            ),
        ]
        operation = self.send_pack(messages)
        if not operation.done:
            request = operations_pb2.WaitOperationRequest(name=operation.name)
            operation = self._call(self._operations.WaitOperation, request)
        assert operation.done
        if operation.HasField("error"):
            raise _refused_by(operation.error)
        pack = packs_pb2.Pack()
        assert operation.response.Unpack(pack)
        return Pack.of(pack)

    def send_pack(
        self, messages: Sequence[packs_pb2.InstallPackRequest]
    ) -> operations_pb2.Operation:
        return self._call(self._packs.InstallPack, iter(messages))

    def export_pack(self, pack: str, file: Path) -> None:
        request = packs_pb2.ExportPackRequest(name=f"packs/{pack}")
        with refusals():
            pieces = self._packs.ExportPack(
                request, metadata=self._metadata(), timeout=WAIT_SECONDS
            )
            file.write_bytes(b"".join(piece.data for piece in pieces))

    def delete_pack(self, pack: str) -> None:
        self._call(self._packs.DeletePack, packs_pb2.DeletePackRequest(name=f"packs/{pack}"))

    def queue_counts(self) -> tuple[int, int]:
        answer = self._call(self._daemon.GetDaemonInfo, daemon_pb2.GetDaemonInfoRequest())
        return answer.queue.waiting, answer.queue.running

    def stop_daemon(self) -> None:
        self._call(self._daemon.StopDaemon, daemon_pb2.StopDaemonRequest())

    def close(self) -> None:
        self._channel.close()
        self._threads.shutdown(cancel_futures=True)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.daemon.info.token}"),)

    def _call(self, method: Callable[..., Any], request: object) -> Any:
        with refusals():
            return method(request, metadata=self._metadata(), timeout=WAIT_SECONDS)


class ClientDriver(Driver):
    """Our client; what it cannot send because it checks its arguments goes through grpclib."""

    name = "grpclib"

    def __init__(self, daemon: DaemonProcess) -> None:
        super().__init__(daemon)
        self._clients: dict[str, Client] = {}

    def start(
        self, layer: Layer, styles: Styles, options: Options | None = None, *, client: str = CALLER
    ) -> Running:
        options = options or Options()
        events: queue.Queue[Event] = queue.Queue()
        seen: list[Event] = []

        def on_event(event: Event) -> None:
            seen.append(event)
            events.put(event)

        inner = self._client(client).submit_stylize(
            layer,
            styles,
            strength=1.0 if options.strength is None else options.strength,
            preserve_colors=options.preserve_colors,
            stroke_size=1.0 if options.stroke_size is None else options.stroke_size,
            preview_size=options.preview_size,
            request_id=options.request_id,
            on_event=on_event,
            timeout=options.timeout,
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
        return Running(outer, inner.cancel, events)

    def send_raw(
        self, messages: Iterable[Request], metadata: Mapping[str, str] | None = None
    ) -> list[Response]:
        right = {"authorization": f"Bearer {self.daemon.info.token}"}
        pairs = right if metadata is None else dict(metadata)
        with self._errors():
            return asyncio.run(self._send_raw(list(messages), pairs))

    async def _send_raw(
        self, messages: Sequence[Request], metadata: Mapping[str, str]
    ) -> list[Response]:
        channel = Channel(self.daemon.info.host, self.daemon.info.port)
        try:
            method = StylizationServiceStub(channel).StylizeImage
            async with method.open(timeout=WAIT_SECONDS, metadata=dict(metadata)) as stream:
                with contextlib.suppress(*CALL_ERRORS):  # what it was refused for comes below
                    await stream.send_request()
                    for message in messages:
                        await stream.send_message(message)
                    await stream.end()
                return [response async for response in stream]
        finally:
            channel.close()
            await asyncio.sleep(0)

    def list_packs(self) -> list[Pack]:
        with self._errors():
            return self._client().list_packs()

    def get_pack(self, pack: str) -> Pack:
        with self._errors():
            return self._client().get_pack(pack)

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]:
        with self._errors():
            return self._client().list_styles(pack, with_previews=with_previews)

    def install_pack(self, file: Path, *, replace: bool = False) -> Pack:
        with self._errors():
            return self._client().install_pack(file, replace=replace)

    def export_pack(self, pack: str, file: Path) -> None:
        with self._errors():
            self._client().export_pack(pack, file)

    def delete_pack(self, pack: str) -> None:
        with self._errors():
            self._client().delete_pack(pack)

    def queue_counts(self) -> tuple[int, int]:
        with self._errors():
            info = self._client().info()
        return info.waiting, info.running

    def stop_daemon(self) -> None:
        with self._errors():
            self._client().stop_daemon()

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _client(self, name: str = CALLER) -> Client:
        if name not in self._clients:
            self._clients[name] = Client(self.daemon.paths, start=False, client_id=name)
        return self._clients[name]

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (DaemonError, *CALL_ERRORS) as error:
            raise refused_with(daemon_error(error, self.daemon.paths.log_file)) from error


DRIVERS = {driver.name: driver for driver in (GrpcioDriver, ClientDriver)}


def layer_header(layer: Layer) -> layer_pb2.LayerHeader:
    """What a layer says of itself on the wire."""
    return layer_pb2.LayerHeader(
        width=layer.width,
        height=layer.height,
        format=layer_pb2.PixelFormat.Name(layer.format),
        sample_type=layer_pb2.SampleType.Name(layer.sample_type),
        row_stride=layer.row_stride,
        offset_x=layer.offset[0],
        offset_y=layer.offset[1],
        has_mask=layer.mask is not None,
    )


def stylize_messages(
    layer: Layer, styles: Styles, options: Options | None = None, *, chunk: int = CHUNK
) -> Iterator[Request]:
    """A whole request as the API describes it."""
    options = options or Options()
    shares = {styles: 1.0} if isinstance(styles, str) else styles
    header = stylization_pb2.StylizeImageHeader(
        request_id=options.request_id,
        layer=layer_header(layer),
        preserve_colors=options.preserve_colors,
        preview_size=options.preview_size,
    )
    for style, weight in shares.items():
        pack, _, name = style.partition("/")
        header.styles.add(style=f"packs/{pack}/styles/{name}", weight=weight)
    if options.strength is not None:
        header.strength = options.strength
    if options.stroke_size is not None:
        header.stroke_size = options.stroke_size
    yield Request(header=header)
    planes = [(layer_pb2.PLANE_LAYER, bytes(layer.data))]
    if layer.mask is not None:
        planes.append((layer_pb2.PLANE_MASK, bytes(layer.mask)))
    for plane, data in planes:
        for offset in range(0, len(data), chunk):
            piece = data[offset : offset + chunk]
            yield Request(chunk=layer_pb2.Chunk(plane=plane, offset=offset, data=piece))


def _collect(call: Iterable[Response], events: queue.Queue[Event]) -> Outcome:
    """Read an answer, insisting on the order that the API promises."""
    seen: list[Event] = []
    header: layer_pb2.LayerHeader | None = None
    picture = (layer_pb2.LayerHeader(), bytearray(), layer_pb2.PLANE_UNSPECIFIED)
    layer: Layer | None = None
    summary: Summary | None = None

    def emit(event: Event) -> None:
        seen.append(event)
        events.put(event)

    with refusals():
        for response in call:
            assert summary is None, "something follows the summary"
            kind = response.WhichOneof("event")
            if kind in {"queued", "progress"}:
                assert header is None, "progress comes before the layer"
                emit(_event(response))
            elif kind == "preview":
                picture = (response.preview, bytearray(), layer_pb2.PLANE_PREVIEW)
            elif kind == "layer":
                header = response.layer
                picture = (header, bytearray(), layer_pb2.PLANE_LAYER)
            elif kind == "chunk":
                _add(picture, response.chunk)
                finished = _finished(picture)
                if finished is not None and picture[2] == layer_pb2.PLANE_PREVIEW:
                    emit(Preview(finished))
                layer = finished
            else:
                summary = Summary.of(response.summary)
    assert layer is not None
    assert summary is not None
    return Outcome(layer, summary, tuple(seen))


_Picture = tuple[layer_pb2.LayerHeader, bytearray, int]


def _add(picture: _Picture, chunk: layer_pb2.Chunk) -> None:
    _, data, plane = picture
    assert chunk.plane == plane
    assert chunk.offset == len(data)
    assert 1 <= len(chunk.data) <= CHUNK
    data += chunk.data


def _finished(picture: _Picture) -> Layer | None:
    header, data, _ = picture
    pixel_format, sample_type = PixelFormat(header.format), SampleType(header.sample_type)
    packed = header.width * pixel_format.channels * sample_type.size
    expected = (header.row_stride or packed) * header.height
    assert len(data) <= expected
    if len(data) < expected:
        return None
    return Layer(
        header.width,
        header.height,
        pixel_format,
        sample_type,
        bytes(data),
        row_stride=header.row_stride,
        offset=(header.offset_x, header.offset_y),
    )


def _event(response: Response) -> Event:
    if response.HasField("queued"):
        return Queued(response.queued.position)
    return Progress(response.progress.fraction, Stage(response.progress.stage))


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        call: Any = error
        status = rpc_status.from_call(call)
        if status is None:
            raise Refused(call.code().name, call.details() or "", "", None, None, "") from error
        raise _refused_by(status) from error


def _refused_by(status: Any) -> Refused:
    """What a google.rpc.Status says."""
    codes = {code.value[0]: code.name for code in grpc.StatusCode}
    reason, field_name, retry_after, request_id = "", None, None, ""
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, request = error_details_pb2.RetryInfo(), error_details_pb2.RequestInfo()
        if detail.Unpack(info):
            assert info.domain == "pastiche.v1"
            reason = info.reason
        elif detail.Unpack(bad):
            field_name = bad.field_violations[0].field
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
        elif detail.Unpack(request):
            request_id = request.request_id
    return Refused(codes[status.code], status.message, reason, field_name, retry_after, request_id)


def refused_with(error: DaemonError) -> Refused:
    return Refused(
        error.code, str(error), error.reason, error.field, error.retry_after, error.request_id
    )
