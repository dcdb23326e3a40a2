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
    items: list[ItemOutcome] = field(default_factory=list[ItemOutcome])

    def start(self, *items: RunItem) -> LayerRun:
        return LayerRun.start(
            self.stylizer,
            items or three(),
            OPTIONS,
            post=self.window.post,
            on_update=self.updates.append,
            on_done=self.results.append,
        )

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
def stage(tmp_path: Path) -> Play:
    return Play(ScriptedStylizer(tmp_path))


def states(result: RunResult) -> list[str]:
    return [
        "done" if one.succeeded else "cancelled" if one.cancelled else "failed"
        for one in result.outcomes
    ]


def test_layers_go_one_after_the_other_with_the_chosen_values(stage: Play) -> None:
    stage.start()
    for number in range(3):
        call = stage.next_call()
        assert call.layer == small_layer(number)
        assert call.arguments == {
            "styles": {"tiny/one": 0.5, "tiny/two": 0.5},
            "strength": 0.5,
            "preserve_colors": True,
            "stroke_size": 2.0,
        }
        assert stage.stylizer.calls.empty()
        call.succeed()
    result = stage.result()
    assert states(result) == ["done"] * 3
    assert not result.cancelled
    assert [outcome.key for outcome in result.outcomes] == [0, 1, 2]
    assert [outcome.result.layer for outcome in result.outcomes if outcome.result] == [
        small_layer(number) for number in range(3)
    ]


def test_nothing_is_told_before_start_returns(stage: Play) -> None:
    stage.start()
    assert stage.updates == []
    assert stage.stylizer.calls.empty()


def test_no_layers_are_done_at_once(stage: Play) -> None:
    LayerRun.start(
        stage.stylizer,
        [],
        OPTIONS,
        post=stage.window.post,
        on_update=stage.updates.append,
        on_done=stage.results.append,
    )
    assert stage.result() == RunResult((), cancelled=False)


def test_progress_is_over_all_layers_and_never_goes_back(stage: Play) -> None:
    stage.start()
    call = stage.next_call()
    told: list[tuple[int, RunStage, int]] = []
    for event in (
        Queued(2),
        Queued(1),
        Progress(0.0, Stage.LOADING),
        Progress(0.5, Stage.STYLIZING),
        Preview(small_layer()),
    ):
        call.on_event(event)
        stage.window.turn()
        state = stage.updates[-1]
        told.append((round(state.fraction * 600), state.stage, state.queue_position))
    assert told == [
        (0, RunStage.QUEUED, 2),
        (0, RunStage.QUEUED, 1),
        (0, RunStage.LOADING, 0),
        (100, RunStage.STYLIZING, 0),
        (100, RunStage.STYLIZING, 0),
    ]
    call.succeed()
    call = stage.next_call()
    call.on_event(Progress(0.5, Stage.STYLIZING))
    call.fail(DaemonLostError("x"))
    stage.next_call().succeed()
    stage.result()
    fractions = [state.fraction for state in stage.updates]
    assert fractions == sorted(fractions)
    assert [state.index for state in stage.updates] == sorted(s.index for s in stage.updates)
    assert all(state.count == 3 and 0 <= state.fraction <= 1 for state in stage.updates)


def test_a_busy_window_gets_only_the_newest_progress(stage: Play) -> None:
    stage.start()
    call = stage.next_call()
    stage.updates.clear()
    for step in range(100):
        call.on_event(Progress(step / 100, Stage.STYLIZING))
    assert stage.window.posted.qsize() == 1
    stage.window.turn()
    (state,) = stage.updates
    assert state.fraction == pytest.approx(0.99 / 3)


def test_a_daemon_that_has_to_be_started_is_told(stage: Play) -> None:
    stage.start()
    stage.next_call().succeed()
    stage.window.turn()
    assert {state.stage for state in stage.updates} == {RunStage.STARTING}
    stage.stylizer.next_call()

    runtime_file = stage.stylizer.paths.runtime_file
    runtime_file.parent.mkdir()
    runtime_file.write_text("{}", encoding="utf-8")
    stage.updates.clear()
    stage.start()
    stage.window.turn()
    assert [state.stage for state in stage.updates] == [RunStage.SENDING]


