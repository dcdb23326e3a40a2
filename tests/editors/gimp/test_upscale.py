"""“Upscale layer”, as scripts call it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pastiche_client import Client
from pastiche_client.layer import Layer, PixelFormat, SampleType
from tests.editors.gimp.driving import UPSCALE, ask, pixels, refused, tree, working
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


def upscale(gimp: Gimp, image: int, layer: int, **arguments: Any) -> int:
    """Run the procedure as a script does; returns the new layer."""
    answer = ask(gimp, image, layer, procedure=UPSCALE, **arguments)
    assert answer["status"] == "success", answer
    (made,) = answer["layers"]
    return made


def test_the_arguments_are_typed_and_described(gimp: Gimp) -> None:
    found = gimp.call("arguments", procedure=UPSCALE)
    assert found["factor"]["type"] == "gint"
    assert found["factor"]["range"] == [0, 8]
    assert all(values["blurb"] for values in found.values())
    menu = gimp.call("menu", procedure=UPSCALE)
    assert menu == {"label": "Upscale Layer…", "paths": ["<Image>/Filters/Artistic"]}


def test_a_layer_has_a_larger_copy_above_it(gimp: Gimp, client: Client, image: int) -> None:
    group = gimp.call("add_group", image=image, name="group")
    layer = gimp.call(
        "add_layer", image=image, name="small", parent=group, size=(19, 13), offset=(5, -3)
    )
    gimp.call("select", image=image, kind="rectangle", box=[6, 0, 4, 5])
    before = gimp.call("describe", image=image)
    made = upscale(gimp, image, layer, factor=2)
    assert tree(gimp, image) == ["group", ["small, 2 times as large", "small"]]
    after = gimp.call("describe", image=image)
    new, old = after["layers"][0]["children"]
    assert [old] == before["layers"][0]["children"]
    assert (new["offset"], new["size"], new["alpha"]) == ([5, -3], [38, 26], True)
    assert after["size"] == before["size"]
    # What the daemon makes of the same pixels, selected or not.
    sent = Layer(19, 13, PixelFormat.RGBA, SampleType.U8, pixels(gimp, layer).tobytes())
    wanted = client.upscale(sent, 2).layer.data
    assert pixels(gimp, made).tobytes() == bytes(wanted)


@pytest.mark.parametrize(
    ("base", "precision"),
    [
        ("rgb", "u16-linear"),
        ("rgb", "float-linear"),
        ("grey", "u8-non-linear"),
        ("indexed", "u8-non-linear"),
    ],
)
@pytest.mark.parametrize("alpha", [True, False])
def test_mode_depth_and_alpha_are_kept(gimp: Gimp, base: str, precision: str, alpha: bool) -> None:
    image = gimp.call("create_image", base=base, precision=precision, size=(32, 24))
    layer = gimp.call("add_layer", image=image, name="small", alpha=alpha)
    if base == "indexed":
        gimp.call("make_indexed", image=image)
    made = upscale(gimp, image, layer)
    new, old = gimp.call("describe", image=image)["layers"]
    assert (new["id"], new["size"]) == (made, [64, 48])
    assert new["alpha"] == old["alpha"]
    # On the average it is the same picture.
    small, large = (pixels(gimp, item).astype(float) for item in (layer, made))
    reduced = large.reshape(24, 2, 32, 2, 4).mean((1, 3))
    assert np.abs(reduced.mean((0, 1)) - small.mean((0, 1))).max() < 40


def test_a_mask_grows_with_its_layer(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, name="small", size=(40, 40))
    gimp.call("add_mask", layer=layer, box=(10, 5, 12, 30))
    made = upscale(gimp, image, layer, factor=2)
    small = np.array(gimp.call("mask_values", layer=layer)).reshape(40, 40)
    large = np.array(gimp.call("mask_values", layer=made)).reshape(80, 80)
    # Within the mask's areas, and far from it, nothing is interpolated.
    assert (large[20:60, 36:40] == 255).all()
    assert (abs(large[20:60, 24:28] - 128) <= 1).all()
    assert (large[:, :14] == 0).all()
    assert abs(large.mean() - small.mean()) < 1


def test_what_cannot_be_upscaled_is_told(gimp: Gimp, image: int) -> None:
    layer = gimp.call("add_layer", image=image, name="small")
    other = gimp.call("add_layer", image=image, name="other")
    before = gimp.call("describe", image=image)
    sentence = refused(gimp, image, layer, other, procedure=UPSCALE)
    assert "Only one layer is upscaled at a time" in sentence
    sentence = refused(gimp, image, layer, procedure=UPSCALE, factor=7)
    assert "factor must be 2, 4 or 8, not 7" in sentence.replace(":", "")
    assert gimp.call("describe", image=image) == before
    wide = gimp.call("create_image", size=(200_000, 1))
    line = gimp.call("add_layer", image=wide, name="line", alpha=False, fast=True)
    told = refused(gimp, wide, line, procedure=UPSCALE, factor=8)
    assert "“line” would be too large for the editor with 1600000 x 8 pixels" in told


def test_the_layer_is_deleted_meanwhile(gimp: Gimp, client: Client) -> None:
    image = gimp.call("create_image", size=(128, 128))
    layer = gimp.call("add_layer", image=image, name="small", alpha=False, fast=True)
    upscale(gimp, *_other(gimp), factor=2)  # starts the daemon

    def call() -> dict[str, Any]:
        return ask(gimp, image, layer, procedure=UPSCALE, factor=8)

    with working(gimp, client, call) as answer:
        gimp.second.call("delete_item", item=layer)
    assert answer.result()["status"] == "execution-error"
    assert "“small” was deleted" in answer.result()["error"]
    assert gimp.call("layers", image=image) == []


def _other(gimp: Gimp) -> tuple[int, int]:
    image = gimp.call("create_image")
    return image, gimp.call("add_layer", image=image)
