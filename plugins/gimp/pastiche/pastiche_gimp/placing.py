"""Puts the results of a run into the image, in one undo step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_gimp.recipes import attach_recipe, attach_source
from pastiche_gimp.result import insert_above, replace_in_place, why_no_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.editing.paint_recipe import PaintRecipe
    from pastiche_client.editing.recipe import Recipe
    from pastiche_client.editing.refusals import RefusalError
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer
    from pastiche_gimp.source import Source


@dataclass(frozen=True)
class Finished:
    """A result that has no place yet.

    Attributes:
        source: what it was made of.
        pixels: those of the source's region.
        name: for a new layer.
        recipe: how it was made.
        notes: what the daemon told.
    """

    source: Source
    pixels: Layer
    name: str
    recipe: Recipe | PaintRecipe
    notes: tuple[str, ...]


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
    results: Sequence[Finished],
    texts: Texts,
    *,
    in_place: bool,
    top: Gimp.Layer | None = None,
) -> Placed:
    """Place results that belong to one image, which may have changed since they were asked for.

    Whatever has no place any more is left out. A layer that was to be replaced, but has been
    edited since, gets the result above it instead: the edit must not be lost.
    """
    layers: list[Gimp.Layer] = []
    refused: list[RefusalError] = []
    notes: list[str] = []
    places: list[Finished] = []
    for result in results:
        refusal = why_no_place(result.source)
        if refusal is None:
            places.append(result)
        else:
            refused.append(refusal)
    if places:
        image = places[0].source.image
        # GIMP names the step after the procedure.
        image.undo_group_start()
        try:
            for result in places:
                layer = _replaced(result, texts, notes) if in_place else None
                if layer is None:
                    layer = insert_above(result.source, result.pixels, result.name, top)
                    attach_source(layer, result.source.drawable)
                attach_recipe(layer, result.recipe)
                layers.append(layer)
                notes += result.notes
        finally:
            image.undo_group_end()
        image.set_selected_layers(layers)
        Gimp.displays_flush()
    return Placed(tuple(layers), tuple(refused), tuple(dict.fromkeys(notes)))


def _replaced(result: Finished, texts: Texts, notes: list[str]) -> Gimp.Layer | None:
    if result.source.is_as_it_was():
        return replace_in_place(result.source, result.pixels)
    notes.append(texts.edited_meanwhile(result.source.name))
    return None
