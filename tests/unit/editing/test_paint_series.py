"""Painting several pictures one after the other, against a daemon that answers as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pastiche_client.editing.paint_options import PaintOptions, RegionChoice, StyleChoice, StyleKind
from pastiche_client.editing.paint_run import PaintOutcome, PaintResult
from pastiche_client.editing.paint_series import PaintItem, PaintSeries
from pastiche_client.editing.run_states import RunItem, RunState
from pastiche_client.errors import DaemonLostError
from pastiche_client.layer import Layer
from pastiche_client.results import OptimizeProgress, Preview
from tests.unit.editing.scripted import PaintCall, ScriptedPainter, Window, painted, small_layer
from tests.unit.editing.test_paint_run import WAVES, grey

LEFT = RegionChoice("Left", "1")
OPTIONS = PaintOptions((StyleChoice(StyleKind.LAYER, "Waves", where=LEFT),))
FRAMES = [grey(32, value) for value in (10, 20, 30)]
MASKS = [bytes([value]) * 1024 for value in (1, 2, 3)]


@dataclass
class Play:
    """A series, and what it told."""

    painter: ScriptedPainter
    window: Window = field(default_factory=Window)
    updates: list[RunState] = field(default_factory=list[RunState])
    previews: list[Layer] = field(default_factory=list[Layer])
    outcomes: list[PaintOutcome] = field(default_factory=list[PaintOutcome])
    results: list[PaintResult] = field(default_factory=list[PaintResult])
    refuses: bool = False

    def start(self) -> PaintSeries:
        items = [
            PaintItem(RunItem(key, frame, f"frame {key}"), [mask])
            for key, (frame, mask) in enumerate(zip(FRAMES, MASKS, strict=True))
        ]
        return PaintSeries(
            self.painter,
            items,
            [WAVES],
            OPTIONS,
            post=self.window.post,
            on_update=self.updates.append,
            on_preview=self.previews.append,
            on_item=self._take,
            on_done=self.results.append,
        ).begin()

    def _take(self, outcome: PaintOutcome) -> None:
        self.outcomes.append(outcome)
        if self.refuses:
            raise ValueError("there is no room for it")

    def call(self) -> PaintCall:
        self.window.turn()
        return self.painter.calls.get_nowait()

    def paint_next(self) -> None:
        call = self.call()
        call.future.set_result(painted(call.layer))

    def result(self) -> PaintResult:
        self.window.turn()
        assert self.painter.calls.empty()
        (result,) = self.results
        return result


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(ScriptedPainter(tmp_path))


def test_every_picture_is_painted_with_its_own_masks(play: Play) -> None:
    play.start()
    for frame, mask in zip(FRAMES, MASKS, strict=True):
        call = play.call()
        assert play.painter.calls.empty()
        assert (call.layer, call.styles[0].region) == (frame, mask)
        call.future.set_result(painted(frame))
    result = play.result()
    assert [outcome.key for outcome in result.succeeded] == [0, 1, 2]
    assert not result.cancelled
    # They were given when they came, and are not kept.
    assert [outcome.result for outcome in play.outcomes] == [painted(frame) for frame in FRAMES]
    assert all(outcome.result is None for outcome in result.outcomes)


def test_it_is_told_how_far_it_is(play: Play) -> None:
    play.start()
    play.paint_next()
    call = play.call()
    call.on_event(OptimizeProgress(50, 100, 1, 1, None, 0.0))
    call.on_event(Preview(small_layer(7)))
    play.window.turn()
    state = play.updates[-1]
    assert (state.index, state.count, state.label, state.step) == (1, 3, "frame 1", 50)
    assert state.fraction == pytest.approx(0.5)
    assert play.previews == [small_layer(7)]
    fractions = [update.fraction for update in play.updates]
    assert fractions == sorted(fractions)


def test_cancelling_within_a_picture(play: Play) -> None:
    series = play.start()
    play.paint_next()
    call = play.call()
    series.cancel()
    assert call.future.cancelled()
    result = play.result()
    assert [outcome.cancelled for outcome in result.outcomes] == [False, True, True]
    assert result.cancelled


def test_cancelling_between_pictures(play: Play) -> None:
    series = play.start()
    series.cancel()
    result = play.result()
    assert [outcome.cancelled for outcome in result.outcomes] == [True, True, True]


def test_stopping_keeps_what_was_painted_and_leaves_out_the_rest(play: Play) -> None:
    series = play.start()
    play.paint_next()
    call = play.call()
    series.stop_and_keep()
    assert call.stop.stopped
    call.future.set_result(painted(call.layer))
    result = play.result()
    assert [outcome.key for outcome in result.succeeded] == [0, 1]
    assert len(result.outcomes) == 2
    assert not result.cancelled


def test_stopping_before_the_first_picture_still_paints_that_one(play: Play) -> None:
    series = play.start()
    series.stop_and_keep()
    call = play.call()
    assert call.stop.stopped
    call.future.set_result(painted(call.layer))
    assert [outcome.key for outcome in play.result().outcomes] == [0]


def test_the_first_failure_ends_it(play: Play) -> None:
    play.start()
    play.call().future.set_exception(DaemonLostError("gone"))
    result = play.result()
    assert isinstance(result.outcomes[0].error, DaemonLostError)
    assert [outcome.cancelled for outcome in result.outcomes] == [False, True, True]


def test_what_taking_a_picture_raises_is_its_failure(play: Play) -> None:
    play.refuses = True
    play.start()
    play.paint_next()
    (failed,) = play.result().failed
    assert (failed.key, str(failed.error)) == (0, "there is no room for it")
