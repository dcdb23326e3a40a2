"""One use of “Paint like another layer”: a layer and styles that are read, painted and placed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.blocking import paint_and_wait
from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_gimp.masks import find_mask, read_mask
from pastiche_gimp.placing import Finished
from pastiche_gimp.source import read_source
from pastiche_gimp.style_pixels import read_style
from pastiche_gimp.work import AnyWork, Done, with_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gi.repository import Gimp

    from pastiche_client.client import Client
    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.run_states import RunItem
    from pastiche_client.editing.style_choice import RegionChoice
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer
    from pastiche_client.results import OptimizeResult
    from pastiche_gimp.source import Source
    from pastiche_gimp.style_choices import StylePicture


@dataclass(frozen=True)
class PaintWork(AnyWork["OptimizeResult"]):
    """A layer to be painted, and the pictures and places of the options' styles.

    The new layer goes above `top`, if given, and otherwise above its source.
    """

    sources: tuple[Source, ...]
    styles: tuple[Layer, ...]
    regions: tuple[bytes | None, ...]
    strength_mask: bytes | None
    options: PaintOptions
    top: Gimp.Layer | None = None

    @staticmethod
    def read(
        layer: Gimp.Layer,
        pictures: Sequence[StylePicture],
        options: PaintOptions,
        *,
        of_this_image: bool,
        top: Gimp.Layer | None = None,
    ) -> PaintWork:
        """Read a layer that `check_layers` has passed, and the pictures of the options' styles.

        Args:
            of_this_image: the options were noted in this image; see `find_mask`.

        Raises:
            RefusalError: there is nothing to paint, or to paint like.
        """
        if not pictures:
            raise refusals.no_paint_style()
        source = read_source(layer, in_place=False)

        def plane(choice: RegionChoice, missing: refusals.RefusalError) -> bytes:
            mask = find_mask(choice, layer.get_image(), of_this_image=of_this_image)
            if mask is None:
                raise missing
            return read_mask(mask, source)

        regions = [
            plane(style.where, refusals.region_missing(style.where.name, style.name or style.file))
            if style.where is not None
            else None
            for style in options.styles
        ]
        strength = None
        if (mask := options.strength_mask) is not None:
            strength = plane(mask, refusals.strength_mask_missing(mask.name))
        styles = [read_style(picture, options.style_side) for picture in pictures]
        return PaintWork((source,), tuple(styles), tuple(regions), strength, options, top)

    @property
    def item(self) -> RunItem:
        return self.items()[0]

    def finished(
        self, source: Source, result: OptimizeResult, label: str, texts: Texts
    ) -> Finished:
        name = texts.paint_layer_name(source.name, label)
        recipe = PaintRecipe.of(self.options, result)
        return Finished(source, result.layer, name, recipe, result.summary.notes)


def paint_waiting(client: Client, work: PaintWork, texts: Texts) -> Done | None:
    """Paint with GIMP's own progress bar; None if it was cancelled.

    Raises:
        DaemonError, RefusalError: nothing was placed.
    """
    result = with_progress(
        texts.paint_blurb,
        texts,
        lambda update: paint_and_wait(
            client,
            work.item,
            work.styles,
            work.options,
            on_update=update,
            regions=work.regions,
            strength_mask=work.strength_mask,
        ),
    )
    if result.cancelled:
        return None
    return work.place(result, work.options.name, client, texts, partly=False)
