"""What comes back in every precision and colour model, with every selection."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pastiche_client import Client, Layer, PixelFormat, SampleType
from tests.editors.gimp.driving import stylize
from tests.editors.support.gimp import Gimp

pytestmark = pytest.mark.gimp

_PRECISIONS = [
    f"{sample}-{curve}"
    for sample in ("u8", "u16", "u32", "half", "float", "double")
    for curve in ("linear", "non-linear", "perceptual")
]
_PROFILES = [
    (base, profile, precision)
    for base, profile in (("rgb", "adobe"), ("rgb", "linear"), ("grey", "grey-lab"))
    for precision in ("u8-non-linear", "u16-perceptual", "half-linear", "float-non-linear")
]
_KINDS = {SampleType.U8: (np.uint8, "u8"), SampleType.F32: (np.float32, "float")}
# float32 holds 24 bits, and GEGL's curves are good to some millionths.
_ROUNDING = 5e-6
# GEGL's curve of another profile is an approximation: 1/255 of the range at its darkest values.
_OTHER_CURVE = 6e-3


def pixels(gimp: Gimp, layer: int, sample: SampleType = SampleType.U8) -> NDArray[Any]:
    """height x width x 4, sRGB with its curve; uint8 or float32"""
    kind, babl = _KINDS[sample]
    found = gimp.call("pixels", layer=layer, babl=f"R'G'B'A {babl}")
    return np.frombuffer(b64decode(found["data"]), kind).reshape(*found["shape"], -1)


@pytest.mark.parametrize(
    ("base", "profile", "precision"),
    [
        *(("rgb", "", precision) for precision in _PRECISIONS),
        *(("grey", "", precision) for precision in _PRECISIONS),
        ("indexed", "", "u8-non-linear"),
        *_PROFILES,
    ],
)
def test_strength_0_gives_the_pixels_back(
    gimp: Gimp, base: str, profile: str, precision: str
) -> None:
    image = gimp.call("create_image", base=base, precision=precision, profile=profile)
    layers = [
        gimp.call("add_layer", image=image, alpha=alpha, size=(31, 22), offset=(5, -3))
        for alpha in (True, False)
    ]
    if base == "indexed":
        gimp.call("make_indexed", image=image)
    stylize(gimp, image, *layers, style="tiny/one", strength=0.0)
    opaque_made, opaque, alpha_made, alpha = gimp.call("layers", image=image)
    assert [opaque, alpha] == layers[::-1]
    exact = base == "indexed" or (precision.startswith(("u8", "u16", "half")) and not profile)
    most = 0 if exact else _OTHER_CURVE if profile else _ROUNDING
    assert gimp.call("difference", first=opaque, second=opaque_made) <= most
    assert gimp.call("difference", first=alpha, second=alpha_made) <= most
    gimp.call("delete_image", image=image)


@pytest.mark.parametrize(
    ("base", "precision"),
    [("rgb", "u8-non-linear"), ("rgb", "float-linear"), ("grey", "u16-linear")],
)
@pytest.mark.parametrize("offset", [(0, 0), (7, -4)], ids=["fitting", "shifted"])
@pytest.mark.parametrize("selection", ["none", "rectangle", "feathered"])
@pytest.mark.parametrize("placement", ["above", "in-place"])
def test_the_selection_is_stylized(
    gimp: Gimp,
    client: Client,
    base: str,
    precision: str,
    offset: tuple[int, int],
    selection: str,
    placement: str,
) -> None:
    image = gimp.call("create_image", base=base, precision=precision)
    layers = {
        alpha: gimp.call("add_layer", image=image, alpha=alpha, size=(40, 36), offset=offset)
        for alpha in (True, False)
    }
    gimp.call("select", image=image, kind=selection)
    before = gimp.call("describe", image=image)
    sample = SampleType.U8 if precision.startswith("u8") else SampleType.F32
    sources = {alpha: pixels(gimp, layer, sample) for alpha, layer in layers.items()}
    x, y, width, height = gimp.call("selected_part", layer=layers[True])
    part = np.s_[y : y + height, x : x + width]
    mask = pixels_of_selection(gimp, layers[True])

    made = stylize(gimp, image, *layers.values(), style="tiny/two", placement=placement)

    after = gimp.call("describe", image=image)
    assert after["selection"] == before["selection"]
    assert sorted(gimp.call("selected", image=image)) == sorted(made)
    if placement == "in-place":
        assert sorted(made) == sorted(layers.values())
        assert len(after["layers"]) == 2
        results = dict(layers)
    else:
        # The opaque layer was put in last, and so is the upper one.
        new_opaque, opaque, new_alpha, alpha = after["layers"]
        assert [opaque, alpha] == before["layers"]
        results = {True: new_alpha["id"], False: new_opaque["id"]}
        assert sorted(made) == sorted(results.values())
        for has_alpha, new in ((True, new_alpha), (False, new_opaque)):
            assert (new["offset"], new["size"]) == ([*offset], [40, 36])
            assert (new["opacity"], new["mode"], new["visible"]) == (100.0, "normal", True)
            assert new["alpha"] is has_alpha
            if selection == "none":
                assert new["mask"] is None
            else:
                assert np.array_equal(pixels_of_mask(gimp, new["id"]), mask)
    for has_alpha, source in sources.items():
        expected = source.copy()
        expected[part] = of_daemon(client, source[part], alpha=has_alpha)
        if base == "grey":
            expected[..., :3] = luminance(expected)
        result = pixels(gimp, results[has_alpha], sample)
        assert np.array_equal(result[..., 3], source[..., 3])
        seen = source[..., 3] > 0
        assert not same(result[seen], source[seen])
        if placement == "in-place":
            assert same(result[seen & (mask == 1)], expected[seen & (mask == 1)])
            assert same(result[mask == 0], source[mask == 0])
            low, high = np.minimum(source, expected), np.maximum(source, expected)
            assert same(result.clip(low, high)[seen], result[seen])
        else:
            assert same(result[seen], expected[seen])
    gimp.call("delete_image", image=image)


def of_daemon(client: Client, source: NDArray[Any], *, alpha: bool) -> NDArray[Any]:
    """What the daemon makes of these pixels, asked without GIMP."""
    height, width, _ = source.shape
    layer = Layer(
        width,
        height,
        PixelFormat.RGBA if alpha else PixelFormat.RGB,
        SampleType.U8 if source.dtype == np.uint8 else SampleType.F32,
        (source if alpha else source[..., :3]).tobytes(),
    )
    answer = np.frombuffer(client.stylize(layer, "tiny/two").layer.packed(), source.dtype)
    result = source.copy()
    result[..., : 4 if alpha else 3] = answer.reshape(height, width, -1)
    return result


def luminance(pixels: NDArray[Any]) -> NDArray[Any]:
    """What a grey image shows of colours: the luminance of linear light, with sRGB's curve."""
    share = pixels[..., :3]
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    grey = linear @ np.array([0.2225, 0.7169, 0.0606])  # Y of sRGB's primaries, adapted to D50
    return np.where(grey <= 0.0031308, grey * 12.92, 1.055 * grey ** (1 / 2.4) - 0.055)[..., None]


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Equal but for GEGL's rounding."""
    most = 1 if one.dtype == np.uint8 else 2e-3
    return bool((np.abs(one.astype(float) - other.astype(float)) <= most).all())


def pixels_of_selection(gimp: Gimp, layer: int) -> NDArray[np.float32]:
    """What is selected of a layer, height x width, 0..1; everything where nothing is selected."""
    return _plane(gimp.call("selection_over", layer=layer))


def pixels_of_mask(gimp: Gimp, layer: int) -> NDArray[np.float32]:
    return _plane(gimp.call("mask_pixels", layer=layer))


def _plane(found: dict[str, Any]) -> NDArray[np.float32]:
    return np.frombuffer(b64decode(found["data"]), np.float32).reshape(found["shape"])
