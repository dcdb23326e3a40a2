"""Painting like another layer, as scripts call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastiche_client import Client
from tests.editors.gimp.driving import (
    ENCODER,
    PAINT,
    RERUN,
    ask,
    daemon_of,
    pixels,
    refused,
    tree,
    working,
)
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


@pytest.fixture
def layer(gimp: Gimp, image: int) -> int:
    return gimp.call("add_layer", image=image, name="picture")


@pytest.fixture
def style(gimp: Gimp, image: int, layer: int) -> int:
    assert layer
    return gimp.call("add_layer", image=image, name="waves", size=(40, 30), seed=7)


def paint(gimp: Gimp, image: int, layer: int, **arguments: Any) -> int:
    """Run the procedure as a script does; returns the new layer."""
    answer = ask(gimp, image, layer, procedure=PAINT, **arguments)
    assert answer["status"] == "success", answer
    (made,) = answer["layers"]
    return made


def check(gimp: Gimp, image: int, layer: int, *parts: str, **arguments: object) -> None:
    before = gimp.call("describe", image=image)
    sentence = refused(gimp, image, layer, **{"procedure": PAINT, **arguments})
    for part in parts:
        assert part in sentence
    assert gimp.call("describe", image=image) == before


def recipe(gimp: Gimp, layer: int) -> dict[str, Any]:
    return json.loads(gimp.call("recipe", layer=layer))


def test_the_arguments_are_typed_and_described(gimp: Gimp) -> None:
    found = gimp.call("arguments", procedure=PAINT)
    assert {name: values["type"] for name, values in found.items()} == {
        "run-mode": "GimpRunMode",
        "image": "GimpImage",
        "drawables": "GimpCoreObjectArray",
        "style": "GimpDrawable",
        "style-file": "GFile",
        "second-style": "GimpDrawable",
        "second-share": "gdouble",
        "style-region": "GimpDrawable",
        "second-region": "GimpDrawable",
        "strength-mask": "GimpDrawable",
        "amount": "gdouble",
        "style-scale": "gdouble",
        "colors": "gchararray",
        "start": "gchararray",
        "quality": "gchararray",
        "encoder": "gchararray",
    }
    assert found["amount"]["range"] == [0.0, 1.0]
    assert all(values["blurb"] for values in found.values())
    menu = gimp.call("menu", procedure=PAINT)
    assert menu == {"label": "Paint like Another Layer…", "paths": ["<Image>/Filters/Artistic"]}


def test_a_layer_is_painted_like_another(gimp: Gimp, image: int, layer: int, style: int) -> None:
    before = gimp.call("describe", image=image)
    made = paint(gimp, image, layer, style=style, amount=0.75, colors="luminance")
    assert tree(gimp, image) == ["waves", "picture like waves", "picture"]
    after = gimp.call("describe", image=image)
    new = after["layers"].pop(1)
    assert after == before
    assert new["id"] == made
    assert (new["offset"], new["size"], new["alpha"]) == ([0, 0], [48, 40], True)
    assert (pixels(gimp, made)[..., 3] == pixels(gimp, layer)[..., 3]).all()
    assert (pixels(gimp, made)[..., :3] != pixels(gimp, layer)[..., :3]).mean() > 0.3
    found = recipe(gimp, made)
    assert found["kind"] == "paint"
    assert found["encoder"] == ENCODER
    (chosen,) = found["options"].pop("styles")
    assert (chosen["kind"], chosen["name"], chosen["file"]) == ("layer", "waves", "")
    assert found["options"] == {
        "amount": 0.75,
        "style_scale": 1.0,
        "colors": "luminance",
        "start": "layer",
        "quality": "quick",
        "encoder": ENCODER,
        "strength_mask": None,
    }


@pytest.mark.parametrize(
    ("base", "precision"),
    [
        ("rgb", "u16-linear"),
        ("rgb", "float-linear"),
        ("grey", "u8-non-linear"),
        ("indexed", "u8-non-linear"),
    ],
)
def test_selection_offset_and_group_are_kept(gimp: Gimp, base: str, precision: str) -> None:
    image = gimp.call("create_image", base=base, precision=precision, size=(80, 70))
    group = gimp.call("add_group", image=image, name="group")
    layer = gimp.call(
        "add_layer", image=image, name="within", parent=group, offset=(6, 4), size=(60, 50)
    )
    style = gimp.call("add_layer", image=image, name="waves", seed=7)
    if base == "indexed":
        gimp.call("make_indexed", image=image)
    gimp.call("select", image=image, kind="feathered", box=[10, 8, 44, 40])
    selected = gimp.call("selection_values", layer=layer)
    made = paint(gimp, image, layer, style=style)
    assert tree(gimp, image) == ["waves", "group", ["within like waves", "within"]]
    assert gimp.call("mask_values", layer=made) == selected
    new, old = gimp.call("describe", image=image)["layers"][1]["children"]
    assert (new["offset"], new["size"]) == (old["offset"], old["size"]) == ([6, 4], [60, 50])
    changed = (pixels(gimp, made) != pixels(gimp, layer)).any(axis=2)
    assert changed.any()
    outside = np.array(selected).reshape(50, 60) == 0
    assert outside.any()
    # The bounds of a selection are a rectangle, whose corners its mask hides.
    rows, columns = (np.flatnonzero((~outside).any(axis=axis)) for axis in (1, 0))
    changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = False
    assert not changed.any()


def test_a_group_a_mask_and_a_layer_of_another_image_are_styles(
    gimp: Gimp, image: int, layer: int
) -> None:
    other = gimp.call("create_image", size=(60, 50))
    foreign = gimp.call("add_layer", image=other, name="far away", seed=9)
    group = gimp.call("add_group", image=image, name="group")
    gimp.call("add_layer", image=image, name="within", parent=group, seed=8)
    mask = gimp.call("add_mask", layer=layer)
    made = {
        pixels(gimp, paint(gimp, image, layer, style=style, **second)).tobytes()
        for style, second in (
            (foreign, {}),
            (group, {}),
            (mask, {}),
            (foreign, {"second_style": group, "second_share": 0.25}),
        )
    }
    assert len(made) == 4
    assert tree(gimp, image)[0] == "group"
    newest = next(
        layer for layer in gimp.call("describe", image=image)["layers"] if "+" in layer["name"]
    )
    assert newest["name"] == "picture like far away + group"
    weights = [style["weight"] for style in recipe(gimp, newest["id"])["options"]["styles"]]
    assert weights == [0.75, 0.25]


def test_a_file_is_a_style(gimp: Gimp, image: int, layer: int) -> None:
    file = exported(gimp, "night.png")
    opened = gimp.call("images")
    made = paint(gimp, image, layer, style_file=file)
    assert tree(gimp, image) == ["picture like night", "picture"]
    assert gimp.call("images") == opened
    (chosen,) = recipe(gimp, made)["options"]["styles"]
    assert (chosen["kind"], chosen["file"]) == ("file", file)


def exported(gimp: Gimp, name: str) -> str:
    """A picture's file, as GIMP sees it."""
    other = gimp.call("create_image", size=(60, 50))
    gimp.call("add_layer", image=other, seed=9, alpha=False)
    file = gimp.workspace.inside(gimp.workspace.folder / name)
    gimp.call("export", image=other, path=file)
    gimp.call("delete_image", image=other)
    return file


