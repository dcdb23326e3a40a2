"""Bars that count what is done, and the time that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn


def counting_bar(console: Console, *columns: ProgressColumn) -> Progress:
    """A bar with a description and `3/8`, and these columns behind it; only on a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def minutes(seconds: float) -> str:
    """Such as `2:05`."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole}:{rest:02d}"


def left(seconds: float) -> str:
    """Such as `2:05 left`."""
    return f"{minutes(seconds)} left"
