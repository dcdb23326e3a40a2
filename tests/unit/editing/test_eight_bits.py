"""Previews of any depth can be shown."""

from __future__ import annotations

import struct

import pytest

from pastiche_client.editing.eight_bits import eight_bits
from pastiche_client.layer import Layer, PixelFormat, SampleType

FLOATS = [0.0, 1.0, 0.5, -3.0, 7.0, float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize(
    ("sample_type", "data", "expected"),
    [
        (SampleType.U8, bytes(range(8)), bytes(range(8))),
        (SampleType.U16, struct.pack("<8H", *(v * 257 for v in range(8))), bytes(range(8))),
        (SampleType.F32, struct.pack("<8f", *FLOATS), bytes([0, 255, 128, 0, 255, 0, 255, 0])),
    ],
)
def test_samples_get_eight_bits(sample_type: SampleType, data: bytes, expected: bytes) -> None:
    got = eight_bits(Layer(2, 1, PixelFormat.BGRA, sample_type, data))
    assert got == Layer(2, 1, PixelFormat.BGRA, SampleType.U8, expected)


def test_padding_goes() -> None:
    layer = Layer(1, 2, PixelFormat.GREY, SampleType.U16, b"\0\x05pad\0\x06pad", row_stride=5)
    assert eight_bits(layer) == Layer(1, 2, PixelFormat.GREY, SampleType.U8, b"\x05\x06")