def test_a_failure_does_not_touch_the_others(stage: Play) -> None:
    stage.start()
    stage.next_call().succeed()
    lost = DaemonLostError("x")
    stage.next_call().fail(lost)
    stage.next_call().succeed()
    result = stage.result()
    assert states(result) == ["done", "failed", "done"]
    assert result.outcomes[1].error is lost
    assert [outcome.key for outcome in result.failed] == [1]


@pytest.mark.parametrize("error", [DaemonStartError("x"), NotFoundError("x")])
def test_what_will_befall_all_is_not_tried_again(stage: Play, error: DaemonError) -> None:
    stage.start()
    stage.next_call().succeed()
    stage.next_call().fail(error)
    result = stage.result()
    assert states(result) == ["done", "failed", "failed"]
    assert {outcome.error for outcome in result.failed} == {error}
    assert stage.stylizer.calls.empty()


def test_layers_are_read_when_it_is_their_turn(stage: Play) -> None:
    read: list[int] = []

    def item(number: int) -> RunItem:
        def layer() -> Layer:
            read.append(number)
            if number == 1:
                raise refusals.layer_deleted("Sea")
            return small_layer(number)

        return RunItem(number, layer, f"layer {number}")

    stage.start(*map(item, range(3)))
    call = stage.next_call()
    assert read == [0]
    call.succeed()
    assert stage.next_call().layer == small_layer(2)
    assert read == [0, 1, 2]


def test_what_cannot_be_sent_is_that_layers_failure(stage: Play) -> None:
    stage.start()
    stage.stylizer.refuse = ValueError("no such style")
    stage.window.turn()
    assert states(stage.result()) == ["failed"] * 3


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_cancelling_keeps_what_is_there(stage: Play, finished: int) -> None:
    run = stage.start()
    for _ in range(finished):
        stage.next_call().succeed()
    call = stage.next_call()
    run.cancel()
    run.cancel()
    assert call.future.cancelled()
    result = stage.result()
    assert result.cancelled
    assert states(result) == ["done"] * finished + ["cancelled"] * (3 - finished)
    assert stage.stylizer.calls.empty()


def test_cancelling_before_the_first_layer(stage: Play) -> None:
    stage.start().cancel()
    result = stage.result()
    assert result.cancelled
    assert states(result) == ["cancelled"] * 3
    assert stage.stylizer.calls.empty()


def test_cancelling_while_a_layer_is_read_or_sent(stage: Play) -> None:
    runs: list[LayerRun] = []

    def layer() -> Layer:
        runs[0].cancel()
        return small_layer()

    runs.append(stage.start(RunItem(0, layer, "layer"), *three()[1:]))
    call = stage.next_call()
    assert call.future.cancelled()
    assert states(stage.result()) == ["cancelled"] * 3


def test_cancelling_after_the_last_result_changes_nothing(stage: Play) -> None:
    run = stage.start(three()[0])
    stage.next_call().succeed()
    run.cancel()
    result = stage.result()
    assert not result.cancelled
    assert states(result) == ["done"]
    run.cancel()
    stage.window.turn()
    assert len(stage.results) == 1


def test_a_client_that_is_closed_ends_the_run(stage: Play) -> None:
    stage.start()
    stage.next_call().future.cancel()  # as the client does
    assert stage.result().cancelled


def test_a_daemon_that_is_stopped_is_no_cancelled_run(stage: Play) -> None:
    stage.start()
    stage.next_call().fail(CallCancelledError("x", reason="DAEMON_STOPPING"))
    stage.next_call().succeed()
    stage.next_call().succeed()
    result = stage.result()
    assert not result.cancelled
    assert states(result) == ["failed", "done", "done"]


def test_results_can_be_taken_as_they_come(stage: Play) -> None:
    taken: list[ItemOutcome] = []

    def take(outcome: ItemOutcome) -> None:
        taken.append(outcome)
        if outcome.key == 1:
            raise refusals.image_closed()

    LayerRun.start(
        stage.stylizer,
        three(),
        OPTIONS,
        post=stage.window.post,
        on_update=stage.updates.append,
        on_done=stage.results.append,
        on_item=take,
    )
    for number in range(3):
        stage.next_call().succeed()
        stage.window.turn()
        assert [outcome.key for outcome in taken] == list(range(number + 1))
        assert taken[-1].result is not None
    result = stage.result()
    assert states(result) == ["done", "failed", "done"]
    assert all(outcome.result is None for outcome in result.outcomes)
    assert isinstance(result.outcomes[1].error, refusals.RefusalError)
