"""Several layers in one run, against a daemon that answers as the test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pastiche_client.editing import refusals
from pastiche_client.editing.options import Options
from pastiche_client.editing.run import (
    ItemOutcome,
    LayerRun,
    RunItem,
    RunResult,
    RunStage,
    RunState,
)
from pastiche_client.errors import (
    CallCancelledError,
    DaemonError,
    DaemonLostError,
    DaemonStartError,
    NotFoundError,
)
from pastiche_client.layer import Layer
from pastiche_client.results import Preview, Progress, Queued, Stage
from tests.unit.editing.scripted import Call, ScriptedStylizer, Window, small_layer

OPTIONS = Options(
    "tiny/one", second_style="tiny/two", strength=0.5, stroke_size=2.0, preserve_colors=True
)


@dataclass
class Play:
    """A run, and what it told."""

    stylizer: ScriptedStylizer
    window: Window = field(default_factory=Window)
    updates: list[RunState] = field(default_factory=list[RunState])
    results: list[RunResult] = field(default_factory=list[RunResult])

    def start(self, *items: RunItem) -> LayerRun:
        return LayerRun(
            self.stylizer,
            items or three(),
            OPTIONS,
            post=self.window.post,
            on_update=self.updates.append,
            on_done=self.results.append,
        ).begin()

    def next_call(self) -> Call:
        self.window.turn()
        return self.stylizer.next_call()

    def result(self) -> RunResult:
        self.window.turn()
        (result,) = self.results
        return result


def three() -> tuple[RunItem, ...]:
    return tuple(RunItem(number, small_layer(number), f"layer {number}") for number in range(3))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(ScriptedStylizer(tmp_path))


def states(result: RunResult) -> list[str]:
    return [
        "done" if one.succeeded else "cancelled" if one.cancelled else "failed"
        for one in result.outcomes
    ]


def test_layers_go_one_after_the_other_with_the_chosen_values(play: Play) -> None:
    play.start()
    for number in range(3):
        call = play.next_call()
        assert call.layer == small_layer(number)
        assert call.arguments == {
            "styles": {"tiny/one": 0.5, "tiny/two": 0.5},
            "strength": 0.5,
            "preserve_colors": True,
            "stroke_size": 2.0,
        }
        assert play.stylizer.calls.empty()
        call.succeed()
    result = play.result()
    assert states(result) == ["done"] * 3
    assert not result.cancelled
    assert [outcome.key for outcome in result.outcomes] == [0, 1, 2]
    assert [outcome.result.layer for outcome in result.outcomes if outcome.result] == [
        small_layer(number) for number in range(3)
    ]


def test_nothing_is_told_before_start_returns(play: Play) -> None:
    play.start()
    assert play.updates == []
    assert play.stylizer.calls.empty()


def test_no_layers_are_done_at_once(play: Play) -> None:
    LayerRun(
        play.stylizer,
        [],
        OPTIONS,
        post=play.window.post,
        on_update=play.updates.append,
        on_done=play.results.append,
    ).begin()
    assert play.result() == RunResult((), cancelled=False)


def test_progress_is_over_all_layers_and_never_goes_back(play: Play) -> None:
    play.start()
    call = play.next_call()
    told: list[tuple[int, RunStage, int]] = []
    for event in (
        Queued(2),
        Queued(1),
        Progress(0.0, Stage.LOADING),
        Progress(0.5, Stage.STYLIZING),
        Preview(small_layer()),
    ):
        call.on_event(event)
        play.window.turn()
        state = play.updates[-1]
        told.append((round(state.fraction * 600), state.stage, state.queue_position))
    assert told == [
        (0, RunStage.QUEUED, 2),
        (0, RunStage.QUEUED, 1),
        (0, RunStage.LOADING, 0),
        (100, RunStage.STYLIZING, 0),
        (100, RunStage.STYLIZING, 0),
    ]
    call.succeed()
    call = play.next_call()
    call.on_event(Progress(0.5, Stage.STYLIZING))
    play.window.turn()
    call.on_event(Progress(0.2, Stage.STYLIZING))
    play.window.turn()
    assert play.updates[-1].fraction == pytest.approx(0.5)
    call.fail(DaemonLostError("x"))
    play.next_call().succeed()
    play.result()
    fractions = [state.fraction for state in play.updates]
    assert fractions == sorted(fractions)
    assert [state.index for state in play.updates] == sorted(s.index for s in play.updates)
    assert all(state.count == 3 and 0 <= state.fraction <= 1 for state in play.updates)


def test_a_busy_window_gets_only_the_newest_progress(play: Play) -> None:
    play.start()
    call = play.next_call()
    play.updates.clear()
    for step in range(100):
        call.on_event(Progress(step / 100, Stage.STYLIZING))
    assert play.window.posted.qsize() == 1
    play.window.turn()
    (state,) = play.updates
    assert state.fraction == pytest.approx(0.99 / 3)


def test_a_daemon_that_has_to_be_started_is_told(play: Play) -> None:
    play.start()
    play.next_call().succeed()
    play.window.turn()
    assert {state.stage for state in play.updates} == {RunStage.STARTING}
    play.stylizer.next_call()

    runtime_file = play.stylizer.paths.runtime_file
    runtime_file.parent.mkdir()
    runtime_file.write_text("{}", encoding="utf-8")
    play.updates.clear()
    play.start()
    play.window.turn()
    assert [state.stage for state in play.updates] == [RunStage.SENDING]


def test_a_failure_does_not_touch_the_others(play: Play) -> None:
    play.start()
    play.next_call().succeed()
    lost = DaemonLostError("x")
    play.next_call().fail(lost)
    play.next_call().succeed()
    result = play.result()
    assert states(result) == ["done", "failed", "done"]
    assert result.outcomes[1].error is lost
    assert [outcome.key for outcome in result.failed] == [1]


@pytest.mark.parametrize("error", [DaemonStartError("x"), NotFoundError("x")])
def test_what_will_befall_all_is_not_tried_again(play: Play, error: DaemonError) -> None:
    play.start()
    play.next_call().succeed()
    play.next_call().fail(error)
    result = play.result()
    assert states(result) == ["done", "failed", "failed"]
    assert {outcome.error for outcome in result.failed} == {error}
    assert play.stylizer.calls.empty()


def test_layers_are_read_when_it_is_their_turn(play: Play) -> None:
    read: list[int] = []

    def item(number: int) -> RunItem:
        def layer() -> Layer:
            read.append(number)
            if number == 1:
                raise refusals.layer_deleted("Sea")
            return small_layer(number)

        return RunItem(number, layer, f"layer {number}")

    play.start(*map(item, range(3)))
    call = play.next_call()
    assert read == [0]
    call.succeed()
    assert play.next_call().layer == small_layer(2)
    assert read == [0, 1, 2]


def test_what_cannot_be_sent_is_that_layers_failure(play: Play) -> None:
    play.start()
    play.stylizer.refuse = ValueError("no such style")
    play.window.turn()
    assert states(play.result()) == ["failed"] * 3


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_cancelling_keeps_what_is_there(play: Play, finished: int) -> None:
    run = play.start()
    for _ in range(finished):
        play.next_call().succeed()
    call = play.next_call()
    run.cancel()
    run.cancel()
    assert call.future.cancelled()
    result = play.result()
    assert result.cancelled
    assert states(result) == ["done"] * finished + ["cancelled"] * (3 - finished)
    assert play.stylizer.calls.empty()


def test_cancelling_before_the_first_layer(play: Play) -> None:
    play.start().cancel()
    result = play.result()
    assert result.cancelled
    assert states(result) == ["cancelled"] * 3
    assert play.stylizer.calls.empty()


def test_cancelling_while_a_layer_is_read_or_sent(play: Play) -> None:
    runs: list[LayerRun] = []

    def layer() -> Layer:
        runs[0].cancel()
        return small_layer()

    runs.append(play.start(RunItem(0, layer, "layer"), *three()[1:]))
    call = play.next_call()
    assert call.future.cancelled()
    assert states(play.result()) == ["cancelled"] * 3


def test_cancelling_after_the_last_result_changes_nothing(play: Play) -> None:
    run = play.start(three()[0])
    play.next_call().succeed()
    run.cancel()
    result = play.result()
    assert not result.cancelled
    assert states(result) == ["done"]
    run.cancel()
    play.window.turn()
    assert len(play.results) == 1


def test_a_client_that_is_closed_ends_the_run(play: Play) -> None:
    play.start()
    play.next_call().future.cancel()  # as the client does
    assert play.result().cancelled


def test_a_daemon_that_is_stopped_is_no_cancelled_run(play: Play) -> None:
    play.start()
    play.next_call().fail(CallCancelledError("x", reason="DAEMON_STOPPING"))
    play.next_call().succeed()
    play.next_call().succeed()
    result = play.result()
    assert not result.cancelled
    assert states(result) == ["failed", "done", "done"]


def test_results_can_be_taken_as_they_come(play: Play) -> None:
    taken: list[ItemOutcome] = []

    def take(outcome: ItemOutcome) -> None:
        taken.append(outcome)
        if outcome.key == 1:
            raise refusals.image_closed()

    LayerRun(
        play.stylizer,
        three(),
        OPTIONS,
        post=play.window.post,
        on_update=play.updates.append,
        on_done=play.results.append,
        on_item=take,
    ).begin()
    for number in range(3):
        play.next_call().succeed()
        play.window.turn()
        assert [outcome.key for outcome in taken] == list(range(number + 1))
        assert taken[-1].result is not None
    result = play.result()
    assert states(result) == ["done", "failed", "done"]
    assert all(outcome.result is None for outcome in result.outcomes)
    assert isinstance(result.outcomes[1].error, refusals.RefusalError)


def test_a_folder_that_cannot_be_read_does_not_stop_a_run(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    play.start(three()[0])
    play.next_call().succeed()
    assert states(play.result()) == ["done"]
