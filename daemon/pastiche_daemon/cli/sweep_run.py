"""Computing the cells of a sweep that are not there yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pastiche_client.results import OptimizeProgress

if TYPE_CHECKING:
    from rich.console import Console

    from pastiche_client.client import Client
    from pastiche_client.layer import Layer
    from pastiche_client.results import OptimizeEvent
    from pastiche_daemon.cli.sweep_cells import CellFolder, Outcome
    from pastiche_daemon.cli.sweep_plan import Cell, Plan


def compute(
    console: Console,
    client: Client,
    plan: Plan,
    cells: CellFolder,
    content: Layer,
    style: Layer,
) -> dict[str, Outcome]:
    """The outcomes of all cells by their keys, and their pictures in the folder.

    A bar, or a line for every cell where there is no terminal, shows the time left. What is
    interrupted is done again the next time, what is finished is not.

    Raises:
        DaemonError: the daemon refused, or failed.
        packs.errors.StorageError, StorageFullError: a cell cannot be written.
    """
    from pastiche_client.optimize_options import StyleLayer

    found = {cell.key: outcome for cell in plan.cells if (outcome := cells.load(cell.key))}
    missing = list({cell.key: cell for cell in plan.cells if cell.key not in found}.values())
    if found:
        console.print(f"{len(found)} of {len(found) + len(missing)} cells are there already.")
    progress = _Progress(console, missing)
    with progress.bar:
        for cell in missing:
            result = client.optimize(
                content,
                [StyleLayer(style)] if cell.options.terms.style != 0 else [],
                cell.options,
                on_event=progress.following(cell),
            )
            found[cell.key] = cells.save(cell.key, result)
            progress.finish(cell, found[cell.key])
    return found


class _Progress:
    """All steps of all cells in one bar."""

    def __init__(self, console: Console, missing: list[Cell]) -> None:
        self._console = console
        self._steps = [cell.options.minimizer.steps or 0 for cell in missing]
        self._done = 0
        self._began = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self.bar.add_task("sweeping", total=sum(self._steps))

    def following(self, cell: Cell) -> Callable[[OptimizeEvent], None]:
        before = sum(self._steps[: self._done])
        place = f"cell {self._done + 1}/{len(self._steps)}: {_name(cell)}"

        def show(event: OptimizeEvent) -> None:
            if isinstance(event, OptimizeProgress):
                self.bar.update(self._task, description=place, completed=before + event.step)

        return show

    def finish(self, cell: Cell, outcome: Outcome) -> None:
        self._done += 1
        done = sum(self._steps[: self._done])
        self.bar.update(self._task, completed=done)
        if not self._console.is_terminal:
            left = (time.monotonic() - self._began) * (sum(self._steps) - done) / max(1, done)
            minutes, seconds = divmod(round(left), 60)
            self._console.print(
                f"cell {self._done}/{len(self._steps)}  {_name(cell)}  loss {outcome.total:.4g}  "
                f"{outcome.seconds:.1f} s  {minutes}:{seconds:02d} left"
            )


def _name(cell: Cell) -> str:
    return ", ".join(part for part in (cell.row, cell.column) if part)
