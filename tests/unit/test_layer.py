from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pastiche.v1 import layer_pb2
from pastiche_client.images import (
    layer_from_array,
    layer_from_image,
    layer_to_array,
    layer_to_image,
)
from pastiche_client.layer import Layer, PixelFormat, SampleType


def make(**changes: Any) -> Layer:
    fields: dict[str, Any] = {
        "width": 3,
        "height": 2,
        "format": PixelFormat.RGBA,
        "sample_type": SampleType.U16,
        "data": bytes(3 * 2 * 4 * 2),
    }
    return Layer(**{**fields, **changes})


def test_the_enums_have_the_values_of_the_api() -> None:
    formats = {name: int(value) for name, value in PixelFormat.__members__.items()}
    samples = {name: int(value) for name, value in SampleType.__members__.items()}
    api_formats = {k.removeprefix("PIXEL_FORMAT_"): v for k, v in layer_pb2.PixelFormat.items()}
    api_samples = {k.removeprefix("SAMPLE_TYPE_"): v for k, v in layer_pb2.SampleType.items()}
    assert {"UNSPECIFIED": 0, **formats} == api_formats
    assert {"UNSPECIFIED": 0, **samples} == api_samples


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "width and height"),
        ({"height": -1}, "width and height"),
        ({"row_stride": 23}, "row_stride"),
        ({"row_stride": -1}, "row_stride"),
        ({"data": bytes(47)}, "data must have 48 bytes, not 47"),
        ({"data": bytes(49)}, "data must have 48 bytes, not 49"),
        ({"row_stride": 32}, "data must have 64 bytes, not 48"),
        ({"mask": bytes(5)}, "mask must have 6 bytes, not 5"),
        ({"offset": (0, 2**31)}, "offset"),
        ({"data": memoryview(bytes(96))[::2]}, "data must be contiguous"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_text_is_not_pixels() -> None:
    with pytest.raises(TypeError, match="data must be bytes, not str"):
        make(data="x" * 48)


def test_other_buffers_count_their_bytes() -> None:
    pixels: Any = np.zeros((2, 3, 4), np.uint16)
    assert make(data=memoryview(pixels)).packed() == bytes(48)
    assert make(data=bytearray(48)).packed() == bytes(48)


def test_pixels_stay_out_of_the_repr() -> None:
    assert "data" not in repr(make())


@given(
    width=st.integers(1, 9),
    height=st.integers(1, 9),
    padding=st.integers(0, 7),
    pixel_format=st.sampled_from(PixelFormat),
    sample_type=st.sampled_from(SampleType),
    data=st.data(),
)
def test_packed_takes_the_padding_away(
    width: int,
    height: int,
    padding: int,
    pixel_format: PixelFormat,
    sample_type: SampleType,
    data: st.DataObject,
) -> None:
    row = width * pixel_format.channels * sample_type.size
    rows = [data.draw(st.binary(min_size=row, max_size=row)) for _ in range(height)]
    layer = Layer(
        width,
        height,
        pixel_format,
        sample_type,
        b"".join(pixels + b"\xee" * padding for pixels in rows),
        row_stride=row + padding,
    )
    assert layer.packed() == b"".join(rows)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_come_back_as_they_went(dtype: type[np.generic], channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, channels)).astype(dtype)
    layer = layer_from_array(pixels)
    assert (layer.width, layer.height, layer.format.channels) == (7, 5, channels)
    np.testing.assert_array_equal(layer_to_array(layer), pixels)


def test_a_bgra_layer_becomes_an_rgba_array() -> None:
    layer = Layer(1, 1, PixelFormat.BGRA, SampleType.U8, bytes([1, 2, 3, 4]))
    assert layer_to_array(layer).tolist() == [[[3, 2, 1, 4]]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 5), np.uint8), "array must be H x W"),
        (np.zeros(4, np.uint8), "array must be H x W"),
        (np.zeros((2, 2), np.float64), "array must be uint8, uint16 or float32"),
    ],
)
def test_other_arrays_are_refused(array: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer_from_array(array)


def test_a_pillow_picture_is_turned_upright() -> None:
    picture = Image.new("RGB", (4, 2), (10, 20, 30))
    picture.putpixel((0, 0), (255, 0, 0))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned a quarter
    picture.info["exif"] = exif.tobytes()
    layer = layer_from_image(picture)
    assert (layer.width, layer.height) == (2, 4)
    assert layer_to_array(layer)[0, 1].tolist() == [255, 0, 0]


def test_a_palette_picture_with_transparency_becomes_rgba() -> None:
    picture = Image.new("RGBA", (2, 1), (10, 200, 30, 0)).quantize()
    layer = layer_from_image(picture)
    assert layer.format is PixelFormat.RGBA
    assert layer_to_array(layer)[0, 0, 3] == 0


@pytest.mark.parametrize(
    ("array", "pixel"),
    [
        (np.full((1, 1, 3), 0x8101, np.uint16), 0x81),
        (np.full((1, 1, 3), 65535, np.uint16), 255),
        (np.full((1, 1, 3), 2.0, np.float32), 255),
        (np.full((1, 1, 3), 0.5, np.float32), 128),
        (np.full((1, 1, 3), 7, np.uint8), 7),
    ],
)
def test_deeper_samples_are_rounded_to_eight_bits(array: Any, pixel: int) -> None:
    assert layer_to_image(layer_from_array(array)).getpixel((0, 0)) == (pixel,) * 3


def test_a_grey_layer_becomes_a_grey_picture() -> None:
    picture = layer_to_image(layer_from_array(np.full((2, 3), 9, np.uint8)))
    assert picture.mode == "L"
    assert picture.size == (3, 2)
