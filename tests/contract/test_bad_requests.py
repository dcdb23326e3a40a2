"""Requests that make no sense are refused with words, and leave nothing behind."""

from __future__ import annotations

import math
from collections.abc import Callable

import psutil
import pytest

from pastiche.v1 import layer_pb2, stylization_pb2
from pastiche_client.layer import Layer, PixelFormat, SampleType
from tests.contract.drivers import Driver, Refused, stylize_messages
from tests.support.daemon_process import wait_until

Messages = list[stylization_pb2.StylizeImageRequest]
Change = Callable[[Messages], object]
Request = stylization_pb2.StylizeImageRequest

LAYER = Layer(8, 6, PixelFormat.RGBA, SampleType.U8, bytes(range(192)), mask=bytes([255, 0] * 24))
# Three chunks of the layer, one of the mask.
CHUNK = 64


def request() -> Messages:
    return list(stylize_messages(LAYER, {"tiny/one": 1.0}, chunk=CHUNK))


def header_with(**fields: object) -> Change:
    def change(messages: Messages) -> None:
        for name, value in fields.items():
            setattr(messages[0].header, name, value)

    return change


def layer_with(**fields: object) -> Change:
    def change(messages: Messages) -> None:
        for name, value in fields.items():
            setattr(messages[0].header.layer, name, value)

    return change


def chunk_with(index: int, **fields: object) -> Change:
    def change(messages: Messages) -> None:
        for name, value in fields.items():
            setattr(messages[index].chunk, name, value)

    return change


def styles(*shares: tuple[str, float | None]) -> Change:
    def change(messages: Messages) -> None:
        del messages[0].header.styles[:]
        for name, weight in shares:
            entry = messages[0].header.styles.add(style=name)
            if weight is not None:
                entry.weight = weight

    return change


ONE, TWO, THREE = "packs/tiny/styles/one", "packs/tiny/styles/two", "packs/other/styles/three"

HEADERS: list[tuple[str, Change, str]] = [
    ("no header", lambda m: m.pop(0), "header"),
    ("nothing at all", lambda m: m.clear(), "header"),
    ("an empty message", lambda m: m.insert(0, Request()), "header"),
    ("header after a chunk", lambda m: m.insert(0, m.pop(1)), "header"),
    ("header twice", lambda m: m.insert(1, m[0]), "header"),
    ("header again at the end", lambda m: m.append(m[0]), "header"),
    ("an empty message between", lambda m: m.insert(2, Request()), "header"),
    ("no layer", lambda m: m[0].header.ClearField("layer"), "layer"),
    ("no width", layer_with(width=0), "layer.width"),
    ("no height", layer_with(height=0), "layer.height"),
    ("a width of -1", layer_with(width=2**32 - 1), "layer.width"),
    ("2^31 x 2^31", layer_with(width=2**31, height=2**31), "layer.width"),
    ("65535 x 65535", layer_with(width=65535, height=65535), "layer"),
    ("no format", layer_with(format=0), "layer.format"),
    ("an unknown format", layer_with(format=77), "layer.format"),
    ("no sample type", layer_with(sample_type=0), "layer.sample_type"),
    ("a short stride", layer_with(row_stride=31), "layer.row_stride"),
    ("an absurd stride", layer_with(row_stride=2**63), "layer.row_stride"),
    ("no style", styles(), "styles"),
    ("a nameless style", styles((ONE, 1.0), ("", 1.0)), "styles[1].style"),
    ("too many styles", styles(*[(ONE, 1.0)] * 129), "styles"),
    ("a mix of nothing", styles((ONE, 0.0), (TWO, 0.0)), "styles"),
    ("a negative weight", styles((ONE, 1.0), (TWO, -0.5)), "styles[1].weight"),
    ("a NaN weight", styles((ONE, math.nan)), "styles[0].weight"),
    ("an infinite weight", styles((ONE, math.inf)), "styles[0].weight"),
    ("a mix of packs", styles((ONE, 1.0), (THREE, 1.0)), "styles[1].style"),
    ("negative strength", header_with(strength=-0.01), "strength"),
    ("too much strength", header_with(strength=1.01), "strength"),
    ("NaN strength", header_with(strength=math.nan), "strength"),
    ("tiny strokes", header_with(stroke_size=0.2), "stroke_size"),
    ("infinite strokes", header_with(stroke_size=math.inf), "stroke_size"),
    ("NaN strokes", header_with(stroke_size=math.nan), "stroke_size"),
    ("a large preview", header_with(preview_size=1025), "preview_size"),
    ("a long request id", header_with(request_id="x" * 129), "request_id"),
    ("a request id of lines", header_with(request_id="a\nb"), "request_id"),
]

