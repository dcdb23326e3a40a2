"""The latest request wins, against a daemon that answers as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pastiche_client.editing import live_preview
from pastiche_client.editing.live_preview import LivePreview, PreviewPicture
from pastiche_client.editing.options import Options
from pastiche_client.editing.surroundings import Surroundings
from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import translator
from pastiche_client.errors import DaemonLostError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import Progress, Queued, Stage
from tests.unit.editing.scripted import WAIT_SECONDS, ScriptedStylizer, Window, small_layer

WORKING = Progress(0.5, Stage.STYLIZING)
LOADING = Progress(0.0, Stage.LOADING)


@dataclass
class Play:
    """A preview, and what it showed."""

    stylizer: ScriptedStylizer
    window: Window = field(default_factory=Window)
    shown: list[PreviewPicture] = field(default_factory=list[PreviewPicture])
    failures: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.preview = LivePreview(
            self.stylizer,
            self.window.post,
            self.shown.append,
            self.failures.append,
            Texts(translator(["en"])),
        )

    def request(self, strength: float) -> None:
        options = Options("tiny/one", strength=strength)
        self.preview.request(small_layer(), options, tag=strength)

    @property
    def strengths(self) -> list[float]:
        return [picture.options.strength for picture in self.shown]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    play = Play(ScriptedStylizer(tmp_path))
    yield play
    play.preview.close()
    play.preview._thread.join(WAIT_SECONDS)
    assert not play.preview._thread.is_alive()


@pytest.fixture
def impatient(play: Play, monkeypatch: pytest.MonkeyPatch) -> Play:
    """A call that may be ended is ended at once."""
    monkeypatch.setattr(live_preview, "_PATIENCE_SECONDS", (0.0, 0.0))
    return play


def test_a_request_is_shown(play: Play) -> None:
    play.request(0.4)
    call = play.stylizer.next_call()
    assert call.arguments["strength"] == 0.4
    call.succeed()
    play.window.turn_until(lambda: bool(play.shown))
    (picture,) = play.shown
    assert (picture.layer, picture.tag) == (small_layer(), 0.4)
    assert play.failures == []


def test_a_detail_is_sent_amid_its_surroundings_and_shown_alone(play: Play) -> None:
    whole = Layer(2, 1, PixelFormat.GREY, SampleType.U8, b"ab")
    play.preview.request(small_layer(88), Options("tiny/one"), None, Surroundings(whole, 1, 0))
    call = play.stylizer.next_call()
    assert bytes(call.layer.data) == b"aX"
    call.succeed()
    play.window.turn_until(lambda: bool(play.shown))
    assert play.shown[0].layer == small_layer(88)


def test_requests_that_come_together_are_one(play: Play) -> None:
    with play.preview._changed:  # the preview's thread cannot run between them
        for step in range(5):
            play.request(step / 10)
    assert play.stylizer.next_call().arguments["strength"] == 0.4
    assert play.stylizer.calls.empty()


def test_a_slider_that_never_rests_is_followed(play: Play) -> None:
    seen = 0
    for step in range(100_000):
        play.request(step % 100 / 100)
        play.preview._thread.join(0.01)
        if not play.stylizer.calls.empty():
            play.stylizer.next_call().succeed()
            seen += 1
        if seen == 3:
            break
    assert seen == 3


def test_a_quick_picture_is_shown_though_a_newer_one_is_wanted(play: Play) -> None:
    play.request(0.1)
    first = play.stylizer.next_call()
    first.on_event(LOADING)
    play.request(0.2)
    play.request(0.3)
    first.succeed()
    play.stylizer.next_call().succeed()
    play.window.turn_until(lambda: 0.3 in play.strengths)
    assert play.strengths in ([0.1, 0.3], [0.3])  # the older one is skipped by a busy window


def test_a_slow_one_is_ended_for_the_newest(impatient: Play) -> None:
    impatient.request(0.1)
    first = impatient.stylizer.next_call()
    first.on_event(WORKING)
    assert not first.future.done()
    impatient.request(0.2)
    first.wait_cancelled()
    impatient.stylizer.next_call().succeed()
    impatient.window.turn_until(lambda: impatient.strengths == [0.2])


def test_where_pictures_take_long_they_are_waited_for_longer(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_preview, "_PATIENCE_SECONDS", (0.0, 1000.0))
    play.preview._usual_seconds = 500.0  # what the last one took
    play.request(0.1)
    first = play.stylizer.next_call()
    first.on_event(WORKING)
    play.request(0.2)
    first.succeed()  # raises if it was ended
    second = play.stylizer.next_call()
    assert play.preview._usual_seconds < 500
    second.on_event(WORKING)
    play.preview._usual_seconds = 0.0
    play.request(0.3)
    second.wait_cancelled()


def test_one_that_waits_in_the_queue_is_ended_for_the_newest(play: Play) -> None:
    play.request(0.1)
    first = play.stylizer.next_call()
    play.request(0.2)
    first.on_event(Queued(3))
    first.wait_cancelled()
    assert play.stylizer.next_call().arguments["strength"] == 0.2


def test_one_that_waits_in_the_queue_goes_on_where_nothing_newer_is_wanted(impatient: Play) -> None:
    impatient.request(0.1)
    call = impatient.stylizer.next_call()
    call.on_event(Queued(3))
    a_moment_passes(impatient)
    call.on_event(WORKING)
    a_moment_passes(impatient)
    call.succeed()  # raises if it was ended
    impatient.window.turn_until(lambda: impatient.strengths == [0.1])


def a_moment_passes(play: Play) -> None:
    """Time in which the preview's thread could do what it must not."""
    play.preview._thread.join(0.2)


