"""``pastiche bench editors``: what GIMP, Krita and the wire add to the network's own time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pastiche_daemon.bench.editor_run import CLIENT_ALONE, EditorRun
from pastiche_daemon.bench.in_editors import measured_runs
from pastiche_daemon.bench.report import Bar, BenchReport, Cell

MOST_ADDED_SECONDS = 1.0
MOST_FROZEN_SECONDS = 0.3
MOST_PREVIEW_SECONDS = 0.5

_COLUMNS = (
    "where",
    "total s",
    "network s",
    "added s",
    "coding s",
    "wire s",
    "editor s",
    "freeze s",
    "dialog freeze s",
    "preview s",
)
_NOTES = (
    "An opaque RGBA layer of 3840 x 2160 pixels with 8 bits a sample; the result goes above it.",
    "Network: the daemon's job less the same job at strength 0, where it only decodes and encodes.",
    "Added: all the rest, from the request to the new layer. Medians over the rounds.",
    """Of that, coding: the daemon decodes and encodes; wire: the client alone, less the daemon's
job; editor: what is left, reading and placing the layer.""",
    "Client alone: the plug-ins' client in the editors' Python, without an editor.",
    "GIMP, procedure: called by a script; the start of the plug-in's process counts.",
    "GIMP, dialog: from the click on OK. Krita: from the action, with docker and preview shown.",
    """Freeze: the longest time that the editor's window took to answer _NET_WM_PING, sent every
10 ms until 3 s after the new layer; in Krita also the longest gap of a 5 ms timer. The worst of all
rounds.""",
    """Preview: from a change of the strength to its picture; in GIMP from a click to the changed
screen. The worst of all rounds.""",
)


@dataclass(frozen=True)
class EditorsRequest:
    """What to measure: the editors ("gimp", "krita"), a style by its name, rounds, threads."""

    editors: Sequence[str]
    style: str
    rounds: int
    threads: int


def bench_editors(request: EditorsRequest, report: Callable[[str], None]) -> BenchReport:
    """Measure every place ``rounds`` times at strength 0 and at 1.

    Raises `BenchError` where it cannot be measured.
    """
    return editors_report(list(_measure(request, report)))


def editors_report(runs: Sequence[EditorRun]) -> BenchReport:
    """The table of all runs, and its bars.

    Every place, and the client alone, must have runs at strength 0 and 1.
    """
    rows: list[Sequence[Cell]] = []
    bars: list[Bar] = []
    alone = [run for run in runs if run.place == CLIENT_ALONE]
    wire = statistics.median(run.seconds - run.job_seconds for run in alone)
    for place in dict.fromkeys(run.place for run in runs):
        here = [run for run in runs if run.place == place]
        idle = [run for run in here if run.strength == 0]
        full = [run for run in here if run.strength == 1]
        coding = statistics.median(run.job_seconds for run in idle)
        added = statistics.median(run.seconds - run.job_seconds + coding for run in full)
        frozen = _worst(run.frozen_seconds for run in here)
        preview = _worst(run.preview_seconds for run in here)
        rows.append(
            (
                place,
                statistics.median(run.seconds for run in full),
                statistics.median(run.job_seconds - coding for run in full),
                added,
                coding,
                wire,
                added - coding - wire,
                _cell(frozen),
                _cell(_worst(run.dialog_frozen_seconds for run in here)),
                _cell(preview),
            )
        )
        if place != CLIENT_ALONE:
            bars.append(_bar(f"{place}: added", added, MOST_ADDED_SECONDS))
        if frozen is not None:
            bars.append(_bar(f"{place}: longest freeze", frozen, MOST_FROZEN_SECONDS))
        if preview is not None:
            bars.append(_bar(f"{place}: preview", preview, MOST_PREVIEW_SECONDS))
    return BenchReport(name="editors", columns=_COLUMNS, rows=rows, bars=bars, notes=_NOTES)


def _worst(seconds: Iterator[float | None]) -> float | None:
    return max((value for value in seconds if value is not None), default=None)


def _cell(seconds: float | None) -> Cell:
    return "-" if seconds is None else seconds


def _bar(name: str, seconds: float, most: float) -> Bar:
    return Bar(name, seconds <= most, f"{seconds:.2f} s, at most {most:g} s")


def _measure(request: EditorsRequest, report: Callable[[str], None]) -> Iterator[EditorRun]:
    arguments = ["stylizing", *request.editors, "--style", request.style]
    arguments += ["--rounds", str(request.rounds), "--threads", str(request.threads)]
    for run in measured_runs(arguments, report):
        yield EditorRun(**run)
