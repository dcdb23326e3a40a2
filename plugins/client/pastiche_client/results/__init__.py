"""What the daemon tells, as plain values."""

from __future__ import annotations

from pastiche_client.results.daemon import DaemonInfo
from pastiche_client.results.dream import DreamEvent, DreamProgress, DreamResult, DreamSummary
from pastiche_client.results.encoders import Encoder, EncoderState
from pastiche_client.results.events import Preview, Queued
from pastiche_client.results.optimize import (
    OptimizeEvent,
    OptimizeProgress,
    OptimizeResult,
    OptimizeSummary,
    StopReason,
    WeightedLosses,
)
from pastiche_client.results.packs import Pack, PackSignature, SliderRange, Style
from pastiche_client.results.stylize import Event, Progress, Stage, StylizeResult, Summary
from pastiche_client.results.upscale import (
    UpscaleEvent,
    UpscaleProgress,
    UpscaleResult,
    UpscaleStage,
    UpscaleSummary,
)

__all__ = [
    "DaemonInfo",
    "DreamEvent",
    "DreamProgress",
    "DreamResult",
    "DreamSummary",
    "Encoder",
    "EncoderState",
    "Event",
    "OptimizeEvent",
    "OptimizeProgress",
    "OptimizeResult",
    "OptimizeSummary",
    "Pack",
    "PackSignature",
    "Preview",
    "Progress",
    "Queued",
    "SliderRange",
    "Stage",
    "StopReason",
    "Style",
    "StylizeResult",
    "Summary",
    "UpscaleEvent",
    "UpscaleProgress",
    "UpscaleResult",
    "UpscaleStage",
    "UpscaleSummary",
    "WeightedLosses",
]
