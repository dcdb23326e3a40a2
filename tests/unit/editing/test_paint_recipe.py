"""Recipes of paintings, and of which kind a recipe is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.options import Options
from pastiche_client.editing.paint_options import MOST_STYLES, PaintOptions, StyleChoice, StyleKind
from pastiche_client.editing.paint_recipe import PaintRecipe, any_recipe
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.recipe_text import LARGEST_RECIPE, RecipeError
from pastiche_client.results import StopReason
from pastiche_client.version import __version__
from tests.unit.editing.scripted import painted, small_layer
from tests.unit.editing.test_paint_options import OPTIONS, json_values

RECIPE = PaintRecipe(
    options=OPTIONS,
    encoder="vgg19",
    encoder_sha256="ab" * 32,
    width=512,
    height=384,
    steps=41,
    stopped=True,
    pastiche_version="0.9",
    daemon_version="0.8",
    notes=("Nöte.",),
)
STYLIZED = Recipe(Options("tiny/one"), "tiny", "1.0.0")


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(RECIPE.dumps()), **values})


def test_a_recipe_comes_back_whole() -> None:
    assert PaintRecipe.loads(RECIPE.dumps()) == RECIPE
    assert RECIPE.dumps().isascii()
    assert any_recipe(RECIPE.dumps()) == RECIPE


def test_a_result_has_a_recipe() -> None:
    result = painted(
        small_layer(), width=8, height=6, steps=7, reason=StopReason.ASKED, notes=("A note.",)
    )
    assert PaintRecipe.of(OPTIONS, result) == PaintRecipe(
        options=OPTIONS,
        encoder="compact",
        encoder_sha256="ab" * 32,
        width=8,
        height=6,
        steps=7,
        stopped=True,
        pastiche_version=__version__,
        daemon_version="0.1.0",
        notes=("A note.",),
    )
    assert not PaintRecipe.of(OPTIONS, painted(small_layer())).stopped


def test_kinds_are_told_apart() -> None:
    assert any_recipe(STYLIZED.dumps()) == STYLIZED
    with pytest.raises(RecipeError, match="painted like another layer"):
        Recipe.loads(RECIPE.dumps())
    with pytest.raises(RecipeError, match="trained style"):
        PaintRecipe.loads(STYLIZED.dumps())
    with pytest.raises(RecipeError, match="newer Pastiche"):
        any_recipe(changed(kind="dream"))


def test_recipes_from_before_there_were_kinds_are_of_trained_styles() -> None:
    values = json.loads(STYLIZED.dumps())
    del values["kind"]
    assert any_recipe(json.dumps(values)) == STYLIZED


def test_names_that_are_very_long_make_no_recipe_that_cannot_be_loaded() -> None:
    style = StyleChoice(StyleKind.FILE, "ü" * 4000, file="ü" * 4000)
    recipe = PaintRecipe(PaintOptions((style,)), notes=("ü" * 1000,) * 32)
    assert PaintRecipe.loads(recipe.dumps()).options.styles == (style,)
    with pytest.raises(RecipeError, match="too long"):
        PaintRecipe(PaintOptions((style,) * MOST_STYLES)).dumps()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        (changed(kind=3), "kind"),
        (changed(steps=-1), "steps"),
        (changed(steps=True), "steps"),
        (changed(width="8"), "width"),
        (changed(options=None), "options"),
        (changed(options={"amount": 7}), "amount is wrong"),
        (changed(options={"styles": [{"kind": "layer"}]}), "styles is wrong"),
        (changed(encoder=3), "encoder"),
        (changed(glitter="x" * LARGEST_RECIPE), "too large"),
    ],
)
def test_what_is_no_recipe_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        PaintRecipe.loads(text)


def test_options_of_a_newer_plug_in_are_left_out() -> None:
    recipe = PaintRecipe.loads(changed(options={**OPTIONS.to_dict(), "glitter": 1}))
    assert recipe.options == OPTIONS
    assert recipe.ignored == ("glitter",)


# How long a value takes to make is the machine's affair.
@given(st.dictionaries(st.sampled_from(sorted(json.loads(RECIPE.dumps()))), json_values))
def test_any_value_anywhere_is_read_or_refused(values: dict[str, Any]) -> None:
    try:
        recipe = any_recipe(changed(**values))
    except RecipeError:
        return
    assert any_recipe(recipe.dumps()).options == recipe.options
