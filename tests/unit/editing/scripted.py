"""A daemon whose answers the test gives, and a window's thread that the test turns by hand."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pastiche_client.cancel import StopToken
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.optimize_options import OptimizeOptions, StyleLayer
from pastiche_client.paths import DataPaths
from pastiche_client.results import (
    Event,
    OptimizeEvent,
    OptimizeResult,
    OptimizeSummary,
    StopReason,
    StylizeResult,
    Summary,
)

WAIT_SECONDS = 60.0


def small_layer(value: int = 0) -> Layer:
    """One grey pixel."""
    return Layer(1, 1, PixelFormat.GREY, SampleType.U8, bytes([value]))


def result_of(layer: Layer) -> StylizeResult:
    return StylizeResult(layer, Summary("id", "packs/tiny", "1.0.0", 0.0, 0.0, ()), "0.1.0")


@dataclass
class Call:
    """A call that was submitted and waits for the test."""

    layer: Layer
    arguments: dict[str, Any]
    on_event: Callable[[Event], None]
    future: concurrent.futures.Future[StylizeResult] = field(
        default_factory=lambda: concurrent.futures.Future[StylizeResult]()
    )

    def succeed(self) -> None:
        self.future.set_result(result_of(self.layer))

    def fail(self, error: BaseException) -> None:
        self.future.set_exception(error)

    def wait_cancelled(self) -> None:
        done = threading.Event()
        self.future.add_done_callback(lambda _: done.set())
        assert done.wait(WAIT_SECONDS)
        assert self.future.cancelled()


class ScriptedStylizer:
    """Stands for a `Client`."""

    def __init__(self, home: Path) -> None:
        self.paths = DataPaths(home)
        self.calls: queue.Queue[Call] = queue.Queue()
        self.refuse: Exception | None = None

    def submit_stylize(
        self,
        layer: Layer,
        styles: object,
        *,
        strength: float = 1.0,
        preserve_colors: bool = False,
        stroke_size: float = 1.0,
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> concurrent.futures.Future[StylizeResult]:
        if self.refuse is not None:
            raise self.refuse
        assert on_event is not None
        arguments = {
            "styles": styles,
            "strength": strength,
            "preserve_colors": preserve_colors,
            "stroke_size": stroke_size,
        }
        call = Call(layer, arguments, on_event)
        self.calls.put(call)
        return call.future

    def next_call(self) -> Call:
        return self.calls.get(timeout=WAIT_SECONDS)


def painted(layer: Layer, **summary: Any) -> OptimizeResult:
    values: dict[str, Any] = {
        "request_id": "id",
        "encoder": "compact",
        "encoder_sha256": "ab" * 32,
        "width": layer.width,
        "height": layer.height,
        "steps": 300,
        "reason": StopReason.STEPS,
        "losses": None,
        "queued_seconds": 0.0,
        "compute_seconds": 1.0,
        "notes": (),
        **summary,
    }
    return OptimizeResult(layer, OptimizeSummary(**values), "0.1.0")


@dataclass
class PaintCall:
    """A call that was submitted and waits for the test."""

    layer: Layer
    styles: tuple[StyleLayer, ...]
    options: OptimizeOptions
    on_event: Callable[[OptimizeEvent], None]
    stop: StopToken
    future: concurrent.futures.Future[OptimizeResult] = field(
        default_factory=lambda: concurrent.futures.Future[OptimizeResult]()
    )


class ScriptedPainter:
    """Stands for a `Client`."""

    def __init__(self, home: Path) -> None:
        self.paths = DataPaths(home)
        self.calls: queue.Queue[PaintCall] = queue.Queue()

    def submit_optimize(
        self,
        target: Layer,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions | None = None,
        *,
        on_event: Callable[[OptimizeEvent], None] | None = None,
        stop: StopToken | None = None,
    ) -> concurrent.futures.Future[OptimizeResult]:
        assert options is not None
        assert on_event is not None
        assert stop is not None
        call = PaintCall(target, tuple(styles), options, on_event, stop)
        self.calls.put(call)
        return call.future


class Window:
    """The thread of windows: runs what was posted to it when the test says so."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()

    def post(self, callback: Callable[[], None]) -> None:
        self.posted.put(callback)

    def turn(self) -> None:
        """Run all that is there."""
        while not self.posted.empty():
            self.posted.get()()

    def turn_until(self, condition: Callable[[], bool]) -> None:
        """Run what comes until the condition holds."""
        while not condition():
            self.posted.get(timeout=WAIT_SECONDS)()
