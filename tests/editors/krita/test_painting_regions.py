"""“Paint like another layer” with masks: a place for each style, and the strength."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pastiche_client import Client, Layer, PixelFormat, SampleType, StyleLayer
from pastiche_client.editing.paint_options import PaintOptions
from tests.editors.krita.session import KritaSession, Rect
from tests.editors.krita.test_painting import (
    RECT,
    RESULT,
    RGBA,
    STYLE_RECT,
    choose,
    make,
    paint,
    soft,
)

pytestmark = pytest.mark.krita

#: The left half of the layer, and a little more.
LEFT = Rect(0, 0, RECT.x + RECT.width // 2, 90)
BOTH = "layer like style + other"


def make_two(krita: KritaSession) -> tuple[bytes, bytes, bytes]:
    """A document with two styles, and a selection mask `left` at the first one."""
    data, style = make(krita)
    other = soft(STYLE_RECT, 8)
    krita.add("other", other, STYLE_RECT)
    krita.call("add_selection_mask", name="left", layer="style", **LEFT.values)
    select_layer(krita)
    return data, style, other


def select_layer(krita: KritaSession) -> None:
    krita.call("activate", name="layer")
    krita.wait_until(lambda: krita.call("active") == "layer", "the active layer")


def region(rect: Rect = LEFT) -> Any:
    """What such a mask is for the layer's pixels."""
    whole = np.zeros((90, 120), np.uint8)
    whole[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = 255
    return whole[RECT.y : RECT.y + RECT.height, RECT.x : RECT.x + RECT.width]


def painted(
    krita: KritaSession, data: bytes, styles: list[StyleLayer], mask: bytes | None = None
) -> bytes:
    """What the daemon makes of the same pixels."""
    options = PaintOptions.from_dict(krita.call("paint_options"))
    layer = Layer(RECT.width, RECT.height, PixelFormat.BGRA, SampleType.U8, data, mask=mask)
    with Client(krita.krita.workspace.data, start=False) as client:
        return bytes(client.optimize(layer, styles, options.optimize_options()).layer.packed())


def style_layer(data: bytes, where: Any = None) -> StyleLayer:
    layer = Layer(STYLE_RECT.width, STYLE_RECT.height, PixelFormat.BGRA, SampleType.U8, data)
    return StyleLayer(layer, region=None if where is None else where.tobytes())


def choose_two(krita: KritaSession, **values: Any) -> None:
    choose(
        krita,
        [
            krita.call("layer_style", name="style", where=krita.call("mask_region", name="left")),
            krita.call(
                "layer_style",
                name="other",
                where=krita.call("mask_region", name="left", outside=True),
            ),
        ],
        **values,
    )


def test_every_style_has_its_place(krita: KritaSession) -> None:
    data, style, other = make_two(krita)
    choose_two(krita)
    paint(krita)
    result = krita.pixels(BOTH, RECT)
    left = region()
    assert result == painted(
        krita, data, [style_layer(style, left), style_layer(other, 255 - left)]
    )
    assert result != painted(krita, data, [style_layer(style), style_layer(other)])


def test_the_strength_goes_by_a_soft_mask(krita: KritaSession) -> None:
    data, style = make(krita)
    krita.call("add_transparency", name="soft", layer="style", **LEFT.values)
    select_layer(krita)
    ramp = np.tile(np.linspace(0, 255, RECT.width).astype(np.uint8), (RECT.height, 1))
    krita.call("select_in_mask", name="soft", data=ramp.tobytes(), **RECT.values)
    # What the mask hides of the style is no part of it: that one is another layer.
    krita.add("plain", style, STYLE_RECT)
    select_layer(krita)
    choose(
        krita,
        [krita.call("layer_style", name="plain")],
        strength_mask=krita.call("mask_region", name="soft"),
    )
    paint(krita)
    result = krita.pixels("layer like plain", RECT)
    assert result == painted(krita, data, [style_layer(style)], ramp.tobytes())
    # Nothing at the black end, all at the white one.
    before, after = RGBA.array(data, RECT).astype(int), RGBA.array(result, RECT).astype(int)
    assert (after[:, 0] == before[:, 0]).all()
    assert np.abs(after[:, -8:] - before[:, -8:]).mean() > 3
    assert (after[..., 3] == 255).all()


def test_with_the_boxes(krita: KritaSession) -> None:
    make_two(krita)
    krita.call("add_transparency", name="soft", layer="other", **LEFT.values)
    select_layer(krita)
    choose(krita, [krita.call("layer_style", name="style")])
    krita.call("show_page", page="Paint")
    masks = ["soft", "left"]
    assert krita.call("listed_regions", row=0) == [
        "Everywhere",
        *(entry for mask in masks for entry in (f"In “{mask}”", f"Outside “{mask}”")),
    ]
    krita.call("choose_region", row=0, text="Outside “left”")
    (style,) = krita.call("paint_options")["styles"]
    assert style["where"] == krita.call("mask_region", name="left", outside=True)
    assert krita.call("shown_region", row=0) == "Outside “left”"
    krita.call("choose_region", text="By “soft”")
    assert krita.call("paint_options")["strength_mask"] == krita.call("mask_region", name="soft")
    # Another weight, style or value leaves the masks as they are.
    krita.call("set_paint", **{**krita.call("paint_options"), "amount": 0.25})
    assert krita.call("shown_region") == "By “soft”"
    assert krita.call("shown_region", row=0) == "Outside “left”"
    krita.call("choose_region", row=0, text="Everywhere")
    krita.call("choose_region", text="Full everywhere")
    options = krita.call("paint_options")
    assert (options["styles"][0]["where"], options["strength_mask"]) == (None, None)
    assert krita.call("cut_labels") == []


def test_masks_of_the_same_name_are_told_apart(krita: KritaSession) -> None:
    make(krita)
    for layer in ("style", "layer"):
        krita.call("add_transparency", name="same", layer=layer, **LEFT.values)
    select_layer(krita)
    listed = krita.call("listed_regions")
    assert listed[1::2] == ["By “same (layer)”", "By “same (style)”"]


def test_the_selection_itself_is_no_place(krita: KritaSession) -> None:
    make(krita)
    krita.call("select", data=b"\xff" * 400, x=20, y=20, width=20, height=20)
    assert krita.call("listed_regions") == ["Full everywhere"]


def test_the_recipe_finds_its_masks_again(krita: KritaSession) -> None:
    make_two(krita)
    choose_two(krita, strength_mask=krita.call("mask_region", name="left"))
    asked = krita.call("paint_options")
    paint(krita)
    assert json.loads(krita.call("recipe", name=BOTH))["options"] == asked
    file = krita.krita.workspace.inside("masks.kra")
    krita.call("save", path=file)
    krita.call("close_documents")
    choose(krita, [])

    krita.call("open_file", path=file)
    use_recipe(krita)
    assert krita.call("paint_options") == asked
    assert BOTH in krita.call("message")


def use_recipe(krita: KritaSession) -> None:
    krita.call("activate", name=BOTH)
    krita.wait_until(lambda: krita.call("active") == BOTH, "the active layer")
    krita.call("use_recipe")


def test_a_recipe_whose_mask_is_gone(krita: KritaSession) -> None:
    make_two(krita)
    choose_two(krita, strength_mask=krita.call("mask_region", name="left"))
    paint(krita)
    krita.call("remove", name="left")
    use_recipe(krita)
    options = krita.call("paint_options")
    assert [style["where"] for style in options["styles"]] == [None, None]
    assert options["strength_mask"] is None
    told = krita.call("message")
    assert "The mask “left” is not in this image: the style “style” goes everywhere now" in told
    assert "the strength is full everywhere now" in told


def test_a_mask_of_the_same_name_takes_the_place_of_one_that_is_gone(krita: KritaSession) -> None:
    make_two(krita)
    choose_two(krita)
    krita.call("remove", name="left")
    krita.call("add_selection_mask", name="left", layer="other", **LEFT.values)
    select_layer(krita)
    paint(krita)
    assert BOTH in krita.call("names")


def test_a_mask_that_is_gone_is_refused(krita: KritaSession) -> None:
    make_two(krita)
    choose_two(krita)
    krita.call("remove", name="left")
    assert krita.refusal("pastiche_paint").startswith(
        "The mask “left”, in which the style “style” is asked for, is not in the image any more."
    )
    choose(
        krita,
        [krita.call("layer_style", name="style")],
        strength_mask={"name": "left", "source": "mask:gone"},
    )
    assert krita.refusal("pastiche_paint").startswith("The mask “left”, which tells the strength")


def test_a_mask_beside_the_layer_is_told_of(krita: KritaSession) -> None:
    make(krita)
    krita.call("add_selection_mask", name="corner", layer="style", x=0, y=0, width=5, height=5)
    select_layer(krita)
    corner = krita.call("mask_region", name="corner")
    choose(krita, [krita.call("layer_style", name="style", where=corner)])
    job = krita.finished(krita.start("pastiche_paint"))
    assert job["state"] == "failed"
    assert "The place of the style “style” by the mask “corner” is empty" in job["message"]
    choose(krita, [krita.call("layer_style", name="style")], strength_mask=corner)
    job = krita.finished(krita.start("pastiche_paint"))
    assert job["state"] == "failed"
    assert "The strength by the mask “corner” is 0" in job["message"]
    assert RESULT not in krita.call("names")
