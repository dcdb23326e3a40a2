"""What the bars of optimizations and dreams show."""

from __future__ import annotations

import io

from rich.console import Console

from pastiche_client.results import DreamProgress, OptimizeProgress, Queued
from pastiche_daemon.cli import optimize_progress
from pastiche_daemon.cli.optimize_progress import dream_progress, time_left


def shown(monkeypatch, events) -> list[str]:
    """The lines of a log for these events."""
    monkeypatch.setattr(optimize_progress, "_LINE_SECONDS", 0.0)
    text = io.StringIO()
    console = Console(file=text, width=200)
    with dream_progress(console) as show:
        for event in events:
            show(event)
    return text.getvalue().splitlines()


def test_a_dream_tells_its_time_only_in_the_last_octave(monkeypatch):
    lines = shown(
        monkeypatch,
        [
            Queued(1),
            DreamProgress(0, 0, 0, 0, 0.0, 0.0),
            DreamProgress(5, 20, 1, 2, 3.0, 1.0),
            DreamProgress(11, 20, 2, 2, 4.0, 4.0),
            DreamProgress(15, 20, 2, 2, 5.0, 12.0),
        ],
    )
    assert [line.split("  ")[:3] for line in lines] == [
        ["step 5/20", "octave 1 of 2", "activation 3"],
        ["step 11/20", "octave 2 of 2", "activation 4"],
        ["step 15/20", "octave 2 of 2", "activation 5"],
    ]
    assert [line.endswith("left") for line in lines] == [False, False, True]
    assert lines[-1].endswith("0:10 left")  # 5 steps of 2 seconds


def test_an_optimization_tells_its_time():
    event = OptimizeProgress(20, 100, 1, 1, None, 30.0)
    assert time_left(event) == "2:00 left"
    assert time_left(event, max_seconds=40) == "0:10 left"