def test_a_layer_of_an_opened_picture_is_found_when_it_is_opened_again(
    gimp: Gimp, image: int, layer: int
) -> None:
    other = gimp.call("create_image")
    gimp.call("add_layer", image=other, name="far away", seed=9)
    file = gimp.workspace.inside(gimp.workspace.folder / "opened.xcf")
    opened = gimp.call("save_and_open", image=other, path=file)
    (foreign,) = gimp.call("layers", image=opened)
    made = paint(gimp, image, layer, style=foreign)
    (chosen,) = recipe(gimp, made)["options"]["styles"]
    assert (chosen["kind"], chosen["file"]) == ("layer", file)
    gimp.call("delete_image", image=opened)
    check(gimp, image, made, "is not open", procedure=RERUN)
    gimp.call("open_image", path=file)
    answer = ask(gimp, image, made, procedure=RERUN)
    assert answer["status"] == "success", answer
    assert (pixels(gimp, answer["layers"][0]) == pixels(gimp, made)).all()


def test_a_recipe_is_used_again_after_the_file_was_closed(
    gimp: Gimp, image: int, layer: int, style: int
) -> None:
    made = paint(gimp, image, layer, style=style, start="noise", style_scale=0.5)
    gimp.call("rename", item=style, name="renamed")
    file = gimp.workspace.folder / "painted.xcf"
    opened = gimp.call("save_and_open", image=image, path=gimp.workspace.inside(file))
    _, new, _ = gimp.call("layers", image=opened)
    assert recipe(gimp, new) == recipe(gimp, made)
    answer = ask(gimp, opened, new, procedure=RERUN)
    assert answer["status"] == "success", answer
    (again,) = answer["layers"]
    assert tree(gimp, opened)[1:] == ["picture like waves #1", "picture like waves", "picture"]
    assert (pixels(gimp, again) == pixels(gimp, made)).all()


