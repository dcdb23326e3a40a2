"""Upscaling layers, against a daemon that answers as the test says."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from pathlib import Path

from pastiche_client.editing.run_states import RunItem, RunStage, RunState
from pastiche_client.editing.upscale_run import UpscaleOutcome, UpscaleRun, UpscaleRunResult
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_client.results import (
    Queued,
    UpscaleEvent,
    UpscaleProgress,
    UpscaleResult,
    UpscaleStage,
    UpscaleSummary,
)
from tests.unit.editing.scripted import Window, small_layer


class ScriptedUpscaler:
    """Stands for a `Client`."""

    def __init__(self, home: Path) -> None:
        self.paths = DataPaths(home)
        self.calls: list[tuple[Layer, int, Callable[[UpscaleEvent], None]]] = []
        self.futures: list[concurrent.futures.Future[UpscaleResult]] = []

    def submit_upscale(
        self,
        layer: Layer,
        factor: int = 0,
        *,
        on_event: Callable[[UpscaleEvent], None] | None = None,
    ) -> concurrent.futures.Future[UpscaleResult]:
        assert on_event is not None
        self.calls.append((layer, factor, on_event))
        self.futures.append(concurrent.futures.Future())
        return self.futures[-1]


def larger() -> UpscaleResult:
    layer = Layer(4, 4, PixelFormat.GREY, SampleType.U8, bytes(16))
    return UpscaleResult(layer, UpscaleSummary("id", "packs/x4", "1.0.0", 4, 0.0, 0.0, ()))


def test_layers_go_up_one_after_the_other_and_come_down_larger(tmp_path: Path) -> None:
    upscaler, window = ScriptedUpscaler(tmp_path), Window()
    states: list[RunState] = []
    outcomes: list[UpscaleOutcome] = []
    results: list[UpscaleRunResult] = []
    items = [RunItem("a", small_layer(1), "Sky"), RunItem("b", lambda: small_layer(2), "Sea")]
    UpscaleRun(
        upscaler,
        items,
        4,
        post=window.post,
        on_update=states.append,
        on_item=outcomes.append,
        on_done=results.append,
    ).begin()
    assert not upscaler.calls
    window.turn()
    ((layer, factor, tell),) = upscaler.calls
    assert (layer, factor) == (small_layer(1), 4)
    told: list[tuple[RunStage, int, float]] = []
    for event in (
        Queued(2),
        UpscaleProgress(0.0, UpscaleStage.LOADING),
        UpscaleProgress(0.5, UpscaleStage.UPSCALING),
    ):
        tell(event)
        window.turn()
        told.append((states[-1].stage, states[-1].queue_position, states[-1].fraction))
    assert told == [
        (RunStage.QUEUED, 2, 0.0),
        (RunStage.LOADING, 0, 0.0),
        (RunStage.UPSCALING, 0, 0.25),
    ]
    upscaler.futures[0].set_result(larger())
    window.turn()
    assert upscaler.calls[1][:2] == (small_layer(2), 4)
    upscaler.futures[1].set_result(larger())
    window.turn()
    assert [(outcome.key, outcome.result) for outcome in outcomes] == [
        ("a", larger()),
        ("b", larger()),
    ]
    (result,) = results
    assert len(result.succeeded) == 2


def test_cancelling_ends_the_call(tmp_path: Path) -> None:
    upscaler, window = ScriptedUpscaler(tmp_path), Window()
    results: list[UpscaleRunResult] = []
    run = UpscaleRun(
        upscaler,
        [RunItem("a", small_layer(), "Sky")],
        4,
        post=window.post,
        on_update=lambda _: None,
        on_done=results.append,
    ).begin()
    window.turn()
    run.cancel()
    assert upscaler.futures[0].cancelled()
    window.turn()
    (result,) = results
    assert result.cancelled
