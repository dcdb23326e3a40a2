"""Pixels go to the daemon and come back as they should, in every colour space."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from pastiche_client import Client, Layer, PixelFormat, SampleType
from tests.editors.krita.session import CHANNELS, Array, KritaSession, Rect, Space

pytestmark = pytest.mark.krita

SPACES = [
    *(Space("RGBA", depth) for depth in ("U8", "U16", "F16", "F32")),
    *(Space("GRAYA", depth) for depth in ("U8", "U16", "F16", "F32")),
    *(Space("CMYKA", depth) for depth in ("U8", "U16", "F32")),
    *(Space("LABA", depth) for depth in ("U8", "U16", "F32")),
    Space("RGBA", "U8", "WideRGB-elle-V2-g22.icc"),
    Space("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc"),
    Space("RGBA", "F32", "sRGB-elle-V2-srgbtrc.icc"),
    Space("GRAYA", "U16", "Gray-D50-elle-V2-srgbtrc.icc"),
]
INSIDE = Rect(17, 9, 40, 30)
OVER_THE_EDGE = Rect(-12, -7, 50, 33)
SRGB = Space("RGBA", "F32", "sRGB built-in")
RESULT = "layer - One"


def spaced(value: object) -> str:
    return "-".join(filter(None, value.names)) if isinstance(value, Space) else ""


def cases() -> list[tuple[Space, bool, bool, bool]]:
    """Everything with RGBA U8; with the others each value of selection, offset and alpha."""
    found: list[tuple[Space, bool, bool, bool]] = []
    for space in SPACES:
        if space == SPACES[0]:
            found += [
                (space, selected, outside, soft)
                for selected, outside, soft in itertools.product((False, True), repeat=3)
            ]
        else:
            found += [(space, True, False, True), (space, False, True, False)]
    return found


def colors(krita: KritaSession, space: Space, rect: Rect, *, soft: bool) -> tuple[Space, bytes]:
    """A document of this space, and colours in it that sRGB has, with alpha down to 0 or opaque."""
    profile = krita.call("make", model=space.model, depth=space.depth, profile=space.profile)
    rng = np.random.default_rng(3)
    # Inks reach less than lights.
    low, high = (0.4, 0.6) if space.model == "CMYKA" else (0.15, 0.85)
    samples = rng.uniform(low, high, (rect.height, rect.width, 4))
    samples[..., 3] = 1.0
    target = Space(space.model, space.depth, profile)
    data = krita.call(
        "convert",
        data=SRGB.bytes(samples),
        width=rect.width,
        height=rect.height,
        source=SRGB.names,
        target=target.names,
    )
    array = target.array(data, rect).copy()
    if soft:
        ramp = np.linspace(0, target.largest, rect.width)
        ramp[:3] = 0
        array[..., -1] = np.rint(ramp) if target.largest > 1 else ramp
    else:
        array[..., -1] = target.largest
    return target, array.tobytes()


def feathered(rect: Rect) -> Array:
    """A selection that fades out within the rectangle, as shares of 255."""
    y, x = np.mgrid[: rect.height, : rect.width]
    return np.clip(
        np.minimum(np.minimum(x, rect.width - 1 - x), np.minimum(y, rect.height - 1 - y)) * 40,
        0,
        255,
    ).astype(np.uint8)


def convert(krita: KritaSession, source: Space, array: Array, target: Space) -> Array:
    """The same colours in another space, as Krita itself converts them."""
    rect = Rect(0, 0, array.shape[1], array.shape[0])
    data = krita.call(
        "convert",
        data=array.tobytes(),
        width=rect.width,
        height=rect.height,
        source=source.names,
        target=target.names,
    )
    return target.array(data, rect)


@pytest.mark.parametrize(("space", "selected", "outside", "soft"), cases(), ids=spaced)
def test_pixels_come_back(
    krita: KritaSession, space: Space, selected: bool, outside: bool, soft: bool
) -> None:
    rect = OVER_THE_EDGE if outside else INSIDE
    space, data = colors(krita, space, rect, soft=soft)
    krita.add("layer", data, rect)
    before = krita.pixels("layer", rect)
    part, share = rect, np.full((rect.height, rect.width), 255, np.uint8)
    if selected:
        part = Rect(rect.x + 4, rect.y + 5, rect.width - 10, rect.height - 8)
        share = feathered(part)
        krita.call("select", data=share.tobytes(), **part.values)
    top, left = part.y - rect.y, part.x - rect.x
    original = space.array(before, rect)[top : top + part.height, left : left + part.width]

    def stylized(strength: float) -> Array:
        krita.call("set_options", style="tiny/one", strength=strength)
        krita.call("activate", name="layer")
        krita.done()
        assert krita.call("names")[-2:] == ["layer", RESULT]
        told = krita.call("describe", name=RESULT)
        assert told["space"] == space.names
        result = space.array(krita.pixels(RESULT, part), part)
        assert told["bounds"] == bounds_of(result, part)
        assert krita.pixels("layer", rect) == before
        krita.call("remove", name=RESULT)
        return result

    # At a strength of 0 nothing is changed. Just above it everything is converted, computed and
    # converted back, though none of it can be seen.
    check_same(krita, space, original, share, stylized(0.0), exact=True)
    check_same(krita, space, original, share, stylized(1e-6), exact=False)
    painted = stylized(1.0)
    np.testing.assert_allclose(
        painted[..., -1].astype(float) / space.largest,
        original[..., -1] / space.largest * share / 255,
        atol=1e-3 if space.largest == 1 else 1 / space.largest,
    )
    seen = painted[..., -1] > 0
    one, other = (convert(krita, space, array, SRGB) for array in (original, painted))
    assert np.abs(one - other)[..., :3][seen].mean() > 0.05


def bounds_of(array: Array, rect: Rect) -> list[int]:
    """Where something can be seen."""
    seen = np.argwhere(array.any(axis=-1))
    (top, left), (bottom, right) = seen.min(0), seen.max(0)
    return [
        rect.x + int(left),
        rect.y + int(top),
        int(right - left) + 1,
        int(bottom - top) + 1,
    ]


def check_same(
    krita: KritaSession, space: Space, original: Array, share: Array, result: Array, *, exact: bool
) -> None:
    """The result has the original's colours, and its alpha times the selection's share."""
    alpha = original[..., -1].astype(np.float64) * share / 255
    step = 1.0 if space.largest > 1 else 1e-3 if space.depth == "F16" else 1e-6
    assert np.abs(result[..., -1] - alpha).max() <= step
    seen = result[..., -1] > 0
    assert seen.any()
    expected = original
    if space.model == "CMYKA" and not exact:
        # Many inks give the same colour: Krita itself does not come back to the first ones.
        expected = convert(krita, SRGB, convert(krita, space, original, SRGB), space)
    one, other = (array[..., :-1].astype(np.float64) for array in (expected, result))
    tolerance = {"U8": 1.0, "U16": 4.0, "F16": 1e-3, "F32": 1e-4}[space.depth]
    if space.depth == "F32" and space.model in {"LABA", "CMYKA"}:  # of 0..100
        tolerance *= 100
    if space.model == "CMYKA":  # a step of colour is several of ink
        tolerance *= 4
    difference = np.abs(one - other)[seen]
    assert difference.max() <= (0 if exact else tolerance)


def test_the_daemon_gets_the_very_pixels(krita: KritaSession) -> None:
    # What Krita shows is what the client gives for the same bytes.
    space, data = colors(krita, SPACES[0], INSIDE, soft=True)
    krita.add("layer", data, INSIDE)
    values: dict[str, Any] = {"strength": 0.8, "stroke_size": 1.5, "preserve_colors": True}
    krita.call(
        "set_options", style="tiny/one", second_style="tiny/two", second_share=0.25, **values
    )
    krita.done()
    # Only what can be seen is sent.
    x, y, width, height = krita.call("describe", name="layer")["bounds"]
    part = Rect(x, y, width, height)
    assert part.width < INSIDE.width
    sent = krita.pixels("layer", part)
    layer = Layer(part.width, part.height, PixelFormat.BGRA, SampleType.U8, sent)
    with Client(krita.krita.workspace.data, start=False) as client:
        expected = client.stylize(layer, {"tiny/one": 0.75, "tiny/two": 0.25}, **values)
    result = space.array(krita.pixels("layer - One + Two", part), part)
    np.testing.assert_array_equal(result, space.array(expected.layer.packed(), part))


def test_colors_beyond_srgb_are_kept(krita: KritaSession) -> None:
    # Wide gamut, brighter than white, and below black.
    krita.call("make", model="RGBA", depth="F32", profile="sRGB-elle-V2-g10.icc")
    space = Space("RGBA", "F32", "sRGB-elle-V2-g10.icc")
    samples = np.ones((8, 8, 4), np.float32)
    samples[..., 0] = np.linspace(-0.2, 6.0, 8)
    rect = Rect(3, 4, 8, 8)
    krita.add("layer", samples.tobytes(), rect)
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.done()
    assert krita.pixels(RESULT, rect) == space.bytes(samples)


def test_a_layer_of_another_space_than_its_image(krita: KritaSession) -> None:
    space, data = colors(krita, Space("RGBA", "U16"), INSIDE, soft=False)
    krita.add("layer", data, INSIDE)
    krita.krita.run("node('layer').setColorSpace('GRAYA', 'U8', 'Gray-D50-elle-V2-srgbtrc.icc')")
    krita.call("settle")
    grey = Space("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc")
    before = grey.array(krita.pixels("layer", INSIDE), INSIDE)
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.done()
    assert krita.call("describe", name=RESULT)["space"] == space.names
    result = space.array(krita.pixels(RESULT, INSIDE), INSIDE)
    np.testing.assert_allclose(
        convert(krita, grey, before, SRGB), convert(krita, space, result, SRGB), atol=1 / 255
    )


def test_the_channels_are_known() -> None:
    assert {space.model for space in SPACES} == CHANNELS.keys()
