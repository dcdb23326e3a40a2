"""How far a sweep is: all steps of all cells in one bar."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import TimeRemainingColumn

from pastiche_daemon.cli.counting import counting_bar, left


class SweepProgress:
    """A bar, or a line for every cell where there is no terminal. Cells come in their order."""

    def __init__(self, console: Console, steps: Sequence[int]) -> None:
        """``steps`` of every cell that is to be computed."""
        self._console = console
        self._steps = steps
        self._cell = 0
        self._began = time.monotonic()
        self.bar = counting_bar(console, TimeRemainingColumn())
        self._task = self.bar.add_task("sweeping", total=sum(steps))

    def begin(self, name: str) -> None:
        """The next cell begins."""
        place = f"cell {self._cell + 1}/{len(self._steps)}: {name}"
        self.bar.update(self._task, description=place)

    def at(self, step: int) -> None:
        """So many steps of the cell are done."""
        self.bar.update(self._task, completed=sum(self._steps[: self._cell]) + step)

    def finish(self, name: str, outcome: str) -> None:
        """The cell is done; ``outcome`` says what came of it."""
        self._cell += 1
        done = sum(self._steps[: self._cell])
        self.bar.update(self._task, completed=done)
        if not self._console.is_terminal:
            seconds = (time.monotonic() - self._began) * (sum(self._steps) - done) / max(1, done)
            self._console.print(
                f"cell {self._cell}/{len(self._steps)}  {name}  {outcome}  {left(seconds)}"
            )
