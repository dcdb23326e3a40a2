"""``pastiche bench painting``: how soon a painting ends in GIMP and Krita."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pastiche_daemon.bench.editor_run import PaintingRun
from pastiche_daemon.bench.in_editors import measured_runs
from pastiche_daemon.bench.report import Bar, BenchReport, Cell

#: Beside the step that is being made.
MOST_ENDING_SECONDS = 0.25
MOST_PREVIEW_SECONDS = 2.0

_COLUMNS = ("where", "end", "click to end s", "to idle daemon s", "step s", "picture every s")
_NOTES = (
    """An opaque RGBA layer of 1280 x 960 pixels with 8 bits a sample, painted like a layer of
640 x 480 in the quality Good (512 pixels) with the built-in encoder.""",
    """End: from the click to the new layer in the image, or to the editor's being ready for another
painting. Idle: until the daemon runs nothing any more. The worst of all rounds.""",
    "Step: the median of the same painting's steps before the click. The median of the rounds.",
    "Picture: the longest time from one shown picture to the next. The worst of all rounds.",
)


@dataclass(frozen=True)
class PaintingRequest:
    """What to measure: the editors ("gimp", "krita"), rounds of each end, threads."""

    editors: Sequence[str]
    rounds: int
    threads: int


def bench_painting(request: PaintingRequest, report: Callable[[str], None]) -> BenchReport:
    """Cancel and keep ``rounds`` paintings in each editor.

    Raises `BenchError` where it cannot be measured.
    """
    return painting_report(list(_measure(request, report)))


def painting_report(runs: Sequence[PaintingRun]) -> BenchReport:
    """The table of all runs, and its bars: each run against its own step."""
    rows: list[Sequence[Cell]] = []
    bars: list[Bar] = []
    for place, kept in dict.fromkeys((run.place, run.kept) for run in runs):
        here = [run for run in runs if (run.place, run.kept) == (place, kept)]
        steps = sorted(run.step_seconds for run in here)
        pictures = max(run.preview_seconds for run in here)
        end = "stop and keep" if kept else "cancel"
        rows.append(
            (
                place,
                end,
                max(run.seconds for run in here),
                max(run.freed_seconds for run in here),
                steps[len(steps) // 2],
                pictures,
            )
        )
        for name, over in (
            ("end", max(run.seconds - run.step_seconds for run in here)),
            ("idle daemon", max(run.freed_seconds - run.step_seconds for run in here)),
        ):
            detail = f"{over:.2f} s and a step, at most {MOST_ENDING_SECONDS:g} s and a step"
            bars.append(Bar(f"{place}, {end}: {name}", over <= MOST_ENDING_SECONDS, detail))
        detail = f"every {pictures:.2f} s, at least every {MOST_PREVIEW_SECONDS:g} s"
        bars.append(Bar(f"{place}, {end}: pictures", pictures <= MOST_PREVIEW_SECONDS, detail))
    return BenchReport(name="painting", columns=_COLUMNS, rows=rows, bars=bars, notes=_NOTES)


def _measure(request: PaintingRequest, report: Callable[[str], None]) -> Iterator[PaintingRun]:
    arguments = ["painting", *request.editors]
    arguments += ["--rounds", str(request.rounds), "--threads", str(request.threads)]
    for run in measured_runs(arguments, report):
        yield PaintingRun(**run)
