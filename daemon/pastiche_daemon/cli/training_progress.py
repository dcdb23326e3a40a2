"""The progress of a training, on a terminal or in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY = 50


class Report(Protocol):
    """One finished step of a training."""

    @property
    def step(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    def terms(self) -> Mapping[str, float]:
        """What to show, by name."""
        ...


@contextmanager
def training_progress(
    console: Console, steps: int, done: int = 0
) -> Iterator[Callable[[Report], None]]:
    """A bar with the losses and the time left; a line now and then where there is no terminal."""
    progress = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=console,
        disable=not console.is_terminal,
    )
    averages: dict[str, float] = {}

    def show(report: Report) -> None:
        for name, value in report.terms().items():
            averages[name] = averages.get(name, value) * 0.98 + value * 0.02
        losses = "  ".join(f"{name} {value:.4f}" for name, value in averages.items())
        progress.update(task, completed=report.step, losses=losses)
        if not console.is_terminal and (report.step % _LINE_EVERY == 0 or report.step == steps):
            pace = report.seconds / report.step
            left = (steps - report.step) * pace / 60
            click.echo(
                f"step {report.step}/{steps}  {losses}  {pace:.2f} s/step  {left:.0f} min left",
                err=True,
            )

    with progress:
        task = progress.add_task("training", total=steps, completed=done, losses="")
        yield show