CHUNKS: list[tuple[str, Change, str]] = [
    ("no chunks", lambda m: m.__delitem__(slice(1, None)), "chunk.data"),
    ("first missing", lambda m: m.pop(1), "chunk.offset"),
    ("one missing", lambda m: m.pop(2), "chunk.offset"),
    ("last missing", lambda m: m.pop(3), "chunk.plane"),
    ("mask missing", lambda m: m.pop(4), "chunk.data"),
    ("out of order", lambda m: m.insert(1, m.pop(2)), "chunk.offset"),
    ("mask first", lambda m: m.insert(1, m.pop(4)), "chunk.plane"),
    ("one twice", lambda m: m.insert(2, m[1]), "chunk.offset"),
    ("one more", lambda m: m.append(m[4]), "chunk"),
    ("a preview's", chunk_with(1, plane=layer_pb2.PLANE_PREVIEW), "chunk.plane"),
    ("of nothing", chunk_with(1, plane=0), "chunk.plane"),
    ("of an unknown plane", chunk_with(1, plane=42), "chunk.plane"),
    ("short", chunk_with(1, data=b"x"), "chunk.offset"),
    ("short at the end", chunk_with(4, data=b"x"), "chunk.data"),
    ("empty", chunk_with(2, data=b""), "chunk.data"),
    ("long", chunk_with(3, data=bytes(65)), "chunk.data"),
    ("long mask", chunk_with(4, data=bytes(49)), "chunk.data"),
    ("larger than a chunk may be", chunk_with(1, data=bytes(2**20 + 1)), "chunk.data"),
    ("a mask that was not announced", layer_with(has_mask=False), "chunk"),
]


@pytest.mark.parametrize(
    ("change", "field"),
    [pytest.param(change, field, id=name) for name, change, field in HEADERS + CHUNKS],
)
def test_says_which_field_is_wrong(driver: Driver, change: Change, field: str) -> None:
    messages = request()
    change(messages)
    with pytest.raises(Refused) as refused:
        driver.send_raw(messages)
    assert refused.value.code == "INVALID_ARGUMENT"
    assert refused.value.field == field
    assert refused.value.reason == "INVALID_FIELD"
    assert refused.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("style", "reason"),
    [
        ("packs/tiny/styles/unknown", "STYLE_NOT_FOUND"),
        ("packs/unknown/styles/one", "PACK_NOT_FOUND"),
        ("one", "STYLE_NOT_FOUND"),
        ("packs/../styles/one", "PACK_NOT_FOUND"),
        ("packs/tiny/styles/one/", "STYLE_NOT_FOUND"),
    ],
)
def test_says_which_styles_there_are(driver: Driver, style: str, reason: str) -> None:
    messages = request()
    messages[0].header.request_id = "call-7"
    styles((style, 1.0))(messages)
    with pytest.raises(Refused, match="tiny") as refused:
        driver.send_raw(messages)
    assert (refused.value.code, refused.value.reason) == ("NOT_FOUND", reason)
    assert refused.value.request_id == "call-7"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic abc"},
        {"authorization": "TOKEN"},
    ],
)
def test_every_call_needs_the_token(driver: Driver, metadata: dict[str, str]) -> None:
    token = driver.daemon.info.token
    sent = {key: value.replace("TOKEN", token) for key, value in metadata.items()}
    with pytest.raises(Refused) as refused:
        driver.send_raw(request(), sent)
    assert (refused.value.code, refused.value.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert token not in refused.value.message


def test_a_huge_layer_is_refused_before_anything_is_allocated(driver: Driver) -> None:
    driver.send_raw(request())  # all that a job needs is loaded then
    process = psutil.Process(driver.daemon.info.pid)
    before = process.memory_info().vms
    messages = request()
    layer_with(width=2**31, height=2**31, row_stride=2**40)(messages)
    with pytest.raises(Refused):
        driver.send_raw(messages)
    assert process.memory_info().vms - before < 2**28


def test_a_layer_that_does_not_fit_into_memory_is_taken_and_costs_none(driver: Driver) -> None:
    driver.send_raw(request())  # all that a job needs is loaded then
    process = psutil.Process(driver.daemon.info.pid)
    before = process.memory_info().rss
    messages = request()
    # As many pixels as are allowed, of which each becomes 16 for these strokes.
    layer_with(width=2**14, height=2**14)(messages)
    header_with(stroke_size=0.25)(messages)
    with pytest.raises(Refused, match=r"not PLANE_MASK, for layer"):
        driver.send_raw(messages)  # the announced bytes of the layer are not all there
    assert process.memory_info().rss - before < 2**28
    assert list((driver.daemon.paths.root / "spool").iterdir()) == []


def test_nothing_is_left_behind(driver: Driver) -> None:
    for _, change, _ in CHUNKS:
        messages = request()
        change(messages)
        with pytest.raises(Refused):
            driver.send_raw(messages)
    wait_until(lambda: driver.queue_counts() == (0, 0), "that no place in the queue is held")
    assert driver.send_raw(request())[-1].HasField("summary")