def test_one_that_starts_the_daemon_goes_on(impatient: Play) -> None:
    impatient.request(0.1)
    first = impatient.stylizer.next_call()
    impatient.request(0.2)
    first.on_event(LOADING)
    a_moment_passes(impatient)
    first.succeed()  # raises if it was ended
    assert impatient.stylizer.next_call().arguments["strength"] == 0.2


def test_a_window_that_was_busy_gets_only_the_newest(play: Play) -> None:
    for strength in (0.1, 0.2):
        play.request(strength)
        play.stylizer.next_call().succeed()
    while play.window.posted.qsize() < 2:
        play.preview._thread.join(0.01)
    play.window.turn()
    assert play.strengths == [0.2]


def test_nothing_is_shown_that_was_forgotten(play: Play) -> None:
    play.request(0.1)
    play.stylizer.next_call().succeed()
    while play.window.posted.empty():
        play.preview._thread.join(0.01)
    play.preview.clear()
    play.window.turn()
    assert play.shown == []

    play.request(0.2)
    call = play.stylizer.next_call()
    play.preview.clear()
    call.wait_cancelled()

    play.request(0.3)
    play.stylizer.next_call().succeed()
    play.window.turn_until(lambda: play.strengths == [0.3])


def test_closing_ends_what_runs_and_shows_nothing_more(play: Play) -> None:
    play.request(0.1)
    call = play.stylizer.next_call()
    play.preview.close()
    play.preview.close()
    call.wait_cancelled()
    play.request(0.2)
    play.preview._thread.join(WAIT_SECONDS)
    assert play.stylizer.calls.empty()
    play.window.turn()
    assert (play.shown, play.failures) == ([], [])


def test_trouble_is_told_and_the_next_request_tries_again(play: Play) -> None:
    play.request(0.1)
    play.stylizer.next_call().fail(DaemonLostError("x", reason="DAEMON_LOST"))
    play.window.turn_until(lambda: bool(play.failures))
    assert "Try again" in play.failures[0]

    play.stylizer.refuse = RuntimeError("the client is closed")
    play.request(0.2)
    play.window.turn_until(lambda: len(play.failures) == 2)
    assert "the client is closed" in play.failures[1]

    play.stylizer.refuse = None
    play.request(0.3)
    play.stylizer.next_call().succeed()
    play.window.turn_until(lambda: play.strengths == [0.3])
