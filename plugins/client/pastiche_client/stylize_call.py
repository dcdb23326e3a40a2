"""One StylizeImage call: the layer goes up while the answer's events come down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grpclib.exceptions import StreamTerminatedError

from pastiche.v1 import layer_pb2, stylization_pb2
from pastiche.v1.stylization_grpc import StylizationServiceStub
from pastiche_client.errors import InternalError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import (
    Event,
    Preview,
    Progress,
    Queued,
    Stage,
    StylizeResult,
    Summary,
)
from pastiche_client.style_names import style_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grpclib.client import Stream

    from pastiche_client.connection import Connection
    from pastiche_client.layer import Pixels
    from pastiche_client.style_names import Styles

    _Stream = Stream[stylization_pb2.StylizeImageRequest, stylization_pb2.StylizeImageResponse]

_CHUNK_BYTES = 2**20
# How long a daemon may take to say why it closed its side of an upload.
_STATUS_SECONDS = 2.0


@dataclass(frozen=True)
class StylizeRequest:
    """Everything that the daemon needs. The daemon checks the values and names what is wrong.

    Attributes:
        layer: what to stylize.
        styles: see `Styles`.
        strength: 0 (the layer) to 1 (the pastiche).
        preserve_colors: keep the layer's colours.
        stroke_size: factor of the pack's native stroke size, 0.25 to 4.
        preview_size: longer side of the preview in pixels, at most 1024; 0 for none.
        request_id: names the call in logs and errors, at most 128 characters; may be empty.
    """

    layer: Layer
    styles: Styles
    strength: float = 1.0
    preserve_colors: bool = False
    stroke_size: float = 1.0
    preview_size: int = 0
    request_id: str = ""

    def header(self) -> stylization_pb2.StylizeImageRequest:
        layer = self.layer
        return stylization_pb2.StylizeImageRequest(
            header=stylization_pb2.StylizeImageHeader(
                request_id=self.request_id,
                layer=layer_pb2.LayerHeader(
                    width=layer.width,
                    height=layer.height,
                    format=layer_pb2.PixelFormat.Name(layer.format),
                    sample_type=layer_pb2.SampleType.Name(layer.sample_type),
                    row_stride=layer.row_stride,
                    offset_x=layer.offset[0],
                    offset_y=layer.offset[1],
                    has_mask=layer.mask is not None,
                ),
                styles=[
                    stylization_pb2.StyleWeight(style=name, weight=share)
                    for name, share in style_shares(self.styles)
                ],
                strength=self.strength,
                preserve_colors=self.preserve_colors,
                stroke_size=self.stroke_size,
                preview_size=self.preview_size,
            )
        )


async def stylize(
    connection: Connection,
    request: StylizeRequest,
    on_event: Callable[[Event], None],
    timeout: float | None,
) -> StylizeResult:
    """Run the call. What `on_event` raises ends it.

    Raises:
        what `status.CALL_ERRORS` lists, and InternalError for an answer that makes no sense.
    """
    header = request.header()
    method = StylizationServiceStub(connection.channel).StylizeImage
    daemon_version = connection.daemon.version
    async with method.open(timeout=timeout, metadata=dict(connection.metadata)) as stream:
        await stream.send_message(header)
        sending = asyncio.create_task(_send(stream, request.layer))
        receiving = asyncio.create_task(_receive(stream, request.layer, on_event))
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                # If the upload failed, the daemon no longer listens; its answer says why.
                failed = sending.exception() is not None
                await asyncio.wait({receiving}, timeout=_STATUS_SECONDS if failed else None)
            if not receiving.done():
                sending.result()  # raises
            result = receiving.result()
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
    return replace(result, daemon_version=daemon_version)


async def _send(stream: _Stream, layer: Layer) -> None:
    for chunk in _chunks(layer_pb2.PLANE_LAYER, layer.data):
        await stream.send_message(stylization_pb2.StylizeImageRequest(chunk=chunk))
    if layer.mask is not None:
        for chunk in _chunks(layer_pb2.PLANE_MASK, layer.mask):
            await stream.send_message(stylization_pb2.StylizeImageRequest(chunk=chunk))
    await stream.end()


def _chunks(plane: layer_pb2.Plane, data: Pixels) -> Iterator[layer_pb2.Chunk]:
    view = memoryview(data).cast("B")
    for offset in range(0, len(view), _CHUNK_BYTES):
        piece = bytes(view[offset : offset + _CHUNK_BYTES])
        yield layer_pb2.Chunk(plane=plane, offset=offset, data=piece)


async def _receive(
    stream: _Stream, sent: Layer, on_event: Callable[[Event], None]
) -> StylizeResult:
    picture: _Picture | None = None
    layer: Layer | None = None
    summary: Summary | None = None
    async for response in stream:
        kind = response.WhichOneof("event")
        if kind == "queued":
            on_event(Queued(response.queued.position))
        elif kind == "progress":
            on_event(Progress(response.progress.fraction, _stage(response.progress.stage)))
        elif kind == "preview":
            picture = _Picture(response.preview, layer_pb2.PLANE_PREVIEW)
        elif kind == "layer":
            picture = _Picture(response.layer, layer_pb2.PLANE_LAYER)
        elif kind == "chunk":
            if picture is None:
                raise InternalError("The daemon sent pixels without a header.")
            finished = picture.add(response.chunk)
            if finished is None:
                continue
            if picture.plane == layer_pb2.PLANE_PREVIEW:
                on_event(Preview(finished))
            else:
                layer = finished
            picture = None
        elif kind == "summary":
            summary = Summary.of(response.summary)
    if layer is None or summary is None:
        # Either the call failed, and the trailers say how, or the daemon is at fault.
        raise StreamTerminatedError("The answer ended early")
    asked = (sent.width, sent.height, sent.format, sent.sample_type)
    if (layer.width, layer.height, layer.format, layer.sample_type) != asked:
        raise InternalError("The daemon answered with another kind of layer than it was sent.")
    return StylizeResult(layer, summary)


def _stage(value: int) -> Stage:
    try:
        return Stage(value)
    except ValueError:  # a newer daemon
        return Stage.UNSPECIFIED


class _Picture:
    """Collects the chunks of one picture of an answer."""

    def __init__(self, header: layer_pb2.LayerHeader, plane: layer_pb2.Plane) -> None:
        self.plane = plane
        self._header = header
        try:
            self._format = PixelFormat(header.format)
            self._sample_type = SampleType(header.sample_type)
        except ValueError as error:
            raise InternalError("The daemon answered in an unknown pixel format.") from error
        packed = header.width * self._format.channels * self._sample_type.size
        self._expected = (header.row_stride or packed) * header.height
        self._received = 0
        self._pieces: list[bytes] = []

    def add(self, chunk: layer_pb2.Chunk) -> Layer | None:
        """The picture, once this was its last chunk.

        Raises:
            InternalError: the chunk does not follow the one before it.
        """
        wrong_place = chunk.plane != self.plane or chunk.offset != self._received
        if wrong_place or self._received + len(chunk.data) > self._expected:
            raise InternalError("The daemon's answer has pixels in the wrong place.")
        self._pieces.append(chunk.data)
        self._received += len(chunk.data)
        if self._received < self._expected:
            return None
        header = self._header
        return Layer(
            width=header.width,
            height=header.height,
            format=self._format,
            sample_type=self._sample_type,
            data=b"".join(self._pieces),
            row_stride=header.row_stride,
            offset=(header.offset_x, header.offset_y),
        )
