"""Layers of every kind, in groups, with filters and masks, one or several."""

from __future__ import annotations

import pytest

from tests.editors.gimp.driving import PROCEDURE, ask, pixels, refused, stylize, tree
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


def test_several_layers_are_done_in_one_call(gimp: Gimp, image: int) -> None:
    first = gimp.call("add_layer", image=image, name="first", seed=1)
    second = gimp.call("add_layer", image=image, name="second", seed=2, size=(20, 30))
    third = gimp.call("add_layer", image=image, name="third", seed=3)
    made = stylize(gimp, image, first, third)
    assert tree(gimp, image) == ["third - One", "third", "second", "first - One", "first"]
    assert sorted(gimp.call("selected", image=image)) == sorted(made)
    assert len(made) == 2
    assert second in gimp.call("layers", image=image)


def test_a_result_goes_into_the_group_of_its_layer(gimp: Gimp, image: int) -> None:
    group = gimp.call("add_group", image=image, name="outer")
    inner = gimp.call("add_group", image=image, name="inner", parent=group)
    layer = gimp.call("add_layer", image=image, name="deep", parent=inner, offset=(4, 5))
    gimp.call("add_layer", image=image, name="over it", parent=inner)
    (made,) = stylize(gimp, image, layer)
    assert tree(gimp, image) == ["outer", ["inner", ["over it", "deep - One", "deep"]]]
    assert gimp.call("parent_and_position", layer=made) == [inner, 1]


def test_a_group_is_read_as_it_looks(gimp: Gimp, image: int) -> None:
    group = gimp.call("add_group", image=image, name="group")
    gimp.call("add_layer", image=image, name="lower", parent=group, size=(20, 16), offset=(3, 2))
    gimp.call(
        "add_layer", image=image, name="upper", parent=group, size=(12, 12), offset=(15, 9), seed=5
    )
    before = gimp.call("describe", image=image)["layers"]
    (made,) = stylize(gimp, image, group, strength=0.0)
    after = gimp.call("describe", image=image)["layers"]
    assert tree(gimp, image) == ["group - One", "group", ["upper", "lower"]]
    assert after[1:] == before
    assert after[0]["kind"] == "Layer"
    assert (after[0]["offset"], after[0]["size"]) == ([3, 2], [24, 19])
    assert gimp.call("as_seen", layer=group, other=made) == 0


@pytest.mark.parametrize("kind", ["layer", "group", "text"])
def test_filters_are_read_as_they_look(gimp: Gimp, image: int, kind: str) -> None:
    if kind == "group":
        layer = gimp.call("add_group", image=image)
        gimp.call("add_layer", image=image, parent=layer, size=(20, 16), offset=(3, 2))
    elif kind == "text":
        layer = gimp.call("add_text", image=image)
    else:
        layer = gimp.call("add_layer", image=image, size=(20, 16), offset=(3, 2))
    before = pixels(gimp, layer)
    gimp.call("add_filter", layer=layer, operation="gegl:invert-gamma")
    images = gimp.call("images")
    (made,) = stylize(gimp, image, layer, strength=0.0)
    # The filter inverts the colours; GEGL rounds on its way.
    after = pixels(gimp, made)
    visible = before[..., 3] > 0
    wrong = after[visible][:, :3].astype(int) - (255 - before[visible][:, :3].astype(int))
    assert abs(wrong).max() <= 1
    assert gimp.call("images") == images


def test_a_filter_that_enlarges_does_not_move_the_pixels(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, size=(20, 16), offset=(9, 8))
    gimp.call("add_filter", layer=layer, operation="gegl:dropshadow")
    (made,) = stylize(gimp, image, layer, strength=0.0)
    before, after = pixels(gimp, layer), pixels(gimp, made)
    assert after.shape == before.shape
    opaque = before[..., 3] == 255
    assert opaque.any()
    assert (after[opaque] == before[opaque]).all()


def test_a_text_layer_is_read_as_it_looks(gimp: Gimp, image: int) -> None:
    text = gimp.call("add_text", image=image, name="words")
    before = gimp.call("describe", image=image)["layers"]
    (made,) = stylize(gimp, image, text, strength=0.0)
    after = gimp.call("describe", image=image)["layers"]
    assert [layer["kind"] for layer in after] == ["Layer", "TextLayer"]
    assert after[1:] == before
    assert (pixels(gimp, made) == pixels(gimp, text)).all()


