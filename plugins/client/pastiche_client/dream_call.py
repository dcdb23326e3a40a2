"""One DreamImage call: pictures go up, and a stop when it is wanted; events come down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import dream_pb2, optimization_pb2
from pastiche.v1.dream_grpc import DreamServiceStub
from pastiche_client.enum_names import enum_name
from pastiche_client.exchange import exchange
from pastiche_client.optimize_header import encoder_choice, layer_weights
from pastiche_client.pictures import layer_chunks, layer_header
from pastiche_client.receiving import receive, send_with_stop
from pastiche_client.results import DreamProgress, DreamResult, DreamSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pastiche_client.cancel import StopToken
    from pastiche_client.connection import Connection
    from pastiche_client.dream_options import DreamOptions
    from pastiche_client.layer import Layer
    from pastiche_client.results import DreamEvent

Request = dream_pb2.DreamImageRequest
_Header = dream_pb2.DreamImageHeader
_Smoothing = dream_pb2.Smoothing


@dataclass(frozen=True)
class DreamRequest:
    """Everything that the daemon needs.

    Attributes:
        layer: what to dream over.
        guide: a picture whose features are to appear.
        request_id: names the call in logs and errors, at most 128 characters; may be empty.

    Raises:
        ValueError: a name in the options is none that the API has.
    """

    layer: Layer
    options: DreamOptions
    guide: Layer | None = None
    request_id: str = ""

    def __post_init__(self) -> None:
        self.header()

    def header(self) -> Request:
        options = self.options
        return Request(
            header=_Header(
                request_id=self.request_id,
                layer=layer_header(self.layer),
                guide=None if self.guide is None else layer_header(self.guide),
                encoder=encoder_choice(options.encoder, options.pooling, options.precision),
                layers=layer_weights(options.layers),
                octaves=options.octaves,
                octave_scale=options.octave_scale,
                steps=options.steps,
                step_size=options.step_size,
                normalization=enum_name(
                    _Header.Normalization, "NORMALIZATION", options.normalization
                ),
                smoothing=_Smoothing(
                    kind=enum_name(_Smoothing.Kind, "KIND", options.smoothing),
                    sigma=options.sigma,
                    levels=options.levels,
                ),
                jitter=options.jitter,
                tile=options.tile,
                size=options.size,
                seed=options.seed,
                strength=options.strength,
                previews=optimization_pb2.Previews(
                    size=options.preview_size, interval_seconds=options.preview_seconds
                ),
            )
        )

    def messages(self) -> Iterator[Request]:
        """What follows the header."""
        for layer in (self.layer, self.guide):
            if layer is not None:
                yield from (Request(chunk=chunk) for chunk in layer_chunks(layer))


async def dream(
    connection: Connection,
    request: DreamRequest,
    on_event: Callable[[DreamEvent], None],
    timeout: float | None,
    stop: StopToken | None,
) -> DreamResult:
    """Run the call. What `on_event` raises ends it.

    Raises:
        what `status.CALL_ERRORS` lists, and InternalError for an answer that makes no sense.
    """
    method = DreamServiceStub(connection.channel).DreamImage
    async with method.open(timeout=timeout, metadata=dict(connection.metadata)) as stream:
        await stream.send_message(request.header())
        finished = asyncio.Event()
        layer, summary = await exchange(
            send_with_stop(
                stream,
                request.messages(),
                Request(stop=optimization_pb2.StopAndKeep()),
                stop,
                finished,
            ),
            receive(
                stream,
                request.layer,
                on_event,
                progress=DreamProgress.of,
                summary=DreamSummary.of,
                finished=finished,
            ),
        )
    return DreamResult(layer, summary, connection.daemon.version)
