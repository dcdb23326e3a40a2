"""Recipes come back from files that anybody may have written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.catalogue import Catalogue, load_catalogue
from pastiche_client.editing.options import Options, Placement
from pastiche_client.editing.recipe import LARGEST_RECIPE, Recipe, RecipeError
from pastiche_client.results import StylizeResult, Summary
from pastiche_client.version import __version__
from tests.unit.editing.scripted import small_layer
from tests.unit.editing.styles import Source

OPTIONS = Options(
    "tiny/one",
    second_style="tiny/two",
    second_share=0.3,
    strength=0.7,
    stroke_size=2.5,
    preserve_colors=True,
    placement=Placement.IN_PLACE,
)
RECIPE = Recipe(OPTIONS, "tiny", "1.2.3", "0.9", "0.8", ("Ünusual values.",))


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(RECIPE.dumps()), **values})


def test_a_recipe_comes_back_whole() -> None:
    assert Recipe.loads(RECIPE.dumps()) == RECIPE
    assert Recipe.loads(RECIPE.dumps().encode()) == RECIPE
    assert RECIPE.dumps().isascii()


def test_a_result_has_a_recipe() -> None:
    summary = Summary("id", "packs/tiny", "1.2.3", 0.0, 0.0, ("A note.",))
    recipe = Recipe.of(OPTIONS, StylizeResult(small_layer(), summary, "0.8"))
    assert recipe == Recipe(OPTIONS, "tiny", "1.2.3", __version__, "0.8", ("A note.",))


def test_a_recipe_leaves_the_version_to_its_own_field() -> None:
    summary = Summary("id", "packs/tiny", "1.2.3", 0.0, 0.0, ())
    pinned = Recipe.of(OPTIONS.pinned("1.2.3"), StylizeResult(small_layer(), summary))
    assert (pinned.options, pinned.pack, pinned.pack_version) == (OPTIONS, "tiny", "1.2.3")
    assert Recipe.loads(changed(options=OPTIONS.pinned("7.0.0").to_dict())).options == OPTIONS


def test_making_it_again_names_the_version() -> None:
    same = RECIPE.same_options()
    assert (same.style, same.second_style) == ("tiny@1.2.3/one", "tiny@1.2.3/two")
    assert same.plain() == OPTIONS
    assert same.styles() == pytest.approx({"tiny@1.2.3/one": 0.7, "tiny@1.2.3/two": 0.3})


@pytest.mark.parametrize("version", ["", "x", "1/2", "1 2", "1" * 300, "../x"])
def test_what_never_was_a_version_is_not_named(version: str) -> None:
    assert Recipe.loads(changed(pack_version=version)).same_options() == OPTIONS


def test_a_recipe_is_made_again_with_its_version_or_else_the_current_one() -> None:
    recipe = Recipe(Options("tiny/one"), "tiny", "0.9.0")
    catalogue = load_catalogue(Source())
    assert recipe.usable_options(catalogue) == recipe.options
    items = tuple(replace(i, pack_versions=("1.0.0", "0.9.0")) for i in catalogue.items)
    assert recipe.usable_options(Catalogue(items)).style == "tiny@0.9.0/one"
    current = replace(recipe, pack_version="1.0.0")
    assert current.usable_options(Catalogue(items)) == recipe.options


def test_many_long_notes_do_not_make_a_recipe_that_cannot_be_loaded() -> None:
    summary = Summary("id", "packs/tiny", "1.2.3", 0.0, 0.0, ("ü" * 5000,) * 100)
    text = Recipe.of(OPTIONS, StylizeResult(small_layer(), summary, "0.8")).dumps()
    assert len(text) <= LARGEST_RECIPE
    assert Recipe.loads(text).options == OPTIONS


def test_a_recipe_of_a_newer_plug_in_with_the_same_schema_is_read() -> None:
    options = {**OPTIONS.to_dict(), "glitter": 1}
    recipe = Recipe.loads(changed(options=options, glitter=2))
    assert recipe.options == OPTIONS
    assert recipe.ignored == ("glitter",)
    assert Recipe.loads(recipe.dumps()).ignored == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("not json", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "too large"),
        ("[" * 60_000, "not JSON"),
        ("[]", "damaged"),
        ("{}", "schema"),
        (changed(schema="1"), "schema"),
        (changed(schema=True), "schema"),
        (changed(schema=99, pastiche_version="7.0"), r"newer Pastiche \(7.0\)"),
        (changed(options=None), "options"),
        (changed(options={}), "style is wrong"),
        (changed(options={"style": "tiny/one", "strength": 9}), "strength is wrong"),
        (changed(options={"style": "tiny/one"}).replace('"tiny/one"', "NaN"), "not JSON"),
        (changed(pack=3), "pack"),
        (changed(pack_version="9" * 2000), "pack_version"),
        (changed(notes="x"), "notes"),
        (changed(glitter="x" * LARGEST_RECIPE), "too large"),
    ],
)
def test_what_is_no_recipe_is_refused_in_words(text: str | bytes, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        Recipe.loads(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def loaded(text: str) -> Recipe | None:
    """The recipe, or None where it is refused; anything else that is raised fails the test."""
    try:
        return Recipe.loads(text)
    except RecipeError:
        return None


# How long a value takes to make is the machine's affair.
@given(st.dictionaries(st.sampled_from(sorted(json.loads(RECIPE.dumps()))), json_values))
def test_any_value_anywhere_is_read_or_refused(values: dict[str, Any]) -> None:
    recipe = loaded(changed(**values))
    if recipe is not None:
        assert Recipe.loads(recipe.dumps()).options == recipe.options


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS.to_dict())), json_values))
def test_any_option_is_read_or_refused(values: dict[str, Any]) -> None:
    recipe = loaded(changed(options={**OPTIONS.to_dict(), **values}))
    if recipe is not None:
        assert sum(recipe.options.styles().values()) == pytest.approx(1.0)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RecipeError):
        Recipe.loads(data)
