"""Paints several pictures like the same others, one after the other: an animation's frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pastiche_client.editing.paint_run import PaintRun
from pastiche_client.editing.run_states import Outcome, Outcomes, RunItem, RunState

if TYPE_CHECKING:
    from typing_extensions import Self

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.paint_run import (
        Painter,
        PaintOutcome,
        PaintResult,
        Picture,
        Plane,
    )
    from pastiche_client.layer import Layer


@dataclass(frozen=True)
class PaintItem:
    """A picture of a series, with masks of its size; see `PaintRun`."""

    item: RunItem
    regions: Sequence[Plane | None] = ()
    strength_mask: Plane | None = None


class PaintSeries:
    """A series of runs, each of one picture; see `PaintRun`.

    The callbacks come through `post`, never before `begin` has returned: `on_update` and
    `on_preview` often, `on_item` with each picture's outcome as soon as it is there, and `on_done`
    once, last. The outcomes of `on_done` are without the results, which need not all be in memory;
    what `on_item` raises becomes that picture's failure. The first failure ends the series. What
    was not painted because the series was stopped with `stop_and_keep` has no outcome.
    """

    def __init__(
        self,
        client: Painter,
        items: Sequence[PaintItem],
        styles: Sequence[Picture],
        options: PaintOptions,
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_preview: Callable[[Layer], None],
        on_item: Callable[[PaintOutcome], None],
        on_done: Callable[[PaintResult], None],
    ) -> None:
        self._client = client
        self._items = tuple(items)
        self._styles = tuple(styles)
        self._options = options
        self._post = post
        self._on_update = on_update
        self._on_preview = on_preview
        self._on_item = on_item
        self._on_done = on_done
        self._outcomes: list[PaintOutcome] = []
        self._run: PaintRun | None = None
        self._cancelled = False
        self._stopped = False

    # In the thread of windows: ---------------------------------------------------------------

    def begin(self) -> Self:
        """Start it; returns it."""
        self._post(self._next)
        return self

    def cancel(self) -> None:
        """End it soon, between pictures or within one."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    def stop_and_keep(self) -> None:
        """End it soon with the present picture as it stands, and without those that follow."""
        self._stopped = True
        if self._run is not None:
            self._run.stop_and_keep()

    def _next(self) -> None:
        index = len(self._outcomes)
        rest = [entry.item for entry in self._items[index:]]
        failed = any(outcome.error is not None for outcome in self._outcomes)
        # One that is stopped before its first picture still has that one.
        if self._stopped and index and not self._cancelled:
            rest = []
        if self._cancelled or failed or not rest:
            self._outcomes += [Outcome(item.key, item.label) for item in rest]
            cut = any(outcome.cancelled for outcome in self._outcomes)
            self._on_done(Outcomes(tuple(self._outcomes), cancelled=cut))
            return
        entry = self._items[index]
        self._run = PaintRun(
            self._client,
            entry.item,
            self._styles,
            self._options,
            post=self._post,
            on_update=self._updated,
            on_preview=self._on_preview,
            on_done=self._ended,
            regions=entry.regions,
            strength_mask=entry.strength_mask,
        ).begin()
        if self._stopped:
            self._run.stop_and_keep()

    def _updated(self, state: RunState) -> None:
        index, count = len(self._outcomes), len(self._items)
        fraction = (index + state.fraction) / count
        self._on_update(replace(state, index=index, count=count, fraction=fraction))

    def _ended(self, result: PaintResult) -> None:
        (outcome,) = result.outcomes
        self._run = None
        self._cancelled |= outcome.cancelled
        try:
            self._on_item(outcome)
        except Exception as error:  # noqa: BLE001 - the editor's boundary: it is reported
            outcome = replace(outcome, result=None, error=error)
        else:
            outcome = replace(outcome, result=None, delivered=outcome.succeeded)
        self._outcomes.append(outcome)
        self._post(self._next)
