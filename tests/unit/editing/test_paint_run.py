"""Painting one layer like others, against a daemon that answers as the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import (
    PaintOptions,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.paint_run import PaintResult, PaintRun, Picture, Plane
from pastiche_client.editing.run_states import RunItem, RunStage, RunState
from pastiche_client.errors import CallCancelledError, DaemonLostError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.optimize_options import StyleLayer
from pastiche_client.results import OptimizeProgress, Preview, Queued
from tests.unit.editing.scripted import PaintCall, ScriptedPainter, Window, painted, small_layer

OPTIONS = PaintOptions(
    (
        StyleChoice(StyleKind.LAYER, "Waves", weight=3.0),
        StyleChoice(StyleKind.FILE, "night", file="/night.png"),
    ),
    quality=Quality.QUICK,
)


def grey(side: int, value: int = 0) -> Layer:
    return Layer(side, side, PixelFormat.GREY, SampleType.U8, bytes([value]) * (side * side))


CONTENT, WAVES, NIGHT = grey(32), grey(16, 1), grey(20, 2)


@dataclass
class Play:
    """A run, and what it told."""

    painter: ScriptedPainter
    window: Window = field(default_factory=Window)
    updates: list[RunState] = field(default_factory=list[RunState])
    previews: list[Layer] = field(default_factory=list[Layer])
    results: list[PaintResult] = field(default_factory=list[PaintResult])

    def start(
        self,
        content: Picture = CONTENT,
        styles: tuple[Picture, ...] = (WAVES, NIGHT),
        options: PaintOptions = OPTIONS,
        regions: Sequence[Plane | None] = (),
        strength_mask: Plane | None = None,
    ) -> PaintRun:
        return PaintRun(
            self.painter,
            RunItem("key", content, "Sky"),
            styles,
            options,
            post=self.window.post,
            on_update=self.updates.append,
            on_preview=self.previews.append,
            on_done=self.results.append,
            regions=regions,
            strength_mask=strength_mask,
        ).begin()

    def call(self) -> PaintCall:
        self.window.turn()
        return self.painter.calls.get_nowait()

    def result(self) -> PaintResult:
        self.window.turn()
        (result,) = self.results
        return result

    def error(self) -> str:
        (outcome,) = self.result().failed
        assert self.painter.calls.empty()
        return str(outcome.error)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(ScriptedPainter(tmp_path))


def progress(step: int, steps: int = 100) -> OptimizeProgress:
    return OptimizeProgress(step, steps, 1, 2, None, 0.0)


def test_layer_and_styles_go_with_the_chosen_values(play: Play) -> None:
    play.start(lambda: CONTENT, (lambda: WAVES, NIGHT))
    assert play.painter.calls.empty()
    call = play.call()
    assert call.layer == CONTENT
    assert call.styles == (StyleLayer(WAVES, 3.0), StyleLayer(NIGHT, 1.0))
    assert call.options == OPTIONS.optimize_options()
    result = painted(CONTENT)
    call.future.set_result(result)
    (outcome,) = play.result().outcomes
    assert (outcome.key, outcome.label, outcome.result) == ("key", "Sky", result)
    assert not play.result().cancelled


def test_it_is_told_how_far_it_is(play: Play) -> None:
    play.start()
    call = play.call()
    told: list[tuple[RunStage, int, int, float]] = []
    for event in (Queued(2), progress(0, 0), progress(0), progress(25), progress(50)):
        call.on_event(event)
        play.window.turn()
        state = play.updates[-1]
        told.append((state.stage, state.queue_position, state.step, state.fraction))
    assert told == [
        (RunStage.QUEUED, 2, 0, 0.0),
        (RunStage.LOADING, 0, 0, 0.0),
        (RunStage.LOADING, 0, 0, 0.0),
        (RunStage.PAINTING, 0, 25, 0.25),
        (RunStage.PAINTING, 0, 50, 0.5),
    ]
    assert play.updates[-1].steps == 100


def test_a_busy_window_gets_only_the_newest_preview_in_eight_bits(play: Play) -> None:
    play.start()
    call = play.call()
    for value in range(5):
        deep = Layer(1, 1, PixelFormat.GREY, SampleType.U16, bytes([0, value]))
        call.on_event(Preview(deep))
    assert play.window.posted.qsize() == 1
    play.window.turn()
    assert play.previews == [small_layer(4)]
    call.on_event(Preview(small_layer(9)))
    play.window.turn()
    assert play.previews == [small_layer(4), small_layer(9)]


def test_no_preview_comes_after_the_end(play: Play) -> None:
    play.start()
    call = play.call()
    call.future.set_result(painted(CONTENT))
    play.window.turn()
    call.on_event(Preview(small_layer(1)))
    play.window.turn()
    assert play.previews == []
    assert len(play.results) == 1


def test_stop_and_keep_has_a_result(play: Play) -> None:
    run = play.start()
    call = play.call()
    assert not call.stop.stopped
    run.stop_and_keep()
    assert run.is_stopping
    assert call.stop.stopped
    assert not call.future.cancelled()
    call.future.set_result(painted(CONTENT))
    assert play.result().succeeded


def test_stopping_before_the_call_is_passed_on(play: Play) -> None:
    play.start().stop_and_keep()
    assert play.call().stop.stopped


def test_cancelling_ends_the_call(play: Play) -> None:
    run = play.start()
    call = play.call()
    run.cancel()
    assert call.future.cancelled()
    assert play.result().cancelled
    assert not play.result().succeeded


def test_cancelling_at_once_asks_nothing(play: Play) -> None:
    play.start().cancel()
    assert play.result().cancelled
    assert play.painter.calls.empty()


@pytest.mark.parametrize(
    "error", [DaemonLostError("x"), CallCancelledError("x", reason="DAEMON_STOPPING")]
)
def test_a_daemon_that_ends_is_a_failure(play: Play, error: Exception) -> None:
    play.start()
    play.call().future.set_exception(error)
    (outcome,) = play.result().failed
    assert outcome.error is error
    assert not play.result().cancelled


def test_without_a_style_there_is_a_sentence(play: Play) -> None:
    play.start(styles=(), options=PaintOptions())
    assert play.error() == "Choose a style to paint like first."


def test_a_small_layer_is_refused(play: Play) -> None:
    play.start(content=grey(31))
    assert "“Sky” is too small" in play.error()


def test_a_small_style_is_refused(play: Play) -> None:
    play.start(styles=(WAVES, grey(15)))
    assert "“night” is too small" in play.error()


def test_a_style_that_cannot_be_read_is_a_failure(play: Play) -> None:
    def read() -> Layer:
        raise refusals.style_file_missing("/night.png")

    play.start(styles=(WAVES, read))
    assert "/night.png is not there any more" in play.error()


LEFT = bytes([255] * 16 + [0] * 16) * 32
RIGHT = bytes([0] * 16 + [255] * 16) * 32
BY_PLACES = replace(
    OPTIONS,
    styles=(
        replace(OPTIONS.styles[0], where=RegionChoice("Left", "1")),
        replace(OPTIONS.styles[1], where=RegionChoice("Left", "1", outside=True)),
    ),
    strength_mask=RegionChoice("Fade", "2", outside=True),
)


def test_places_and_strength_go_with_the_pictures(play: Play) -> None:
    play.start(options=BY_PLACES, regions=(LEFT, lambda: LEFT), strength_mask=lambda: RIGHT)
    assert play.painter.calls.empty()
    call = play.call()
    assert [style.region for style in call.styles] == [LEFT, RIGHT]
    assert call.layer == replace(CONTENT, mask=LEFT)


def test_a_style_without_a_place_goes_everywhere(play: Play) -> None:
    styles = (BY_PLACES.styles[0], OPTIONS.styles[1])
    play.start(options=replace(OPTIONS, styles=styles), regions=(LEFT, None))
    call = play.call()
    assert [style.region for style in call.styles] == [LEFT, None]
    assert call.layer.mask is None


def test_a_place_that_is_empty_is_told(play: Play) -> None:
    play.start(options=BY_PLACES, regions=(LEFT, bytes([255]) * 1024), strength_mask=RIGHT)
    assert "“night” by the mask “Left” is empty" in play.error()


def test_a_strength_of_nothing_is_told(play: Play) -> None:
    play.start(options=BY_PLACES, regions=(LEFT, LEFT), strength_mask=bytes([255]) * 1024)
    assert "strength by the mask “Fade” is 0" in play.error()


def test_a_place_without_its_mask_is_no_everywhere(play: Play) -> None:
    play.start(options=BY_PLACES, regions=(LEFT, None), strength_mask=RIGHT)
    assert "regions: must be given" in play.error()


def test_a_strength_without_its_mask_is_not_full(play: Play) -> None:
    play.start(options=BY_PLACES, regions=(LEFT, LEFT))
    assert "strength_mask: must be given" in play.error()
