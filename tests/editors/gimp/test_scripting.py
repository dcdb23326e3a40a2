"""What scripts call, and what they get; recipes that are stored and used again."""

from __future__ import annotations

import json

import pytest

from tests.editors.gimp.driving import PROCEDURE, RERUN, pixels, refused, stylize, tree
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


def test_the_arguments_are_typed_and_described(gimp: Gimp) -> None:
    found = gimp.call("arguments", procedure=PROCEDURE)
    assert {name: values["type"] for name, values in found.items()} == {
        "run-mode": "GimpRunMode",
        "image": "GimpImage",
        "drawables": "GimpCoreObjectArray",
        "style": "gchararray",
        "strength": "gdouble",
        "stroke-size": "gdouble",
        "preserve-colors": "gboolean",
        "second-style": "gchararray",
        "second-share": "gdouble",
        "placement": "gchararray",
    }
    assert found["strength"]["range"] == [0.0, 1.0]
    assert found["stroke-size"]["range"] == [0.25, 4.0]
    assert all(values["blurb"] for values in found.values())


def test_the_procedures_are_in_the_menu(gimp: Gimp) -> None:
    for procedure, label in (
        (PROCEDURE, "Pastiche…"),
        (RERUN, "Repeat Pastiche with the Layer's Recipe"),
    ):
        menu = gimp.call("menu", procedure=procedure)
        assert menu == {"label": label, "paths": ["<Image>/Filters/Artistic"]}


def test_without_a_style_there_is_a_sentence(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    sentence = refused(gimp, image, layer, style="")
    assert "Choose a style" in sentence


def test_the_recipe_says_how_a_layer_was_made(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    values = {
        "style": "tiny/two",
        "second_style": "tiny/one",
        "second_share": 0.25,
        "strength": 0.75,
        "stroke_size": 1.5,
        "preserve_colors": True,
    }
    (made,) = stylize(gimp, image, layer, **values)
    recipe = json.loads(gimp.call("recipe", layer=made))
    assert recipe["options"] == {**values, "placement": "above"}
    assert (recipe["pack"], recipe["pack_version"]) == ("tiny", "1.0.0")
    assert "pastiche-recipe" not in gimp.call("describe", image=image)["layers"][1]["parasites"]


def test_a_layer_that_was_changed_in_place_has_its_recipe(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    stylize(gimp, image, layer, placement="in-place")
    assert json.loads(gimp.call("recipe", layer=layer))["options"]["placement"] == "in_place"


def test_a_recipe_is_used_again_after_the_file_was_closed(gimp: Gimp, image: int) -> None:
    source = gimp.call("add_layer", image=image, name="source", size=(30, 20), offset=(5, 6))
    (made,) = stylize(gimp, image, source, style="tiny/two", strength=0.6)
    written = gimp.call("recipe", layer=made)
    file = gimp.workspace.folder / "recipe.xcf"
    opened = gimp.call("save_and_open", image=image, path=gimp.workspace.inside(file))
    new, old = gimp.call("layers", image=opened)
    assert gimp.call("recipe", layer=new) == written
    # The source is painted over, and what was made of it is made again, on top.
    gimp.call("paint", layer=old, seed=99)
    answer = gimp.call("run", procedure=RERUN, image=opened, layers=[new])
    assert answer["status"] == "success", answer
    assert tree(gimp, opened) == ["source - Two #1", "source - Two", "source"]
    (again,) = answer["layers"]
    (expected,) = stylize(gimp, opened, old, style="tiny/two", strength=0.6)
    assert (pixels(gimp, again) == pixels(gimp, expected)).all()
    assert (pixels(gimp, again) != pixels(gimp, new)).any()


def test_a_recipe_whose_source_is_gone_says_so(gimp: Gimp, image: int) -> None:
    source = gimp.call("add_layer", image=image, name="source")
    (made,) = stylize(gimp, image, source)
    gimp.call("delete_item", item=source)
    sentence = refused(gimp, image, made, procedure=RERUN)
    assert "source - One" in sentence
    assert "no longer in the image" in sentence
    assert tree(gimp, image) == ["source - One"]
