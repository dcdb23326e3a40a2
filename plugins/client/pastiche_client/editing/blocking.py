"""Runs layers for a caller that waits: scripts, and editors' non-interactive calls."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from typing import TYPE_CHECKING

from pastiche_client.editing.paint_run import PaintRun
from pastiche_client.editing.run import LayerRun
from pastiche_client.editing.run_states import Outcomes, ResultT
from pastiche_client.editing.upscale_run import UpscaleRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.item_run import ItemRun
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.paint_run import Painter, PaintResult, Picture, Plane
    from pastiche_client.editing.run import ItemOutcome, RunItem, RunResult, RunState, Stylizer
    from pastiche_client.editing.upscale_run import Upscaler, UpscaleRunResult
    from pastiche_client.layer import Layer

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
    return _wait(
        lambda post, on_done: LayerRun(
            client, items, options, post=post, on_update=on_update, on_done=on_done, on_item=on_item
        ).begin()
    )


def paint_and_wait(
    client: Painter,
    item: RunItem,
    styles: Sequence[Picture],
    options: PaintOptions,
    *,
    on_update: Callable[[RunState], None],
    on_preview: Callable[[Layer], None] = lambda _: None,
    regions: Sequence[Plane | None] = (),
    strength_mask: Plane | None = None,
) -> PaintResult:
    """Paint a layer like others and wait, as `run_and_wait` does; see `PaintRun`."""
    return _wait(
        lambda post, on_done: PaintRun(
            client,
            item,
            styles,
            options,
            post=post,
            on_update=on_update,
            on_preview=on_preview,
            on_done=on_done,
            regions=regions,
            strength_mask=strength_mask,
        ).begin()
    )


def upscale_and_wait(
    client: Upscaler, item: RunItem, factor: int, *, on_update: Callable[[RunState], None]
) -> UpscaleRunResult:
    """Make a layer larger and wait, as `run_and_wait` does; see `UpscaleRun`."""
    return _wait(
        lambda post, on_done: UpscaleRun(
            client, [item], factor, post=post, on_update=on_update, on_done=on_done
        ).begin()
    )


def _wait(
    start: Callable[[Post, Callable[[Outcomes[ResultT]], None]], ItemRun[ResultT]],
) -> Outcomes[ResultT]:
    calls: queue.Queue[Callable[[], None]] = queue.Queue()
    results: list[Outcomes[ResultT]] = []
    run = start(calls.put, results.append)
    try:
        while not results:
            with contextlib.suppress(queue.Empty):
                calls.get(timeout=_WAIT_SECONDS)()
    except BaseException:
        run.cancel()
        raise
    return results[0]