def test_in_place_leaves_filters_on_top(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    before = pixels(gimp, layer)
    gimp.call("add_filter", layer=layer, operation="gegl:invert-gamma")
    stylize(gimp, image, layer, strength=0.0, placement="in-place")
    assert (pixels(gimp, layer) == before).all()


@pytest.mark.parametrize("kind", ["group", "text"])
def test_in_place_is_for_painted_layers(gimp: Gimp, image: int, kind: str) -> None:
    if kind == "group":
        layer = gimp.call("add_group", image=image, name="special")
        gimp.call("add_layer", image=image, parent=layer)
    else:
        layer = gimp.call("add_text", image=image, name="special")
    before = gimp.call("describe", image=image)
    sentence = refused(gimp, image, layer, placement="in-place")
    assert "“special”" in sentence
    assert "New layer above" in sentence
    assert gimp.call("describe", image=image) == before


@pytest.mark.parametrize("selection", ["none", "feathered"])
def test_the_mask_of_a_layer_is_kept(gimp: Gimp, image: int, selection: str) -> None:
    layer = gimp.call("add_layer", image=image)
    gimp.call("add_mask", layer=layer, box=[10, 5, 12, 30])
    gimp.call("select", image=image, kind=selection)
    own = gimp.call("mask_values", layer=layer)
    selected = gimp.call("selection_values", layer=layer)
    (made,) = stylize(gimp, image, layer)
    combined = [min(pair) for pair in zip(own, selected, strict=True)]
    assert gimp.call("mask_values", layer=made) == combined
    assert gimp.call("mask_values", layer=layer) == own
    assert gimp.call("selected", image=image) == [made]  # and not its mask


def test_a_mask_that_is_switched_off_is_left_out(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    gimp.call("add_mask", layer=layer, box=[10, 5, 12, 30], apply=False)
    stylize(gimp, image, layer)
    assert gimp.call("describe", image=image)["layers"][0]["mask"] is None


def test_a_layer_larger_than_its_image(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, size=(70, 60), offset=(-10, -15))
    (made,) = stylize(gimp, image, layer, strength=0.0)
    assert (pixels(gimp, made) == pixels(gimp, layer)).all()


def test_a_single_pixel(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, size=(1, 1), alpha=False)
    (made,) = stylize(gimp, image, layer)
    assert pixels(gimp, made).shape == (1, 1, 4)


def test_the_values_reach_the_daemon(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image)
    variants = [
        {},
        {"style": "tiny/two"},
        {"strength": 0.5},
        {"stroke_size": 2.0},
        {"preserve_colors": True},
        {"second_style": "tiny/two"},
        {"second_style": "tiny/two", "second_share": 0.9},
    ]
    results = [pixels(gimp, stylize(gimp, image, layer, **values)[0]) for values in variants]
    different = {result.tobytes() for result in results}
    assert len(different) == len(variants)


def test_one_layer_that_cannot_be_done_stops_all(gimp: Gimp, image: int) -> None:
    good = gimp.call("add_layer", image=image, name="good")
    hidden = gimp.call("add_layer", image=image, name="hidden")
    gimp.call("set_state", item=hidden, visible=False)
    before = gimp.call("describe", image=image)
    answer = ask(gimp, image, good, hidden, procedure=PROCEDURE)
    assert answer["status"] == "execution-error"
    assert "“hidden”" in answer["error"]
    assert gimp.call("describe", image=image) == before


def test_a_large_layer_with_a_single_visible_pixel_is_not_empty(gimp: Gimp) -> None:
    image = gimp.call("create_image", size=(300, 300))
    layer = gimp.call("add_layer", image=image, fast=True)
    for box in ([0, 0, 300, 299], [0, 299, 299, 1]):
        gimp.call("make_transparent", layer=layer, box=box)
    (made,) = stylize(gimp, image, layer)
    alpha = pixels(gimp, made)[..., 3]
    assert alpha[-1, -1] == 255
    assert alpha.sum() == 255
