"""Layers on the wire, against conversions written out pixel by pixel."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pastiche.v1 import layer_pb2
from pastiche_daemon.spool import Spool, SpooledBytes
from pastiche_daemon.stylize import Stylized
from pastiche_daemon.wire import (
    CHUNK_BYTES,
    InvalidFieldError,
    LayerLayout,
    LayerLimits,
    LayerUpload,
    chunks,
    decode_layer,
    encode_layer,
    encode_preview,
    parse_layer_header,
)

LIMITS = LayerLimits()
ORDERS = {
    layer_pb2.PIXEL_FORMAT_GREY: "Y",
    layer_pb2.PIXEL_FORMAT_GREYA: "YA",
    layer_pb2.PIXEL_FORMAT_RGB: "RGB",
    layer_pb2.PIXEL_FORMAT_RGBA: "RGBA",
    layer_pb2.PIXEL_FORMAT_BGRA: "BGRA",
}
CODES = {
    layer_pb2.SAMPLE_TYPE_U8: ("<B", 255),
    layer_pb2.SAMPLE_TYPE_U16: ("<H", 65535),
    layer_pb2.SAMPLE_TYPE_F32: ("<f", 1),
}


def header(**fields: object) -> layer_pb2.LayerHeader:
    values: dict[str, object] = {
        "width": 2,
        "height": 3,
        "format": layer_pb2.PIXEL_FORMAT_RGBA,
        "sample_type": layer_pb2.SAMPLE_TYPE_U8,
    }
    return layer_pb2.LayerHeader(**{**values, **fields})  # pyright: ignore[reportArgumentType]


@st.composite
def layers(draw: st.DrawFn) -> tuple[LayerLayout, bytes, bytes]:
    """A layout, and random bytes of a layer and its mask."""
    pixel_format = draw(st.sampled_from(list(ORDERS)))
    sample_type = draw(st.sampled_from(list(CODES)))
    width, height = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    packed = width * len(ORDERS[pixel_format]) * struct.calcsize(CODES[sample_type][0])
    padding = draw(st.integers(0, 9))
    layout = parse_layer_header(
        header(
            width=width,
            height=height,
            format=pixel_format,
            sample_type=sample_type,
            row_stride=packed + padding if padding else 0,
            offset_x=draw(st.integers(-(2**31), 2**31 - 1)),
            has_mask=draw(st.booleans()),
        ),
        LIMITS,
    )
    size = layout.layer_bytes
    data = draw(st.binary(min_size=size, max_size=size))
    mask = draw(st.binary(min_size=layout.mask_bytes, max_size=layout.mask_bytes))
    return layout, data, mask


def sample(layout: LayerLayout, data: bytes | bytearray, x: int, y: int, name: str) -> float:
    """One sample, read as the API's comments say."""
    order = ORDERS[layout.header.format]
    code, largest = CODES[layout.header.sample_type]
    size = struct.calcsize(code)
    start = y * layout.row_stride + (x * len(order) + order.index(name)) * size
    return struct.unpack(code, data[start : start + size])[0] / largest


def put_sample(
    layout: LayerLayout, data: bytearray, x: int, y: int, name: str, value: float
) -> None:
    order = ORDERS[layout.header.format]
    code, largest = CODES[layout.header.sample_type]
    size = struct.calcsize(code)
    start = y * layout.row_stride + (x * len(order) + order.index(name)) * size
    scaled = value if code == "<f" else round(value * largest)
    data[start : start + size] = struct.pack(code, scaled)


def color_values(rgb: list[float]) -> dict[str, float]:
    red, green, blue = rgb
    return {"R": red, "G": green, "B": blue, "Y": 0.299 * red + 0.587 * green + 0.114 * blue}


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, rel=1e-6)


@given(layers())
def test_decodes_every_format(layer: tuple[LayerLayout, bytes, bytes]) -> None:
    layout, data, mask = layer
    order = ORDERS[layout.header.format]
    tensors = decode_layer(layout, data, mask)

    assert tensors.color.shape == (3, layout.height, layout.width)
    assert tensors.color.dtype == torch.float32
    assert (tensors.alpha is None) == ("A" not in order)
    assert (tensors.mask is None) == (not layout.header.has_mask)
    for y, x in itertools.product(range(layout.height), range(layout.width)):
        for channel, name in enumerate("YYY" if "Y" in order else "RGB"):
            wanted = sample(layout, data, x, y, name)
            assert same(tensors.color[channel, y, x].item(), wanted)
        if tensors.alpha is not None:
            alpha = sample(layout, data, x, y, "A")
            clamped = 0.0 if math.isnan(alpha) else min(1.0, max(0.0, alpha))
            assert same(tensors.alpha[y, x].item(), clamped)
        if tensors.mask is not None:
            assert same(tensors.mask[y, x].item(), mask[y * layout.width + x] / 255)


