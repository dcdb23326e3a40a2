"""Computing the cells of a sweep that are not there yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pastiche_client.results import OptimizeProgress
from pastiche_daemon.cli.sweep_progress import SweepProgress

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
    progress = SweepProgress(console, [cell.options.minimizer.steps or 0 for cell in missing])
    with progress.bar:
        for cell in missing:
            name = _name(cell)
            progress.begin(name)
            result = client.optimize(
                content,
                [StyleLayer(style)] if cell.options.terms.style != 0 else [],
                cell.options,
                on_event=_following(progress),
            )
            outcome = found[cell.key] = cells.save(cell.key, result)
            progress.finish(name, f"loss {outcome.total:.4g}  {outcome.seconds:.1f} s")
    return found


def _following(progress: SweepProgress) -> Callable[[OptimizeEvent], None]:
    def show(event: OptimizeEvent) -> None:
        if isinstance(event, OptimizeProgress):
            progress.at(event.step)

    return show


def _name(cell: Cell) -> str:
    return ", ".join(part for part in (cell.row, cell.column) if part)
