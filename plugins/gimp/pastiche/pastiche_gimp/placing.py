"""Puts the results of a run into the image, in one undo step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing.options import Placement
from pastiche_client.editing.recipe import Recipe
from pastiche_gimp.recipes import attach_recipe, attach_source
from pastiche_gimp.result import insert_above, replace_in_place, why_no_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.refusals import RefusalError
    from pastiche_client.editing.texts import Texts
    from pastiche_client.results import StylizeResult
    from pastiche_gimp.source import Source


@dataclass(frozen=True)
class Placed:
    """What became of the results.

    Attributes:
        layers: those that are new or were changed.
        refused: what stood in the way of the others.
        notes: sentences for the user.
    """

    layers: tuple[Gimp.Layer, ...]
    refused: tuple[RefusalError, ...]
    notes: tuple[str, ...]


def place_results(
    results: Sequence[tuple[Source, StylizeResult]],
    options: Options,
    style_label: str,
    texts: Texts,
    top: Gimp.Layer | None = None,
) -> Placed:
    """Place results that belong to one image, which may have changed since they were asked for.

    Whatever has no place any more is left out. A layer that was to be replaced, but has been
    edited since, gets the result above it instead: the edit must not be lost.
    """
    layers: list[Gimp.Layer] = []
    refused: list[RefusalError] = []
    notes: list[str] = []
    places: list[tuple[Source, StylizeResult]] = []
    for source, result in results:
        refusal = why_no_place(source)
        if refusal is None:
            places.append((source, result))
        else:
            refused.append(refusal)
    if places:
        image = places[0][0].image
        image.undo_group_start()
        try:
            for source, result in places:
                layer = _replaced(source, result, options, texts, notes)
                if layer is None:
                    name = texts.layer_name(source.name, style_label)
                    layer = insert_above(source, result.layer, name, top)
                    attach_source(layer, source.drawable)
                attach_recipe(layer, Recipe.of(options, result))
                layers.append(layer)
                notes += result.summary.notes
        finally:
            image.undo_group_end()
        image.set_selected_layers(layers)
        Gimp.displays_flush()
    return Placed(tuple(layers), tuple(refused), tuple(dict.fromkeys(notes)))


def _replaced(
    source: Source,
    result: StylizeResult,
    options: Options,
    texts: Texts,
    notes: list[str],
) -> Gimp.Layer | None:
    if options.placement is not Placement.IN_PLACE:
        return None
    if source.is_as_it_was():
        return replace_in_place(source, result.layer)
    notes.append(texts.edited_meanwhile(source.name))
    return None
