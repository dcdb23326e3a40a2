"""Following the trainings of styles, against a daemon that answers as the test says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from pastiche_client.editing.training_watch import TrainingWatch
from pastiche_client.errors import DaemonNotRunningError, ExhaustedError, InvalidRequestError
from pastiche_client.layer import Layer
from pastiche_client.trainings import LearnOptions, Training, TrainingState
from tests.unit.editing.scripted import Window, small_layer

FIRST = Training(
    name="operations/training-1",
    display_name="Waves",
    pack="packs/waves",
    state=TrainingState.RUNNING,
    step=3,
    steps=10,
    seconds=1.0,
    seconds_left=None,
    losses=None,
    sample=b"",
    sample_media_type="",
    sample_step=0,
    base_pack="packs/masters",
    start_style="",
    create_time=0.0,
    notes=(),
    style="",
    error=None,
    done=False,
)
DONE = replace(FIRST, state=TrainingState.DONE, done=True, style="packs/waves/styles/waves")
FAILED = replace(
    FIRST, state=TrainingState.FAILED, done=True, error=ExhaustedError("the disk is full")
)
CANCELLED = replace(FIRST, state=TrainingState.CANCELLED, done=True)


class ScriptedLearner:
    """Stands for a `Client`."""

    def __init__(self) -> None:
        self.found: list[Training] = []
        self.asked: list[object] = []
        self.refuse: Exception | None = None

    def trainings(self) -> list[Training]:
        if self.refuse is not None:
            raise self.refuse
        return list(self.found)

    def start_learning(
        self, style: Layer, name: str, options: LearnOptions | None = None
    ) -> Training:
        self.asked.append(("start", style, name, options))
        if self.refuse is not None:
            raise self.refuse
        self.found.append(replace(FIRST, display_name=name))
        return self.found[-1]

    def cancel_training(self, name: str) -> None:
        self.asked.append(("cancel", name))

    def finish_training(self, name: str) -> Training:
        self.asked.append(("finish", name))
        return FIRST

    def resume_training(self, name: str) -> Training:
        self.asked.append(("resume", name))
        return FIRST

    def forget_training(self, name: str) -> None:
        self.asked.append(("forget", name))
        self.found = [training for training in self.found if training.name != name]


@dataclass
class Play:
    """A watch, and what it told."""

    learner: ScriptedLearner = field(default_factory=ScriptedLearner)
    window: Window = field(default_factory=Window)
    changes: list[tuple[Training, ...]] = field(default_factory=list[tuple[Training, ...]])
    learned: list[Training] = field(default_factory=list[Training])
    failures: list[Exception] = field(default_factory=list[Exception])

    def __post_init__(self) -> None:
        self.watch = TrainingWatch(
            self.learner,
            self.window.post,
            on_changed=lambda: self.changes.append(self.watch.trainings),
            on_learned=self.learned.append,
            on_failed=self.failures.append,
        )

    def until_shown(self, *trainings: Training) -> None:
        self.window.turn_until(lambda: self.watch.trainings == trainings)


@pytest.fixture
def play() -> Play:
    return Play()


def test_a_training_is_followed_to_its_end(play: Play) -> None:
    play.watch.start(small_layer(), "Waves", 2.0)
    play.until_shown(FIRST)
    assert play.learner.asked == [("start", small_layer(), "Waves", LearnOptions(minutes=2.0))]
    further = replace(FIRST, step=7)
    play.learner.found = [further]
    play.until_shown(further)
    play.learner.found = [DONE]
    play.until_shown(DONE)
    assert play.learned == [DONE]
    assert play.changes == [(FIRST,), (further,), (DONE,)]
    assert not play.failures


def test_one_of_an_earlier_start_is_seen_again(play: Play) -> None:
    play.learner.found = [replace(DONE, name="operations/training-0"), FIRST]
    play.watch.look()
    # One that was done before is none of this one's.
    play.until_shown(FIRST)
    assert not play.learned
    play.learner.found = [DONE]
    play.until_shown(DONE)
    assert play.learned == [DONE]


def test_one_that_failed_is_told_once_and_can_be_gone_on_with(play: Play) -> None:
    play.learner.found = [FIRST]
    play.watch.look()
    play.until_shown(FIRST)
    play.learner.found = [FAILED]
    play.until_shown(FAILED)
    assert play.failures == [FAILED.error]
    play.learner.found = [FIRST]
    play.watch.resume(FAILED)
    play.until_shown(FIRST)
    assert play.learner.asked == [("resume", FIRST.name)]


def test_one_that_failed_long_ago_is_shown_but_not_told(play: Play) -> None:
    play.learner.found = [FAILED]
    play.watch.look()
    play.until_shown(FAILED)
    assert not play.failures
    play.watch.forget(FAILED)
    play.until_shown()
    assert play.learner.asked == [("forget", FIRST.name)]


def test_a_cancelled_one_goes_off_the_list(play: Play) -> None:
    play.learner.found = [FIRST]
    play.watch.look()
    play.until_shown(FIRST)
    play.learner.found = [CANCELLED]
    play.watch.cancel(FIRST)
    play.until_shown()
    assert play.learner.asked == [("cancel", FIRST.name)]
    assert not play.learned
    assert not play.failures


def test_finishing_early(play: Play) -> None:
    play.learner.found = [FIRST]
    play.watch.look()
    play.until_shown(FIRST)
    play.learner.found = [DONE]
    play.watch.finish(FIRST)
    play.until_shown(DONE)
    assert play.learner.asked == [("finish", FIRST.name)]
    assert play.learned == [DONE]


def test_a_refusal_is_told(play: Play) -> None:
    play.learner.refuse = InvalidRequestError("there is one of that name")
    play.watch.start(small_layer(), "Waves", 2.0)
    play.window.turn_until(lambda: bool(play.failures))
    assert play.failures[0] is play.learner.refuse


def test_a_daemon_that_is_gone_is_told(play: Play) -> None:
    play.learner.refuse = DaemonNotRunningError("gone")
    play.watch.look()
    play.window.turn_until(lambda: bool(play.failures))
    assert play.failures == [play.learner.refuse]


def test_a_closed_watch_asks_and_tells_nothing(play: Play) -> None:
    play.watch.look()
    play.watch.close()
    play.learner.found = [FIRST]
    play.watch.look()
    play.window.posted.get(timeout=60)()  # the answer that was on its way
    assert play.watch.trainings == ()
    assert not play.changes
