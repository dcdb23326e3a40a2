"""One use of “Upscale layer”: a layer that is read, made larger and placed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.editing.blocking import upscale_and_wait
from pastiche_client.editing.run_states import RunItem
from pastiche_gimp.result import insert_larger, why_no_place
from pastiche_gimp.source import read_source
from pastiche_gimp.work import Done, with_progress

if TYPE_CHECKING:
    from pastiche_client.client import Client
    from pastiche_client.editing.texts import Texts
    from pastiche_client.editing.upscale_run import UpscaleRunResult
    from pastiche_gimp.source import Source

# What GIMP allows, and what fits into an answer of the daemon's.
_MOST_SIDE = 524288
_MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class UpscaleWork:
    """A layer, and how many times as wide and high it is to be."""

    source: Source
    factor: int

    @staticmethod
    def read(layer: Gimp.Layer, factor: int) -> UpscaleWork:
        """Read a layer that `check_layers` has passed, all of it whatever is selected.

        Raises:
            RefusalError: nothing is in it, or it would be too large.
        """
        source = read_source(layer, in_place=False, selected=False)
        width, height = (side * factor for side in source.size)
        if (
            max(width, height) > _MOST_SIDE
            or source.layer.row_bytes * source.layer.height * factor**2 > _MOST_BYTES
        ):
            raise refusals.upscaled_too_large(source.name, width, height)
        return UpscaleWork(source, factor)

    @property
    def item(self) -> RunItem:
        return RunItem(self.source, self.source.layer, self.source.name)

    def place(self, result: UpscaleRunResult, texts: Texts) -> Done:
        """Put the larger layer into the image, in one undo step.

        Raises:
            DaemonError, RefusalError: why it was not placed.
        """
        (outcome,) = result.outcomes
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        refusal = why_no_place(self.source)
        if refusal is not None:
            raise refusal
        image = self.source.image
        name = texts.upscale_layer_name(self.source.name, self.factor)
        # GIMP names the step after the procedure.
        image.undo_group_start()
        try:
            layer = insert_larger(self.source, outcome.result.layer, name, self.factor)
        finally:
            image.undo_group_end()
        image.set_selected_layers([layer])
        Gimp.displays_flush()
        return Done(image, (layer,), outcome.result.summary.notes)


def upscale_waiting(client: Client, work: UpscaleWork, texts: Texts) -> Done | None:
    """Upscale with GIMP's own progress bar; None if it was cancelled.

    Raises:
        DaemonError, RefusalError: nothing was placed.
    """
    result = with_progress(
        texts.upscale_blurb,
        texts,
        lambda update: upscale_and_wait(client, work.item, work.factor, on_update=update),
    )
    return None if result.cancelled else work.place(result, texts)


def factors_of(client: Client) -> list[int]:
    """How many times layers can be upscaled. Raises RefusalError if there is no network for it."""
    factors = sorted({pack.factor for pack in client.upscaling_packs()})
    if not factors:
        raise refusals.no_upscalers()
    return factors