@given(layers(), st.randoms(use_true_random=False))
def test_encodes_changed_pixels_and_keeps_every_other_byte(
    layer: tuple[LayerLayout, bytes, bytes], random: Random
) -> None:
    layout, data, _ = layer
    names = ORDERS[layout.header.format].replace("A", "")
    shape = (layout.height, layout.width)
    generator = torch.Generator().manual_seed(random.randint(0, 2**31))
    color = torch.rand((3, *shape), generator=generator)
    changed = torch.rand(shape, generator=generator) < 0.5
    color[:, ~changed] = math.nan  # means nothing there

    result = bytearray(data)
    encode_layer(layout, result, Stylized(color, changed))
    # Half a step, and what float32 adds to it.
    tolerance = 0.505 / CODES[layout.header.sample_type][1] if layout.dtype.kind != "f" else 1e-6
    expected = bytearray(data)
    for y, x in itertools.product(range(layout.height), range(layout.width)):
        if changed[y, x]:
            values = color_values(color[:, y, x].tolist())
            for name in names:
                got = sample(layout, result, x, y, name)
                assert got == pytest.approx(values[name], abs=tolerance)
                put_sample(layout, expected, x, y, name, got)
    assert result == expected


@given(layers())
def test_a_decoded_layer_encodes_to_its_own_bytes(
    layer: tuple[LayerLayout, bytes, bytes],
) -> None:
    layout, data, mask = layer
    tensors = decode_layer(layout, data, mask)
    in_range = (tensors.color >= 0) & (tensors.color <= 1)
    changed = in_range.all(dim=0)

    result = bytearray(data)
    encode_layer(layout, result, Stylized(tensors.color, changed))
    if "Y" not in ORDERS[layout.header.format] or layout.dtype.kind != "f":
        assert result == data
    else:  # 0.299 + 0.587 + 0.114 is 1 but for rounding
        again = decode_layer(layout, result, mask)
        torch.testing.assert_close(again.color, tensors.color, equal_nan=True)


@given(layers())
def test_previews_have_the_layers_format(layer: tuple[LayerLayout, bytes, bytes]) -> None:
    layout = layer[0]
    color = torch.rand((3, 2, 5), generator=torch.Generator().manual_seed(1))
    alpha = torch.rand((2, 5), generator=torch.Generator().manual_seed(2))
    preview, data = encode_preview(layout, color, alpha)

    assert (preview.width, preview.height, preview.row_stride, preview.has_mask) == (5, 2, 0, False)
    for field in ("format", "sample_type", "offset_x", "offset_y"):
        assert getattr(preview, field) == getattr(layout.header, field)
    small = parse_layer_header(preview, LIMITS)
    assert len(data) == small.layer_bytes
    order = ORDERS[layout.header.format]
    half_step = 0.51 / CODES[layout.header.sample_type][1] if layout.dtype.kind != "f" else 1e-6
    for y, x in itertools.product(range(2), range(5)):
        values = {**color_values(color[:, y, x].tolist()), "A": alpha[y, x].item()}
        for name in order:
            assert sample(small, data, x, y, name) == pytest.approx(values[name], abs=half_step)


def test_previews_of_opaque_layers_are_opaque() -> None:
    layout = parse_layer_header(header(), LIMITS)
    _, data = encode_preview(layout, torch.zeros((3, 1, 2)), None)
    assert data == bytes([0, 0, 0, 255] * 2)


