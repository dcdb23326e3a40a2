"""What is told of a stylization."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from pastiche_client.results.events import Preview, Queued

if TYPE_CHECKING:
    from pastiche.v1 import stylization_pb2
    from pastiche_client.layer import Layer


class Stage(IntEnum):
    """What a running call does. The values are those of the API."""

    UNSPECIFIED = 0
    LOADING = 1
    PREVIEW = 2
    STYLIZING = 3


@dataclass(frozen=True)
class Progress:
    """`fraction` of the work is done, 0..1, never decreasing."""

    fraction: float
    stage: Stage


Event: TypeAlias = Queued | Progress | Preview


@dataclass(frozen=True)
class Summary:
    """How a layer was stylized. `notes` are sentences for the user."""

    request_id: str
    pack: str
    pack_version: str
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: stylization_pb2.StylizeImageSummary) -> Summary:
        return Summary(
            request_id=message.request_id,
            pack=message.pack,
            pack_version=message.pack_version,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class StylizeResult:
    """The pastiche: a layer of the request's size, format, sample type and offset."""

    layer: Layer
    summary: Summary
    daemon_version: str = ""
