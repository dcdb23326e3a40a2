"""The progress of an optimization, on a terminal or in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pastiche_client.results import OptimizeProgress, Queued

if TYPE_CHECKING:
    from rich.console import Console

    from pastiche_client.results import OptimizeEvent

_LINE_SECONDS = 10.0


@contextmanager
def optimize_progress(
    console: Console, max_seconds: float = 0.0
) -> Generator[Callable[[OptimizeEvent], None]]:
    """A bar with the losses and the time left; a line now and then where there is no terminal.

    ``max_seconds`` is when the work ends at the latest; 0 for no such time.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}  {task.fields[losses]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bar.add_task("waiting for the daemon", total=None, left="", losses="")
    told = time.monotonic()

    def show(event: OptimizeEvent) -> None:
        nonlocal told
        if isinstance(event, Queued):
            bar.update(task, description=f"waiting, {event.position} before it")
        if not isinstance(event, OptimizeProgress) or not event.step:
            return
        doing = f"scale {event.scale} of {event.scales}" if event.scales > 1 else "optimizing"
        left, losses = time_left(event, max_seconds), losses_text(event)
        bar.update(
            task,
            description=doing,
            completed=event.step,
            total=event.steps,
            left=left,
            losses=losses,
        )
        if not console.is_terminal and time.monotonic() - told >= _LINE_SECONDS:
            console.print(f"step {event.step}/{event.steps}  {doing}  {losses}  {left}")
            told = time.monotonic()

    with bar:
        yield show


def time_left(event: OptimizeProgress, max_seconds: float = 0.0) -> str:
    """About how long it will take at most, such as `2:05 left`."""
    seconds = (event.steps - event.step) * event.seconds / max(1, event.step)
    if max_seconds:
        seconds = min(seconds, max(0.0, max_seconds - event.seconds))
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} left"


def losses_text(event: OptimizeProgress) -> str:
    """The terms that count, with their weights."""
    if event.losses is None:
        return ""
    terms = {
        "loss": event.losses.total,
        "content": event.losses.content,
        "style": event.losses.style,
        "tv": event.losses.tv,
    }
    return "  ".join(f"{name} {value:.4g}" for name, value in terms.items() if value)