@given(
    layer=layers(),
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    spooled=st.booleans(),
)
def test_any_chunking_puts_the_layer_together(
    tmp_path_factory: pytest.TempPathFactory,
    layer: tuple[LayerLayout, bytes, bytes],
    cuts: list[int],
    spooled: bool,
) -> None:
    layout, data, mask = layer
    spool = Spool(tmp_path_factory.getbasetemp() / "spool")
    upload = (
        LayerUpload(layout, lambda size: SpooledBytes(spool.file(size)))
        if spooled
        else LayerUpload(layout)
    )
    assert upload.in_memory != spooled
    for plane, whole in ((layer_pb2.PLANE_LAYER, data), (layer_pb2.PLANE_MASK, mask)):
        sizes = itertools.cycle(cuts)
        offset = 0
        while offset < len(whole):
            assert not upload.complete
            size = next(sizes)
            piece = whole[offset : offset + size]
            upload.add(layer_pb2.Chunk(plane=plane, offset=offset, data=piece))
            offset += size
    upload.finish()
    received = [bytes(plane.read(0, len(plane))) for plane in (upload.layer, upload.mask)]
    assert received == [data, mask]
    upload.close()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"width": 0}, "layer.width"),
        ({"height": 0}, "layer.height"),
        ({"width": 2**32 - 1}, "layer.width"),  # -1 as an unsigned number
        ({"width": 2**31, "height": 2**31}, "layer.width"),
        ({"height": 65536}, "layer.height"),
        ({"width": 65535, "height": 65535}, "layer"),
        ({"format": 0}, "layer.format"),
        ({"format": 99}, "layer.format"),
        ({"sample_type": 0}, "layer.sample_type"),
        ({"sample_type": -1}, "layer.sample_type"),
        ({"row_stride": 7}, "layer.row_stride"),
        ({"row_stride": 2**63}, "layer.row_stride"),
        ({"row_stride": 2**32 // 3 + 1}, "layer.row_stride"),
    ],
)
def test_refuses_headers_that_make_no_sense(fields: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        parse_layer_header(header(**fields), LIMITS)
    assert raised.value.field == field
    assert str(raised.value).startswith(f"{field}: ")


def test_takes_the_largest_layers() -> None:
    for width, height in ((65535, 4096), (1, 65535), (2**14, 2**14)):
        layout = parse_layer_header(header(width=width, height=height), LIMITS)
        assert layout.layer_bytes == width * height * 4


Change = Callable[[list[layer_pb2.Chunk]], object]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (lambda c: c.pop(0), "chunk.offset", "must be 0, not 12"),
        (lambda c: c.pop(1), "chunk.plane", "must be PLANE_LAYER, not PLANE_MASK"),
        (lambda c: c.pop(2), "chunk.data", "0 of the 6 bytes of PLANE_MASK"),
        (lambda c: c.clear(), "chunk.data", "0 of the 24 bytes of PLANE_LAYER"),
        (lambda c: c.reverse(), "chunk.plane", "must be PLANE_LAYER"),
        (lambda c: c.insert(0, c[0]), "chunk.offset", "must be 12, not 0"),
        (lambda c: c.append(c[2]), "chunk", "nothing may follow"),
        (lambda c: c[0].MergeFrom(layer_pb2.Chunk(plane=9)), "chunk.plane", "not 9"),  # pyright: ignore[reportArgumentType]
        (lambda c: c[0].ClearField("plane"), "chunk.plane", "PLANE_UNSPECIFIED"),
        (lambda c: c[0].ClearField("data"), "chunk.data", "1 to 1048576 bytes, not 0"),
        (lambda c: c[1].MergeFrom(layer_pb2.Chunk(offset=2**63)), "chunk.offset", "must be 12"),
        (lambda c: c[1].MergeFrom(layer_pb2.Chunk(data=bytes(13))), "chunk.data", "announced 24"),
        (lambda c: c[2].MergeFrom(layer_pb2.Chunk(data=bytes(7))), "chunk.data", "announced 6"),
        (
            lambda c: c[0].MergeFrom(layer_pb2.Chunk(data=bytes(CHUNK_BYTES + 1))),
            "chunk.data",
            "not 1048577",
        ),
    ],
)
def test_refuses_chunks_that_do_not_fit(change: Change, field: str, message: str) -> None:
    layout = parse_layer_header(header(has_mask=True), LIMITS)
    sent = [
        layer_pb2.Chunk(plane=layer_pb2.PLANE_LAYER, offset=0, data=bytes(12)),
        layer_pb2.Chunk(plane=layer_pb2.PLANE_LAYER, offset=12, data=bytes(12)),
        layer_pb2.Chunk(plane=layer_pb2.PLANE_MASK, offset=0, data=bytes(6)),
    ]
    change(sent)

    def receive() -> None:
        upload = LayerUpload(layout)
        for chunk in sent:
            upload.add(chunk)
        upload.finish()

    with pytest.raises(InvalidFieldError, match=message) as raised:
        receive()
    assert raised.value.field == field


def test_cuts_results_into_messages() -> None:
    data = bytes(range(256)) * 4096 + b"rest" * CHUNK_BYTES
    pieces = list(chunks(layer_pb2.PLANE_LAYER, data))

    assert max(len(piece.data) for piece in pieces) == CHUNK_BYTES
    assert [piece.offset for piece in pieces] == [i * CHUNK_BYTES for i in range(len(pieces))]
    assert b"".join(piece.data for piece in pieces) == data
    assert {piece.plane for piece in pieces} == {layer_pb2.PLANE_LAYER}
