"""StylizeImage: layers in, layers out."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import Preview, Progress, Queued
from pastiche_daemon.nn.runtime import default_device, prepare_for_inference
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize
from tests.contract.drivers import Driver, Options, stylize_messages

FORMATS = list(itertools.product(PixelFormat, SampleType))
DTYPES = {SampleType.U8: "<u1", SampleType.U16: "<u2", SampleType.F32: "<f4"}
RED, GREEN, BLUE = range(3)
COLORS = {
    PixelFormat.GREY: (0,),
    PixelFormat.GREYA: (0,),
    PixelFormat.RGB: (0, 1, 2),
    PixelFormat.RGBA: (0, 1, 2),
    PixelFormat.BGRA: (2, 1, 0),
}


def samples_of(layer: Layer) -> np.ndarray:
    """The layer's samples, H x W x channels, as they are."""
    size = layer.sample_type.size
    return np.ndarray(
        (layer.height, layer.width, layer.format.channels),
        DTYPES[layer.sample_type],
        bytes(layer.data),
        strides=(layer.stride, layer.format.channels * size, size),
    ).copy()


def random_layer(
    width: int,
    height: int,
    pixel_format: PixelFormat = PixelFormat.RGBA,
    sample_type: SampleType = SampleType.U8,
    *,
    padding: int = 0,
    masked: bool = False,
    seed: int = 0,
) -> Layer:
    """Random samples; a third of the pixels transparent, and a third outside of the mask."""
    random = np.random.default_rng(seed)
    unit = random.random((height, width, pixel_format.channels))
    if pixel_format.has_alpha:
        unit[..., -1] *= random.random((height, width)) > 1 / 3
    if sample_type is SampleType.F32:
        pixels = unit.astype("<f4")
    else:
        pixels = np.rint(unit * (256**sample_type.size - 1)).astype(DTYPES[sample_type])
    rows = [row.tobytes() + random.bytes(padding) for row in pixels]
    mask = None
    if masked:
        selected = random.integers(0, 256, (height, width))
        mask = (selected * (random.random((height, width)) > 1 / 3)).astype("u1").tobytes()
    return Layer(
        width,
        height,
        pixel_format,
        sample_type,
        b"".join(rows),
        row_stride=len(rows[0]) if padding else 0,
        offset=(-7, 12345),
        mask=mask,
    )


def row_padding(layer: Layer) -> list[bytes]:
    return [
        bytes(layer.data[row * layer.stride + layer.row_bytes : (row + 1) * layer.stride])
        for row in range(layer.height)
    ]


@pytest.mark.parametrize(("pixel_format", "sample_type"), FORMATS)
def test_every_format_comes_back_as_it_went(
    driver: Driver, pixel_format: PixelFormat, sample_type: SampleType
) -> None:
    sent = random_layer(21, 14, pixel_format, sample_type, padding=5, masked=True)
    got = driver.stylize(sent, "tiny/one").layer

    for name in ("width", "height", "format", "sample_type", "row_stride", "offset"):
        assert getattr(got, name) == getattr(sent, name)
    assert row_padding(got) == row_padding(sent)
    before, after = samples_of(sent), samples_of(got)
    kept = np.frombuffer(sent.mask or b"", "u1").reshape(14, 21) == 0
    if pixel_format.has_alpha:
        assert np.array_equal(after[..., -1], before[..., -1])
        kept |= before[..., -1] == 0
    assert 0 < kept.sum() < kept.size
    assert np.array_equal(after[kept], before[kept])
    colors = COLORS[pixel_format]
    assert (after[..., colors] != before[..., colors])[~kept].mean() > 0.9
    assert np.isfinite(after).all()


