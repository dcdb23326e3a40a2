"""The recipe of a layer, kept as an annotation of its document and saved with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_recipe import any_recipe
from pastiche_client.editing.recipe import RECIPE_NAME

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.editing.paint_recipe import PaintRecipe
    from pastiche_client.editing.recipe import Recipe


def keep_recipe(document: Document, node: Node, recipe: Recipe | PaintRecipe) -> None:
    """Keep the recipe of a layer that is in the document."""
    document.setAnnotation(_name(node), "Pastiche recipe", recipe.dumps().encode("ascii"))


def find_recipe(document: Document, node: Node) -> Recipe | PaintRecipe:
    """The recipe of a layer, of whichever kind.

    Raises:
        RefusalError: it has none.
        RecipeError: it cannot be used.
    """
    if _name(node) not in document.annotationTypes():
        raise refusals.no_recipe(node.name())
    return any_recipe(bytes(document.annotation(_name(node))))


def _name(node: Node) -> str:
    return f"{RECIPE_NAME}/{node.uniqueId().toString().strip('{}')}"
