"""Places of styles, and strength by a mask, as scripts ask for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pastiche_client.editing.paint_options import (
    PaintOptions,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.presets import PaintPresetStore
from tests.editors.gimp.driving import ENCODER, PAINT, RERUN, ask, pixels
from tests.editors.gimp.test_paint import check, paint, recipe
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp

# The layer's place and size in an image of 100 x 80, and the left half of the layer.
_OFFSET, _SIZE = (10, 8), (72, 60)
_LEFT = [10, 8, 36, 60]


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image", size=(100, 80))


@pytest.fixture
def layer(gimp: Gimp, image: int) -> int:
    return gimp.call(
        "add_layer", image=image, name="picture", size=_SIZE, offset=_OFFSET, alpha=False
    )


@pytest.fixture
def style(gimp: Gimp, image: int, layer: int) -> int:
    assert layer
    return gimp.call("add_layer", image=image, name="waves", size=(40, 30), seed=7, alpha=False)


@pytest.fixture
def sky(gimp: Gimp, image: int) -> int:
    """A channel of the layer's left half."""
    gimp.call("select", image=image, kind="rectangle", box=_LEFT)
    return gimp.call("save_selection", image=image, name="sky")


def changed(gimp: Gimp, layer: int, made: int) -> tuple[float, float]:
    """The share of pixels that changed, in the left half and in the right one."""
    differs = (pixels(gimp, made) != pixels(gimp, layer)).any(axis=2)
    return float(differs[:, :36].mean()), float(differs[:, 36:].mean())


def test_a_style_keeps_to_its_channel(
    gimp: Gimp, image: int, layer: int, style: int, sky: int
) -> None:
    made = paint(gimp, image, layer, style=style, style_region=sky, amount=1.0)
    left, right = changed(gimp, layer, made)
    assert left > 0.9
    assert right == 0
    (chosen,) = recipe(gimp, made)["options"]["styles"]
    where = chosen["where"]
    assert (where["name"], where["outside"]) == ("sky", False)
    assert where["source"].startswith("channel:")


def test_two_styles_have_two_places(
    gimp: Gimp, image: int, layer: int, style: int, sky: int
) -> None:
    own = gimp.call("add_mask", layer=layer, box=(36, 0, 36, 60), apply=False)
    night = gimp.call("add_layer", image=image, name="night", size=(40, 30), seed=3, alpha=False)
    both = {"style": style, "style_region": sky, "second_style": night, "amount": 1.0}
    made = paint(gimp, image, layer, **both, second_region=own)
    assert all(share > 0.8 for share in changed(gimp, layer, made))
    styles = recipe(gimp, made)["options"]["styles"]
    assert [entry["where"]["source"].split(":")[0] for entry in styles] == ["channel", "mask"]
    everywhere = paint(gimp, image, layer, **both)
    assert (pixels(gimp, everywhere) != pixels(gimp, made)).any()


@pytest.mark.parametrize(
    ("precision", "step"),
    # Dark colours are far apart where eight bits are linear.
    [("u8-non-linear", 1), ("u8-linear", 13), ("u16-linear", 1), ("float-linear", 1)],
)
def test_the_strength_is_what_was_selected(gimp: Gimp, precision: str, step: int) -> None:
    image = gimp.call("create_image", size=(100, 80), precision=precision)
    layer = gimp.call("add_layer", image=image, size=_SIZE, offset=_OFFSET, alpha=False)
    style = gimp.call("add_layer", image=image, name="waves", seed=7, alpha=False)
    gimp.call("select", image=image, kind="feathered", box=[30, 20, 40, 36])
    values = gimp.call("selection_values", layer=layer)
    fade = gimp.call("save_selection", image=image, name="fade")
    before = pixels(gimp, layer).astype(float)
    full = pixels(gimp, paint(gimp, image, layer, style=style))
    made = paint(gimp, image, layer, style=style, strength_mask=fade)
    found = pixels(gimp, made).astype(float)
    strength = np.array(values).reshape(60, 72, 1)
    assert len(np.unique(strength)) > 50
    assert (found == before)[strength[..., 0] == 0].all()
    expected = before + strength / 255 * (full - before)
    assert np.abs(found - expected).max() <= step / 2 + 2
    # It is in the pixels, so that nothing hides them.
    assert recipe(gimp, made)["options"]["strength_mask"]["name"] == "fade"
    assert gimp.call("describe", image=image)["layers"][1]["mask"] is None


