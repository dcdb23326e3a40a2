"""The progress of an optimization or a dream, on a terminal or in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.progress import TextColumn

from pastiche_client.results import DreamProgress, OptimizeProgress, Queued
from pastiche_daemon.cli import counting

if TYPE_CHECKING:
    from rich.console import Console

_LINE_SECONDS = 10.0


class Told(NamedTuple):
    """What to show of a step. `left` and `details` may be empty."""

    step: int
    steps: int
    doing: str
    left: str
    details: str


@contextmanager
def step_progress(
    console: Console, tell: Callable[[Any], Told | None]
) -> Generator[Callable[[object], None]]:
    """A bar with details and the time left; a line now and then where there is no terminal.

    Args:
        tell: what to show of an event, if anything.
    """
    bar = counting.counting_bar(console, TextColumn("{task.fields[left]}  {task.fields[details]}"))
    task = bar.add_task("waiting for the daemon", total=None, left="", details="")
    told_at = time.monotonic()

    def show(event: object) -> None:
        nonlocal told_at
        if isinstance(event, Queued):
            bar.update(task, description=f"waiting, {event.position} before it")
            return
        told = tell(event)
        if told is None:
            return
        bar.update(
            task,
            description=told.doing,
            completed=told.step,
            total=told.steps,
            left=told.left,
            details=told.details,
        )
        if not console.is_terminal and time.monotonic() - told_at >= _LINE_SECONDS:
            console.print(
                f"step {told.step}/{told.steps}  {told.doing}  {told.details}  {told.left}"
            )
            told_at = time.monotonic()

    with bar:
        yield show


def optimize_progress(
    console: Console, max_seconds: float = 0.0
) -> AbstractContextManager[Callable[[object], None]]:
    """The progress of an optimization, with its losses.

    ``max_seconds`` is when the work ends at the latest; 0 for no such time.
    """

    def tell(event: object) -> Told | None:
        if not isinstance(event, OptimizeProgress) or not event.step:
            return None
        doing = f"scale {event.scale} of {event.scales}" if event.scales > 1 else "optimizing"
        left = time_left(event, max_seconds)
        return Told(event.step, event.steps, doing, left, losses_text(event))

    return step_progress(console, tell)


def dream_progress(console: Console) -> AbstractContextManager[Callable[[object], None]]:
    """The progress of a dream, with its activations; near the end, the time left."""
    octave, before, began = 0, 0, 0.0

    def tell(event: object) -> Told | None:
        nonlocal octave, before, began
        if not isinstance(event, DreamProgress) or not event.step:
            return None
        if event.octave != octave:
            octave, before, began = event.octave, event.step, event.seconds
        left = ""
        # Every octave takes longer than those before; only the last one tells its own time.
        if event.octave == event.octaves and event.step > before:
            pace = (event.seconds - began) / (event.step - before)
            left = counting.left((event.steps - event.step) * pace)
        doing = f"octave {event.octave} of {event.octaves}" if event.octaves > 1 else "dreaming"
        return Told(event.step, event.steps, doing, left, f"activation {event.activation:.4g}")

    return step_progress(console, tell)


def time_left(event: OptimizeProgress, max_seconds: float = 0.0) -> str:
    """About how long it will take at most, such as `2:05 left`."""
    seconds = (event.steps - event.step) * event.seconds / max(1, event.step)
    if max_seconds:
        seconds = min(seconds, max(0.0, max_seconds - event.seconds))
    return counting.left(seconds)


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
