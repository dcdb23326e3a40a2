"""What people type, and what they are shown."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click
import pytest

from pastiche_client.cancel import StopToken
from pastiche_client.results import OptimizeProgress, WeightedLosses
from pastiche_daemon.cli.interrupts import stop_on_interrupt
from pastiche_daemon.cli.optimize_arguments import layer_weights, layers_up_to, split_picture
from pastiche_daemon.cli.optimize_progress import losses_text, time_left


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg", ("a.jpg", 1.0)),
        ("a.jpg:0.5", ("a.jpg", 0.5)),
        ("a:b.jpg:2", ("a:b.jpg", 2.0)),
        ("a.jpg:0", ("a.jpg", 0.0)),
        ("C:\\a.jpg", ("C:\\a.jpg", 1.0)),
        ("C:/a.jpg", ("C:/a.jpg", 1.0)),
        ("C:\\a.jpg:3", ("C:\\a.jpg", 3.0)),
    ],
)
def test_a_picture_may_have_a_weight(text, expected):
    assert split_picture(text) == (Path(expected[0]), expected[1])


def test_layers_have_weights():
    assert layer_weights(None, "--x") == {}
    assert layer_weights("relu1_1, conv2_1:0.5", "--x") == {"relu1_1": 1.0, "conv2_1": 0.5}
    for wrong in ("relu1_1,,", "relu1_1:", "relu1_1:x", "relu1_1:-1", "a,a"):
        with pytest.raises(click.UsageError, match="--x"):
            layer_weights(wrong, "--x")


def test_layers_up_to_one():
    assert list(layers_up_to("conv3_1")) == ["conv1_1", "conv2_1", "conv3_1"]
    assert list(layers_up_to("relu1_1")) == ["relu1_1"]
    for wrong in ("conv3_2", "pool1", "conv6_1", ""):
        with pytest.raises(click.UsageError, match="--up-to"):
            layers_up_to(wrong)


def progress(step: int, seconds: float) -> OptimizeProgress:
    losses = WeightedLosses(total=1.5, content=0.0, style=1.25, tv=0.25)
    return OptimizeProgress(step, 100, 1, 1, losses, seconds)


def test_the_time_left_is_told():
    assert time_left(progress(50, 50.0)) == "0:50 left"
    assert time_left(progress(1, 3.0)) == "4:57 left"
    assert time_left(progress(50, 50.0), max_seconds=60.0) == "0:10 left"
    assert time_left(progress(50, 70.0), max_seconds=60.0) == "0:00 left"


def test_only_terms_that_count_are_told():
    assert losses_text(progress(1, 1.0)) == "loss 1.5  style 1.25  tv 0.25"


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C reaches the tests, too")
def test_the_first_interrupt_stops_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGINT)
    said: list[bool] = []
    with stop_on_interrupt(lambda: said.append(True)) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.stopped
        assert said == [True]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_are_left_alone():
    done: list[StopToken] = []

    def run() -> None:
        with stop_on_interrupt(lambda: None) as stop:
            done.append(stop)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not done[0].stopped


def test_a_stop_token_calls_at_once_and_later():
    token, calls = StopToken(), list[str]()
    with token.calling(lambda: calls.append("later")):
        assert calls == []
        token.stop()
    with token.calling(lambda: calls.append("at once")):
        pass
    token.stop()
    assert calls == ["later", "at once"]
