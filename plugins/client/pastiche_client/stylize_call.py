"""One StylizeImage call: the layer goes up while the answer's events come down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import stylization_pb2
from pastiche.v1.stylization_grpc import StylizationServiceStub
from pastiche_client.exchange import exchange
from pastiche_client.pictures import layer_chunks, layer_header
from pastiche_client.receiving import receive
from pastiche_client.results import (
    Event,
    Progress,
    Stage,
    StylizeResult,
    Summary,
)
from pastiche_client.style_names import style_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from grpclib.client import Stream

    from pastiche_client.connection import Connection
    from pastiche_client.layer import Layer
    from pastiche_client.style_names import Styles

    _Stream = Stream[stylization_pb2.StylizeImageRequest, stylization_pb2.StylizeImageResponse]


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
        return stylization_pb2.StylizeImageRequest(
            header=stylization_pb2.StylizeImageHeader(
                request_id=self.request_id,
                layer=layer_header(self.layer),
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
        layer, summary = await exchange(
            _send(stream, request.layer),
            receive(stream, request.layer, on_event, progress=_progress, summary=Summary.of),
        )
    return StylizeResult(layer, summary, daemon_version)


async def _send(stream: _Stream, layer: Layer) -> None:
    for chunk in layer_chunks(layer):
        await stream.send_message(stylization_pb2.StylizeImageRequest(chunk=chunk))
    await stream.end()


def _progress(message: stylization_pb2.Progress) -> Progress:
    return Progress(message.fraction, _stage(message.stage))


def _stage(value: int) -> Stage:
    try:
        return Stage(value)
    except ValueError:  # a newer daemon
        return Stage.UNSPECIFIED
