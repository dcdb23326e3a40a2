"""A detail is put amid its layer and taken out again, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.surroundings import Surroundings
from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer, PixelFormat, SampleType


def picture(width: int, height: int, channels: int, start: int) -> Any:
    values = np.arange(start, start + width * height * channels) % 251
    return values.astype(np.uint8).reshape(height, width, channels)


def with_mask(layer: Layer, mask: bytes) -> Layer:
    return Layer(layer.width, layer.height, layer.format, layer.sample_type, layer.data, mask=mask)


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([1, 3, 4]),
    st.data(),
)
def test_a_detail_is_put_at_its_place_and_found_there(
    width: int, height: int, wider: int, higher: int, channels: int, data: st.DataObject
) -> None:
    whole = picture(width + wider, height + higher, channels, 0)
    detail = picture(width, height, channels, 100)
    x, y = data.draw(st.integers(0, wider)), data.draw(st.integers(0, higher))
    around = Surroundings(layer_from_array(whole), x, y)
    sent = around.around(layer_from_array(detail))

    expected = whole.copy()
    expected[y : y + height, x : x + width] = detail
    np.testing.assert_array_equal(layer_to_array(sent), expected)
    np.testing.assert_array_equal(layer_to_array(around.detail_of(sent, width, height)), detail)
    np.testing.assert_array_equal(layer_to_array(around.layer), whole)


def test_rows_with_padding_and_deep_samples_are_understood() -> None:
    whole = Layer(2, 2, PixelFormat.GREY, SampleType.U16, b"aabb..ccdd..", row_stride=6)
    detail = Layer(1, 2, PixelFormat.GREY, SampleType.U16, b"XX.YY.", row_stride=3)
    around = Surroundings(whole, 1, 0)
    sent = around.around(detail)
    assert bytes(sent.data) == b"aaXXccYY"
    assert bytes(around.detail_of(sent, 1, 2).data) == b"XXYY"


def test_a_selection_goes_along() -> None:
    whole = with_mask(layer_from_array(picture(3, 2, 1, 0)), b"abcdef")
    detail = with_mask(layer_from_array(picture(2, 1, 1, 0)), b"XY")
    sent = Surroundings(whole, 1, 1).around(detail)
    assert sent.mask is not None
    assert bytes(sent.mask) == b"abcdXY"


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (2, 0), (0, 2)])
def test_a_detail_outside_is_refused(x: int, y: int) -> None:
    whole, detail = layer_from_array(picture(3, 3, 1, 0)), layer_from_array(picture(2, 2, 1, 0))
    with pytest.raises(ValueError, match="within"):
        Surroundings(whole, x, y).around(detail)


def test_a_detail_of_another_kind_is_refused() -> None:
    whole = layer_from_array(picture(3, 3, 1, 0))
    with pytest.raises(ValueError, match="format"):
        Surroundings(whole, 0, 0).around(layer_from_array(picture(2, 2, 3, 0)))
    with pytest.raises(ValueError, match="mask"):
        Surroundings(whole, 0, 0).around(with_mask(layer_from_array(picture(1, 1, 1, 0)), b"x"))
