"""What cannot be done is told in a sentence, and nothing is changed."""

from __future__ import annotations

import pytest

from tests.editors.gimp.conftest import INSIDE
from tests.editors.gimp.driving import RERUN, refused
from tests.editors.support.gimp import Gimp, running_gimp

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


@pytest.fixture
def layer(gimp: Gimp, image: int) -> int:
    return gimp.call("add_layer", image=image, name="picture")


def check(gimp: Gimp, image: int, layer: int, *parts: str, **arguments: object) -> None:
    before = gimp.call("describe", image=image)
    sentence = refused(gimp, image, layer, **arguments)
    for part in parts:
        assert part in sentence
    assert gimp.call("describe", image=image) == before


@pytest.mark.parametrize("placement", ["above", "in-place"])
def test_a_locked_layer(gimp: Gimp, image: int, layer: int, placement: str) -> None:
    gimp.call("set_state", item=layer, locked=True)
    check(gimp, image, layer, "“picture” is locked", "Unlock it", placement=placement)


def test_a_layer_in_a_locked_group(gimp: Gimp, image: int) -> None:
    group = gimp.call("add_group", image=image, name="closed")
    layer = gimp.call("add_layer", image=image, name="within", parent=group)
    gimp.call("set_state", item=group, locked=True)
    check(gimp, image, layer, "is locked")


def test_an_invisible_layer(gimp: Gimp, image: int, layer: int) -> None:
    gimp.call("set_state", item=layer, visible=False)
    check(gimp, image, layer, "“picture” is invisible", "Make it visible")


def test_a_layer_in_an_invisible_group(gimp: Gimp, image: int) -> None:
    group = gimp.call("add_group", image=image)
    layer = gimp.call("add_layer", image=image, name="within", parent=group)
    gimp.call("set_state", item=group, visible=False)
    check(gimp, image, layer, "“within” is invisible")


@pytest.mark.parametrize("kind", ["layer", "group", "text"])
@pytest.mark.parametrize("precision", ["u8-non-linear", "u16-linear", "float-linear"])
def test_an_empty_layer(gimp: Gimp, kind: str, precision: str) -> None:
    image = gimp.call("create_image", precision=precision)
    if kind == "group":
        layer = gimp.call("add_group", image=image, name="nothing")
    elif kind == "text":
        layer = gimp.call("add_text", image=image, text="", name="nothing")
    else:
        layer = gimp.call("add_layer", image=image, name="nothing")
        gimp.call("make_transparent", layer=layer)
    check(gimp, image, layer, "“nothing” is empty", "Select a layer")


def test_a_selection_beside_the_layer(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, name="picture", size=(10, 10))
    gimp.call("select", image=image, kind="rectangle", box=[20, 20, 10, 10])
    check(gimp, image, layer, "selection does not touch", "“picture”")


def test_a_selection_of_nothing_visible(gimp: Gimp, image: int, layer: int) -> None:
    gimp.call("make_transparent", layer=layer, box=[20, 20, 10, 10])
    gimp.call("select", image=image, kind="rectangle", box=[22, 22, 6, 6])
    check(gimp, image, layer, "“picture” is empty within the selection")


def test_a_floating_selection(gimp: Gimp, image: int, layer: int) -> None:
    gimp.call("select", image=image, kind="rectangle")
    floating = gimp.call("float_selection", layer=layer)
    check(gimp, image, floating, "floating selection", "Anchor it")


def test_a_mask_and_a_channel(gimp: Gimp, image: int, layer: int) -> None:
    mask = gimp.call("add_mask", layer=layer)
    check(gimp, image, mask, "No layer is selected")
    channel = gimp.call("add_channel", image=image)
    check(gimp, image, channel, "No layer is selected")


def test_no_layer(gimp: Gimp, image: int) -> None:
    assert "No layer is selected" in refused(gimp, image)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"style": "tiny/nine"}, ["not installed"]),
        ({"style": "none/one"}, ["not installed"]),
        ({"style": "starry"}, ["pack/style", "starry"]),
        ({"second_style": "other/three"}, ["one pack", "tiny"]),
        ({"second_style": "tiny/nine"}, ["not installed"]),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_styles_that_cannot_be_used(
    gimp: Gimp, image: int, layer: int, arguments: dict[str, object], parts: list[str]
) -> None:
    check(gimp, image, layer, *parts, **arguments)


def test_a_layer_without_a_recipe(gimp: Gimp, image: int, layer: int) -> None:
    check(gimp, image, layer, "“picture” has no Pastiche recipe", procedure=RERUN)
    assert "no Pastiche recipe" in gimp.call("recipe", layer=layer)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}', "\\u0000", "x" * 70000])
def test_a_damaged_recipe(gimp: Gimp, image: int, layer: int, text: str) -> None:
    gimp.call("attach", layer=layer, name="pastiche-recipe", text=text)
    check(gimp, image, layer, "recipe", procedure=RERUN)


def test_sentences_are_in_the_language_of_gimp(gimp: Gimp) -> None:
    with running_gimp(gimp.workspace, INSIDE, environ={"LANGUAGE": "de"}) as german:
        image = german.call("create_image")
        layer = german.call("add_layer", image=image, name="Bild")
        german.call("set_state", item=layer, visible=False)
        assert "„Bild“ ist unsichtbar" in refused(german, image, layer)