def test_a_recipe_whose_style_is_gone_says_which(
    gimp: Gimp, image: int, layer: int, style: int
) -> None:
    made = paint(gimp, image, layer, style=style)
    gimp.call("delete_item", item=style)
    check(gimp, image, made, "The layer “waves”", "not in the image any more", procedure=RERUN)


def test_a_recipe_whose_file_is_gone_says_where_it_was(gimp: Gimp, image: int, layer: int) -> None:
    file = exported(gimp, "gone.png")
    made = paint(gimp, image, layer, style_file=file)
    (gimp.workspace.folder / "gone.png").unlink()
    check(gimp, image, made, f"The style's file {file} is not there", procedure=RERUN)


def test_a_recipe_whose_image_is_closed_says_so(gimp: Gimp, image: int, layer: int) -> None:
    other = gimp.call("create_image")
    foreign = gimp.call("add_layer", image=other, name="far away", seed=9)
    made = paint(gimp, image, layer, style=foreign)
    for open_image in gimp.call("images"):
        if open_image != image:
            gimp.call("delete_image", image=open_image)
    check(gimp, image, made, "The image of “far away”", "is not open", procedure=RERUN)


def test_what_cannot_be_painted_is_told(gimp: Gimp, image: int, layer: int, style: int) -> None:
    check(gimp, image, layer, "Choose a style to paint like")
    empty = gimp.call("add_layer", image=image, name="nothing", size=(20, 20))
    gimp.call("make_transparent", layer=empty)
    check(gimp, image, layer, "“nothing” is empty", style=empty)
    small = gimp.call("add_layer", image=image, name="small", size=(15, 40))
    check(gimp, image, layer, "“small” is too small to be a style", style=small)
    check(gimp, image, small, "“small” is too small to be painted", style=style)
    check(gimp, image, layer, "vgg16", "encoders fetch", style=style, encoder="vgg16")
    check(gimp, image, layer, "no such encoder", style=style, encoder="vgg99")
    check(gimp, image, layer, "encoder's name", style=style, encoder="../vgg19")
    gimp.call("set_state", item=layer, visible=False)
    check(gimp, image, layer, "“picture” is invisible", style=style)


def test_a_file_that_is_no_picture_is_told(gimp: Gimp, image: int, layer: int) -> None:
    file = gimp.workspace.folder / "letter.png"
    Path(file).write_text("Dear Vincent,", "utf-8")
    inside = gimp.workspace.inside(file)
    check(gimp, image, layer, f"{inside} cannot be opened as a picture", style_file=inside)


def test_only_one_layer_is_painted_at_a_time(
    gimp: Gimp, image: int, layer: int, style: int
) -> None:
    answer = ask(gimp, image, layer, style, procedure=PAINT, style=style)
    assert answer["status"] == "execution-error"
    assert "one layer" in answer["error"]


# Minutes of work at this size, which nobody waits for.
SLOW: dict[str, Any] = {"quality": "full", "start": "noise"}


@pytest.fixture
def large(gimp: Gimp) -> tuple[int, int, int]:
    """An image, a layer in it, and a style; the daemon is there."""
    image = gimp.call("create_image", size=(256, 256))
    layer = gimp.call("add_layer", image=image, name="picture", alpha=False, fast=True)
    style = gimp.call("add_layer", image=image, name="waves", size=(64, 64), alpha=False, seed=7)
    small = gimp.call("create_image")
    paint(gimp, small, gimp.call("add_layer", image=small), style=style)
    return image, layer, style


def test_the_layer_is_deleted_meanwhile(
    gimp: Gimp, client: Client, large: tuple[int, int, int]
) -> None:
    image, layer, style = large

    def call() -> dict[str, Any]:
        return ask(gimp, image, layer, procedure=PAINT, style=style, **SLOW)

    with working(gimp, client, call) as answer:
        gimp.second.call("delete_item", item=layer)
    assert answer.result()["status"] == "execution-error"
    assert "“picture” was deleted" in answer.result()["error"]
    assert gimp.call("layers", image=image) == [style]


def test_the_daemon_is_killed_meanwhile(
    gimp: Gimp, client: Client, large: tuple[int, int, int]
) -> None:
    image, layer, style = large
    before = gimp.call("describe", image=image)

    def call() -> dict[str, Any]:
        return ask(gimp, image, layer, procedure=PAINT, style=style, **SLOW)

    with working(gimp, client, call) as answer:
        daemon_of(gimp).kill()
    assert answer.result()["status"] == "execution-error"
    assert "ended in the middle" in answer.result()["error"]
    assert gimp.call("describe", image=image) == before
