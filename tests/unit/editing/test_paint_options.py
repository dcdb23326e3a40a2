"""What can be chosen for painting like another layer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.option_values import OptionError
from pastiche_client.editing.paint_options import (
    MOST_STYLES,
    PREVIEW_SIDE,
    PaintColors,
    PaintOptions,
    PaintStart,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)

LAYER = StyleChoice(StyleKind.LAYER, "Waves", layer="17", weight=2.0)
SKY = RegionChoice("Sky", "channel:5", outside=True)
FILE = StyleChoice(StyleKind.FILE, "night", file="/pictures/night.png", where=SKY)
OPTIONS = PaintOptions(
    (LAYER, FILE),
    amount=0.25,
    style_scale=2.0,
    colors=PaintColors.LUMINANCE,
    start=PaintStart.NOISE,
    quality=Quality.FINE,
    encoder="vgg19",
    strength_mask=RegionChoice("Fade", "mask:7"),
)


def test_the_values_become_a_request() -> None:
    told = OPTIONS.optimize_options()
    assert told.terms.content == pytest.approx(10.0)
    assert told.terms.style == 1.0
    assert (told.start, told.colors, told.style_scale) == ("noise", "luminance", 2.0)
    assert (told.size, told.scales, told.minimizer.steps) == (1024, 3, 400)
    assert told.encoder == "vgg19"
    assert told.preview_size == PREVIEW_SIDE
    assert told.preview_seconds is not None
    assert told.preview_seconds <= 1.0


def test_the_ends_of_the_amount_are_as_far_from_its_middle() -> None:
    weights = [PaintOptions(amount=amount).content_weight for amount in (0.0, 0.5, 1.0)]
    assert weights == pytest.approx([100.0, 1.0, 0.01])


@pytest.mark.parametrize("start", PaintStart)
@pytest.mark.parametrize("colors", PaintColors)
@pytest.mark.parametrize("quality", Quality)
def test_every_choice_is_one_of_the_daemons(
    start: PaintStart, colors: PaintColors, quality: Quality
) -> None:
    told = PaintOptions(start=start, colors=colors, quality=quality).optimize_options()
    assert told.start in {"content", "noise", "style"}
    assert told.colors == colors.value
    assert (told.size or 32) >= 32
    assert 1 <= (told.scales or 0) <= 8


def test_better_is_larger_and_takes_longer() -> None:
    assert [kind.steps for kind in Quality] == sorted(kind.steps for kind in Quality)
    sizes = [kind.size or 10**6 for kind in Quality]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)


def test_styles_need_not_be_read_larger_than_they_are_used() -> None:
    assert PaintOptions(style_scale=0.5).style_side == 256
    assert PaintOptions(quality=Quality.FULL).style_side == 0


def test_they_come_back_whole() -> None:
    values = OPTIONS.to_dict()
    assert values["styles"][0] == {
        "kind": "layer",
        "name": "Waves",
        "layer": "17",
        "file": "",
        "weight": 2.0,
        "where": None,
    }
    assert values["styles"][1]["where"] == {"name": "Sky", "source": "channel:5", "outside": True}
    assert values["strength_mask"] == {"name": "Fade", "source": "mask:7", "outside": False}
    json.dumps(values)
    assert PaintOptions.from_dict(values) == OPTIONS
    assert PaintOptions.from_dict({}) == PaintOptions()
    assert PaintOptions.from_dict({**values, "glitter": 1}) == OPTIONS
    assert PaintOptions.unknown_names({**values, "glitter": 1}) == ("glitter",)


def test_what_was_kept_before_there_were_places_is_everywhere() -> None:
    style = {name: value for name, value in LAYER.to_dict().items() if name != "where"}
    assert StyleChoice.from_dict(style) == LAYER
    assert LAYER.where is None


def test_a_place_is_a_mask_or_its_opposite() -> None:
    mask = bytes([0, 1, 200, 255])
    assert RegionChoice("Sky").plane(mask) == mask
    assert SKY.plane(mask) == bytes([255, 254, 55, 0])


def test_they_are_named_after_their_styles() -> None:
    assert OPTIONS.name == "Waves + night"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("amount", 1.1, "from 0 to 1"),
        ("amount", float("nan"), "from 0 to 1"),
        ("amount", "much", "number"),
        ("style_scale", 0.1, "from 0.25 to 4"),
        ("colors", "red", "style, luminance, recolored"),
        ("start", "end", "layer, noise, style"),
        ("quality", None, "quick, good, fine, full"),
        ("encoder", "", "encoder's name"),
        ("encoder", "../vgg19", "encoder's name"),
        ("encoder", 19, "encoder's name"),
        ("strength_mask", "Sky", "must name a mask"),
        ("strength_mask", {}, "Choose a mask"),
        ("styles", "waves", "list of styles"),
        ("styles", ["waves"], "list of styles"),
        ("styles", [LAYER] * (MOST_STYLES + 1), "At most 16"),
        ("styles", [StyleChoice(StyleKind.LAYER, "x", weight=0)], "all 0"),
    ],
)
def test_what_cannot_be_is_told_with_its_name(field: str, value: Any, told: str) -> None:
    with pytest.raises(OptionError, match=told) as refused:
        PaintOptions(**{field: value})
    assert refused.value.field in {field, "weight", "name"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kind": "dream", "name": "x"}, "layer, image, file"),
        ({"kind": "layer", "name": ""}, "Choose a style"),
        ({"kind": "file", "name": "x"}, "Choose a style"),
        ({"kind": "layer", "name": 7}, "must be a text"),
        ({"kind": "layer", "name": "x", "weight": -1}, "from 0 to 100"),
        ({"kind": "file", "name": "x", "file": "x" * 5000}, "must be a text"),
        ({"kind": "layer", "name": "x", "where": 3}, "where must name a mask"),
        ({"kind": "layer", "name": "x", "where": {"name": ""}}, "Choose a mask"),
        ({"kind": "layer", "name": "x", "where": {"name": 3}}, "must be a text"),
        ({"kind": "layer", "name": "x", "where": {"name": "y", "source": 3}}, "must be a text"),
        ({"kind": "layer", "name": "x", "where": {"name": "y", "outside": 1}}, "true or false"),
        ({}, "layer, image, file"),
    ],
)
def test_styles_that_cannot_be_are_told(values: dict[str, Any], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        StyleChoice.from_dict(values)
    with pytest.raises(OptionError, match=told):
        PaintOptions.from_dict({"styles": [values]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS.to_dict())), json_values))
def test_any_value_is_read_or_refused(values: dict[str, Any]) -> None:
    try:
        options = PaintOptions.from_dict({**OPTIONS.to_dict(), **values})
    except OptionError:
        return
    assert PaintOptions.from_dict(options.to_dict()) == options
