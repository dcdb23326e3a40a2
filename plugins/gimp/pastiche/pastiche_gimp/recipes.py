"""The recipe of a layer, kept with it in the image and in its XCF file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_recipe import any_recipe
from pastiche_client.editing.recipe import RECIPE_NAME, Recipe, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pastiche_client.editing.paint_recipe import PaintRecipe

RecipeT = TypeVar("RecipeT")

_SOURCE_NAME = "pastiche-source"
_FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE


def attach_recipe(layer: Gimp.Layer, recipe: Recipe | PaintRecipe) -> None:
    """Store a recipe with a layer, in the place of an older one; undo takes it back."""
    data = recipe.dumps().encode("utf-8")
    layer.attach_parasite(Gimp.Parasite.new(RECIPE_NAME, _FLAGS, data))


def attach_source(layer: Gimp.Layer, source: Gimp.Layer) -> None:
    """Note which layer a new one was made of; the note holds in the image's XCF file, too."""
    data = str(source.get_tattoo()).encode("ascii")
    layer.attach_parasite(Gimp.Parasite.new(_SOURCE_NAME, _FLAGS, data))


def source_of(layer: Gimp.Layer) -> Gimp.Layer:
    """What a layer with a recipe was made of: another layer, or itself if it was in place.

    Raises:
        RefusalError: that layer is gone.
    """
    parasite = layer.get_parasite(_SOURCE_NAME)
    if parasite is None:
        return layer
    text = bytes(parasite.get_data()).rstrip(b"\0")
    source = None
    if text.isdigit() and 0 < int(text) < 2**32:
        source = layer.get_image().get_layer_by_tattoo(int(text))
    if source is None:
        raise refusals.source_missing(layer.get_name())
    return source


def recipe_text(layer: Gimp.Item) -> bytes | None:
    """What is stored with a layer, not looked at; None if nothing is."""
    parasite = layer.get_parasite(RECIPE_NAME)
    return None if parasite is None else bytes(parasite.get_data()).rstrip(b"\0")


def recipe_of(layer: Gimp.Item) -> Recipe | PaintRecipe | None:
    """The layer's recipe, None if it has none. Raises RecipeError for one that is no use."""
    text = recipe_text(layer)
    return None if text is None else any_recipe(text)


def recipes_in(image: Gimp.Image, load: Callable[[bytes], RecipeT]) -> list[tuple[str, RecipeT]]:
    """The names and recipes of the image's layers that have one which `load` takes, from the top.

    `load` raises RecipeError for the others.
    """
    found: list[tuple[str, RecipeT]] = []
    for layer in layers_of(image.get_layers()):
        text = recipe_text(layer)
        if text is None:
            continue
        try:
            found.append((layer.get_name(), load(text)))
        except RecipeError:
            continue  # told of when it is asked for
    return found


def layers_of(layers: list[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """These layers with those of groups behind the group, from the top."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from layers_of(layer.get_children())
