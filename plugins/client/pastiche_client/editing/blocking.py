"""Runs layers for a caller that waits: scripts, and editors' non-interactive calls."""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING

from pastiche_client.editing.run import LayerRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.run import ItemOutcome, RunItem, RunResult, RunState, Stylizer

# Waiting without a timeout cannot be interrupted on Windows.
_WAIT_SECONDS = 0.2


def run_and_wait(
    client: Stylizer,
    items: Sequence[RunItem],
    options: Options,
    *,
    on_update: Callable[[RunState], None],
    on_item: Callable[[ItemOutcome], None] | None = None,
) -> RunResult:
    """Stylize the items and wait. All callbacks are called in the caller's own thread.

    What `on_update` raises, and Ctrl+C, cancels the run and is raised.
    """
    calls: queue.Queue[Callable[[], None]] = queue.Queue()
    results: list[RunResult] = []
    run = LayerRun.start(
        client,
        items,
        options,
        post=calls.put,
        on_update=on_update,
        on_done=results.append,
        on_item=on_item,
    )
    try:
        while not results:
            with contextlib.suppress(queue.Empty):
                calls.get(timeout=_WAIT_SECONDS)()
    except BaseException:
        run.cancel()
        raise
    return results[0]
