"""What is told of an upscaling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from pastiche_client.results.events import Preview, Queued

if TYPE_CHECKING:
    from pastiche.v1 import upscaling_pb2
    from pastiche_client.layer import Layer


class UpscaleStage(IntEnum):
    """What a running upscaling does. The values are those of the API."""

    UNSPECIFIED = 0
    LOADING = 1
    UPSCALING = 2


@dataclass(frozen=True)
class UpscaleProgress:
    """`fraction` of the work is done, 0..1, never decreasing."""

    fraction: float
    stage: UpscaleStage

    @staticmethod
    def of(message: upscaling_pb2.UpscaleProgress) -> UpscaleProgress:
        known = message.stage in set(UpscaleStage)
        stage = UpscaleStage(message.stage) if known else UpscaleStage.UNSPECIFIED
        return UpscaleProgress(message.fraction, stage)


UpscaleEvent: TypeAlias = Queued | UpscaleProgress | Preview


@dataclass(frozen=True)
class UpscaleSummary:
    """How a layer was made `factor` times as wide and high. `notes` are sentences for the user."""

    request_id: str
    pack: str
    pack_version: str
    factor: int
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: upscaling_pb2.UpscaleImageSummary) -> UpscaleSummary:
        return UpscaleSummary(
            request_id=message.request_id,
            pack=message.pack,
            pack_version=message.pack_version,
            factor=message.factor,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class UpscaleResult:
    """The larger layer, of the request's format, sample type and offset; its rows are packed."""

    layer: Layer
    summary: UpscaleSummary
    daemon_version: str = ""