@pytest.mark.parametrize("pixel_format", PixelFormat)
def test_the_result_is_that_of_the_network(
    driver: Driver, packs: Path, pixel_format: PixelFormat
) -> None:
    sent = random_layer(40, 28, pixel_format, SampleType.U16)
    samples = samples_of(sent).astype(np.float32) / 65535
    colors = [samples[..., place] for place in COLORS[pixel_format]]
    planes = torch.from_numpy(np.stack(colors * (3 // len(colors))))
    alpha = torch.from_numpy(samples[..., -1].copy()) if pixel_format.has_alpha else None
    network = prepare_for_inference(
        load_network(read_pack(packs / "tiny-1.0.0.pastiche")), default_device()
    )
    wanted = stylize(
        network,
        LayerTensors(planes, alpha),
        StylizeOptions(mix=(0.25, 0.75), strength=0.8, stroke_size=1.25),
        lambda _: None,
    )

    options = Options(strength=0.8, stroke_size=1.25)
    answer = driver.stylize(sent, {"tiny/one": 1, "tiny/two": 3}, options)
    got = samples_of(answer.layer).astype(np.float32) / 65535
    expected = wanted.color.cpu().numpy()
    if len(colors) == 1:
        expected = np.einsum("c,chw->hw", [0.299, 0.587, 0.114], expected)[None]
    for plane, place in zip(expected, COLORS[pixel_format], strict=True):
        difference = np.abs(got[..., place] - plane)[wanted.changed.cpu().numpy()]
        assert difference.max() <= 1 / 255


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (33, 1), (2, 3), (65, 31)])
def test_every_size_is_stylized(driver: Driver, size: tuple[int, int]) -> None:
    sent = random_layer(*size, PixelFormat.RGB)
    got = driver.stylize(sent, "tiny/one").layer
    assert (got.width, got.height) == size
    assert bytes(got.data) != bytes(sent.data)


def test_a_layer_of_several_chunks(driver: Driver) -> None:
    sent = random_layer(700, 600, PixelFormat.RGBA, masked=True)
    assert len(sent.data) > 2**20
    got = driver.stylize(sent, "tiny/one").layer
    assert np.array_equal(samples_of(got)[..., 3], samples_of(sent)[..., 3])


def test_what_is_transparent_has_no_influence(driver: Driver) -> None:
    sent = random_layer(32, 32)
    samples = samples_of(sent)
    hidden = samples[..., 3] == 0
    other = samples.copy()
    other[hidden, :3] = 255 - other[hidden, :3]
    twin = Layer(32, 32, sent.format, sent.sample_type, other.tobytes())

    first, second = (samples_of(driver.stylize(layer, "tiny/one").layer) for layer in (sent, twin))
    assert np.array_equal(first[~hidden], second[~hidden])
    assert np.array_equal(second[hidden], other[hidden])


def test_strength_zero_returns_the_layer(driver: Driver) -> None:
    sent = random_layer(20, 20, PixelFormat.BGRA, SampleType.F32, padding=3)
    assert driver.stylize(sent, "tiny/one", Options(strength=0)).layer.data == sent.data


def test_strength_fades_from_layer_to_pastiche(driver: Driver) -> None:
    sent = random_layer(24, 24, PixelFormat.RGB, SampleType.F32)
    start = samples_of(sent)
    half = samples_of(driver.stylize(sent, "tiny/one", Options(strength=0.5)).layer)
    whole = samples_of(driver.stylize(sent, "tiny/one").layer)
    np.testing.assert_allclose(half, (start + whole) / 2, atol=1e-5)


def test_styles_mix_by_their_shares(driver: Driver) -> None:
    sent = random_layer(24, 24, PixelFormat.RGB)

    def stylized(styles: dict[str, float]) -> bytes:
        return bytes(driver.stylize(sent, styles).layer.data)

    one, two = stylized({"tiny/one": 1}), stylized({"tiny/two": 1})
    mixed = stylized({"tiny/one": 0.3, "tiny/two": 0.3})
    assert len({one, two, mixed}) == 3
    assert stylized({"tiny/one": 7, "tiny/two": 0}) == one
    assert stylized({"tiny/two": 5, "tiny/one": 5}) == mixed


def test_colors_can_be_preserved(driver: Driver) -> None:
    sent = random_layer(24, 24, PixelFormat.BGRA, SampleType.F32)
    grey = samples_of(sent)
    grey[..., :3] = grey[..., :1]
    neutral = Layer(24, 24, sent.format, sent.sample_type, grey.tobytes())
    got = samples_of(driver.stylize(neutral, "tiny/one", Options(preserve_colors=True)).layer)
    np.testing.assert_allclose(got[..., RED], got[..., BLUE], atol=1e-5)
    colorful = samples_of(driver.stylize(neutral, "tiny/one").layer)
    assert np.abs(colorful[..., RED] - colorful[..., BLUE]).max() > 0.01


def test_the_order_of_the_colors_matters_only_on_the_wire(driver: Driver) -> None:
    rgba = random_layer(24, 24)
    swapped = samples_of(rgba)[..., [2, 1, 0, 3]]
    bgra = Layer(24, 24, PixelFormat.BGRA, SampleType.U8, swapped.tobytes())
    first = samples_of(driver.stylize(rgba, "tiny/one").layer)
    second = samples_of(driver.stylize(bgra, "tiny/one").layer)
    assert np.array_equal(first, second[..., [2, 1, 0, 3]])


def test_floats_out_of_range_are_clamped_where_they_change(driver: Driver) -> None:
    wild = [float("nan"), float("inf"), float("-inf"), -3.0, 7.5, 1e30]
    values = [*wild, *([0.5] * 6)] * 2
    data = struct.pack("<24f", *values)
    mask = bytes([255] * 12 + [0] * 12)
    sent = Layer(12, 2, PixelFormat.GREY, SampleType.F32, data, mask=mask)
    answer = driver.stylize(sent, "tiny/one")

    got = samples_of(answer.layer)
    assert ((got[0] >= 0) & (got[0] <= 1)).all()
    assert bytes(answer.layer.data)[48:] == data[48:]
    assert len(answer.summary.notes) == 1
    assert "NaN" in answer.summary.notes[0]


@pytest.mark.parametrize("layer", [random_layer(90, 60), random_layer(12, 40, PixelFormat.GREY)])
def test_a_preview_comes_first_when_asked_for(driver: Driver, layer: Layer) -> None:
    answer = driver.stylize(layer, "tiny/one", Options(preview_size=30))
    previews = [event.layer for event in answer.events if isinstance(event, Preview)]
    assert len(previews) == 1
    small = previews[0]
    assert max(small.width, small.height) == 30
    assert small.width * layer.height == pytest.approx(small.height * layer.width, rel=0.1)
    assert (small.format, small.sample_type, small.offset) == (
        layer.format,
        layer.sample_type,
        layer.offset,
    )
    assert len(set(bytes(small.data))) > 10


def test_there_is_no_preview_unless_asked_for(driver: Driver) -> None:
    answer = driver.stylize(random_layer(90, 60), "tiny/one")
    assert not any(isinstance(event, Preview) for event in answer.events)


def test_a_preview_is_not_larger_than_the_layer(driver: Driver) -> None:
    answer = driver.stylize(random_layer(9, 6), "tiny/one", Options(preview_size=1024))
    (preview,) = (event.layer for event in answer.events if isinstance(event, Preview))
    assert (preview.width, preview.height) == (9, 6)


def test_progress_rises_and_the_summary_tells_what_was_used(driver: Driver) -> None:
    layer = random_layer(300, 300, PixelFormat.GREY)
    answer = driver.stylize(layer, "slow/slow", Options(request_id="my request"))

    fractions = [event.fraction for event in answer.events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 5
    assert fractions[-1] <= 1
    assert not any(isinstance(event, Queued) and not event.position for event in answer.events)
    summary = answer.summary
    assert (summary.pack, summary.pack_version) == ("packs/slow", "1.0.0")
    assert summary.request_id == "my request"
    assert summary.compute_seconds > 0
    assert summary.queued_seconds >= 0
    assert summary.notes == ()
    assert re.search(r"stylized 300 x 300 .*'my request'", driver.daemon.log)


def test_any_chunking_is_fine(driver: Driver) -> None:
    layer = random_layer(16, 16, masked=True)
    whole = bytes(driver.stylize(layer, "tiny/one").layer.data)
    got = b""
    for response in driver.send_raw(stylize_messages(layer, "tiny/one", chunk=37)):
        if response.HasField("chunk"):
            got += response.chunk.data
    assert got == whole


def test_everything_has_a_default(driver: Driver) -> None:
    layer = random_layer(16, 16)
    messages = list(stylize_messages(layer, "tiny/one"))
    messages[0].header.styles[0].ClearField("weight")
    drop: Callable[[str], None] = messages[0].header.ClearField
    for name in ("strength", "stroke_size", "request_id"):
        drop(name)
    data = b"".join(r.chunk.data for r in driver.send_raw(messages) if r.HasField("chunk"))
    assert data == bytes(
        driver.stylize(layer, "tiny/one", Options(1.0, stroke_size=1.0)).layer.data
    )