def test_a_selection_limits_what_has_a_place(
    gimp: Gimp, image: int, layer: int, style: int, sky: int
) -> None:
    gimp.call("select", image=image, kind="rectangle", box=[14, 20, 60, 40])
    selected = gimp.call("selection_values", layer=layer)
    made = paint(gimp, image, layer, style=style, style_region=sky, strength_mask=sky, amount=1.0)
    assert gimp.call("mask_values", layer=made) == selected
    found, before = pixels(gimp, made), pixels(gimp, layer)
    differs = (found != before).any(axis=2)
    inside = np.zeros((60, 72), bool)
    inside[12:52, 4:36] = True
    assert not differs[~inside].any()
    assert differs[inside].mean() > 0.9


def test_a_recipe_finds_its_masks_again(
    gimp: Gimp, image: int, layer: int, style: int, sky: int
) -> None:
    made = paint(gimp, image, layer, style=style, style_region=sky, strength_mask=sky)
    gimp.call("rename", item=sky, name="heaven")
    file = gimp.workspace.inside(gimp.workspace.folder / "places.xcf")
    opened = gimp.call("save_and_open", image=image, path=file)
    _, new, _ = gimp.call("layers", image=opened)
    answer = ask(gimp, opened, new, procedure=RERUN)
    assert answer["status"] == "success", answer
    assert (pixels(gimp, answer["layers"][0]) == pixels(gimp, made)).all()


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("style_region", ("The mask “sky”", "style “waves”", "Choose another place")),
        ("strength_mask", ("The mask “sky”", "tells the strength", "Choose another one")),
    ],
)
def test_a_recipe_whose_mask_is_gone_says_which(
    gimp: Gimp,
    image: int,
    layer: int,
    style: int,
    sky: int,
    argument: str,
    told: tuple[str, ...],
) -> None:
    made = paint(gimp, image, layer, style=style, **{argument: sky})
    gimp.call("delete_item", item=sky)
    check(gimp, image, made, *told, procedure=RERUN)


def test_the_last_values_find_masks_by_name_in_other_images(
    gimp: Gimp, image: int, layer: int, style: int, sky: int
) -> None:
    file = gimp.workspace.folder / "sky-style.png"
    other = gimp.call("create_image", size=(40, 40))
    gimp.call("add_layer", image=other, seed=7, alpha=False)
    gimp.call("export", image=other, path=gimp.workspace.inside(file))
    waves = StyleChoice(
        StyleKind.FILE,
        "waves",
        file=gimp.workspace.inside(file),
        where=RegionChoice("sky", "channel:987654", outside=True),
    )
    options: dict[str, Any] = {"quality": Quality.QUICK, "encoder": ENCODER, "amount": 1.0}
    last = PaintPresetStore(gimp.workspace.data, "gimp")
    last.remember_last(PaintOptions((waves,), **options))
    answer = ask(gimp, image, layer, procedure=PAINT, run_mode="last")
    assert answer["status"] == "success", answer
    left, right = changed(gimp, layer, gimp.call("layers", image=image)[1])
    assert left == 0
    assert right > 0.9
    gimp.call("rename", item=sky, name="heaven")
    check(gimp, image, layer, "The mask “sky”", run_mode="last")


def test_what_is_no_place_is_told(gimp: Gimp, image: int, layer: int, style: int, sky: int) -> None:
    check(gimp, image, layer, "style-region must name a mask", style=style, style_region=style)
    check(gimp, image, layer, "strength-mask must name a mask", style=style, strength_mask=layer)
    gimp.call("select", image=image, kind="rectangle", box=[60, 20, 16, 36])
    outside = gimp.call("save_selection", image=image, name="beside")
    gimp.call("select", image=image, kind="rectangle", box=_LEFT)
    check(gimp, image, layer, "“waves” by the mask “beside”", style=style, style_region=outside)
    check(gimp, image, layer, "by the mask “beside” is 0", style=style, strength_mask=outside)
    assert sky
