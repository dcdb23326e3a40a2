"""What is told of a dream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pastiche_client.results.events import Preview, Queued

if TYPE_CHECKING:
    from pastiche.v1 import dream_pb2
    from pastiche_client.layer import Layer


@dataclass(frozen=True)
class DreamProgress:
    """`step` of `steps` is done, at `octave` of `octaves`; all are 0 before the first.

    `activation` is what grows; those of different octaves cannot be compared. `seconds` are since
    the first step began.
    """

    step: int
    steps: int
    octave: int
    octaves: int
    activation: float
    seconds: float

    @staticmethod
    def of(message: dream_pb2.DreamProgress) -> DreamProgress:
        return DreamProgress(
            step=message.step,
            steps=message.steps,
            octave=message.octave,
            octaves=message.octaves,
            activation=message.activation,
            seconds=message.seconds,
        )


DreamEvent: TypeAlias = Queued | DreamProgress | Preview


@dataclass(frozen=True)
class DreamSummary:
    """How a picture was dreamed over. `notes` are sentences for the user.

    `width` and `height` are those of the dream; 0 where nothing had to be done. `stopped`: it was
    kept as it stood.
    """

    request_id: str
    encoder: str
    encoder_sha256: str
    layers: dict[str, float]
    width: int
    height: int
    steps: int
    octaves: int
    activation: float
    stopped: bool
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: dream_pb2.DreamImageSummary) -> DreamSummary:
        return DreamSummary(
            request_id=message.request_id,
            encoder=message.encoder,
            encoder_sha256=message.encoder_sha256,
            layers={entry.layer: entry.weight for entry in message.layers},
            width=message.width,
            height=message.height,
            steps=message.steps,
            octaves=message.octaves,
            activation=message.activation,
            stopped=message.stopped,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class DreamResult:
    """The dream: a layer of the request's size, format, sample type and offset."""

    layer: Layer
    summary: DreamSummary
    daemon_version: str = ""
