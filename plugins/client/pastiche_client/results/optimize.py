"""What is told of an optimization."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from pastiche_client.results.events import Preview, Queued

if TYPE_CHECKING:
    from pastiche.v1 import optimization_pb2
    from pastiche_client.layer import Layer


@dataclass(frozen=True)
class WeightedLosses:
    """The terms of an objective with their weights; `total` is their sum."""

    total: float
    content: float
    style: float
    tv: float

    @staticmethod
    def of(message: optimization_pb2.WeightedLosses) -> WeightedLosses:
        return WeightedLosses(message.total, message.content, message.style, message.tv)


@dataclass(frozen=True)
class OptimizeProgress:
    """`step` of at most `steps` is done, on `scale` of `scales`; both are 0 before the first.

    `losses` are those of the last step; those of different scales cannot be compared. `seconds`
    are since the first step began.
    """

    step: int
    steps: int
    scale: int
    scales: int
    losses: WeightedLosses | None
    seconds: float

    @staticmethod
    def of(message: optimization_pb2.OptimizeProgress) -> OptimizeProgress:
        return OptimizeProgress(
            step=message.step,
            steps=message.steps,
            scale=message.scale,
            scales=message.scales,
            losses=WeightedLosses.of(message.losses) if message.HasField("losses") else None,
            seconds=message.seconds,
        )


OptimizeEvent: TypeAlias = Queued | OptimizeProgress | Preview


class StopReason(IntEnum):
    """Why an optimization ended. The values are those of the API."""

    UNSPECIFIED = 0
    STEPS = 1
    TIME = 2
    CONVERGED = 3
    ASKED = 4


@dataclass(frozen=True)
class OptimizeSummary:
    """How a picture was optimized. `notes` are sentences for the user.

    `width` and `height` are those of the optimized picture; with `losses` None and `reason`
    unspecified, nothing had to be optimized.
    """

    request_id: str
    encoder: str
    encoder_sha256: str
    width: int
    height: int
    steps: int
    reason: StopReason
    losses: WeightedLosses | None
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: optimization_pb2.OptimizeImageSummary) -> OptimizeSummary:
        known = message.reason in set(StopReason)
        return OptimizeSummary(
            request_id=message.request_id,
            encoder=message.encoder,
            encoder_sha256=message.encoder_sha256,
            width=message.width,
            height=message.height,
            steps=message.steps,
            reason=StopReason(message.reason) if known else StopReason.UNSPECIFIED,
            losses=WeightedLosses.of(message.losses) if message.HasField("losses") else None,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class OptimizeResult:
    """The picture: a layer of the content's size, format, sample type and offset."""

    layer: Layer
    summary: OptimizeSummary
    daemon_version: str = ""
