"""OptimizeImage: any layer is a style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import psutil
import pytest
import torch

from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.optimize_options import (
    Minimizer,
    OptimizeOptions,
    PackStart,
    Statistic,
    StyleLayer,
    Terms,
    Texture,
)
from pastiche_client.results import OptimizeProgress, StopReason
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.pixel_optimizer import PixelOptions
from pastiche_daemon.optimize import OptimizeOptions as LibraryOptions
from pastiche_daemon.optimize import StyleImage, optimize
from tests.contract.drivers import Driver, Refused
from tests.contract.optimize_drivers import DRIVERS, OptimizeDriver
from tests.contract.test_stylize_image import random_layer, row_padding, samples_of
from tests.support.daemon_process import DaemonProcess, wait_until

FEW = Minimizer("adam", steps=3)
FAST = OptimizeOptions(encoder="vgg19-quarter", minimizer=FEW, scales=1, precision="float32")
MANY = replace(FAST, minimizer=Minimizer("adam", steps=100_000))


@pytest.fixture(params=list(DRIVERS))
def optimizer(request: pytest.FixtureRequest, daemon: DaemonProcess) -> Iterator[OptimizeDriver]:
    driver = DRIVERS[request.param](daemon)
    yield driver
    driver.close()


def smooth(width: int = 48, height: int = 40, seed: int = 0) -> Layer:
    """A picture of soft shapes, opaque."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 6, generator=generator)
    grown = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return layer_from_array((grown[0].clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy())


STYLE = StyleLayer(smooth(40, 44, seed=1))
OTHER = StyleLayer(smooth(44, 40, seed=2))


def colors(layer: Layer) -> np.ndarray[Any, Any]:
    return layer_to_array(layer)[..., :3].astype(int)


def distance(first: Layer, second: Layer) -> float:
    return float(np.abs(colors(first) - colors(second)).mean())


@pytest.mark.parametrize(
    ("pixel_format", "sample_type"),
    [
        (PixelFormat.RGBA, SampleType.U8),
        (PixelFormat.BGRA, SampleType.U16),
        (PixelFormat.GREYA, SampleType.F32),
        (PixelFormat.RGB, SampleType.F32),
        (PixelFormat.GREY, SampleType.U16),
    ],
)
def test_every_format_comes_back_as_it_went(
    optimizer: OptimizeDriver, pixel_format: PixelFormat, sample_type: SampleType
) -> None:
    sent = random_layer(37, 33, pixel_format, sample_type, padding=5, masked=True)
    style = StyleLayer(random_layer(20, 18, pixel_format, sample_type, padding=3, masked=True))
    got = optimizer.optimize(sent, [style], FAST).layer

    for name in ("width", "height", "format", "sample_type", "row_stride", "offset"):
        assert getattr(got, name) == getattr(sent, name)
    assert row_padding(got) == row_padding(sent)
    before, after = samples_of(sent), samples_of(got)
    kept = np.frombuffer(sent.mask or b"", "u1").reshape(33, 37) == 0
    if pixel_format.has_alpha:
        assert np.array_equal(after[..., -1], before[..., -1])
        kept |= before[..., -1] == 0
    assert 0 < kept.sum() < kept.size
    assert np.array_equal(after[kept], before[kept])
    assert (after[~kept] != before[~kept]).mean() > 0.3
    assert np.isfinite(after).all()


def test_the_result_is_that_of_the_library(optimizer: OptimizeDriver) -> None:
    content, first, second = (
        torch.from_numpy(layer_to_array(layer)).permute(2, 0, 1).float() / 255
        for layer in (smooth(64, 72), STYLE.layer, OTHER.layer)
    )
    encoder = load_encoder(
        "vgg19-quarter", optimizer.daemon.paths.root / "encoders" / "vgg19-quarter.safetensors"
    ).encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    wanted = optimize(
        encoder,
        content,
        [StyleImage(first, 1.0), StyleImage(second, 3.0)],
        LibraryOptions(
            terms=ImageTerms(content=0.5, tv=0.1, style_layers={"relu2_1": 1.0, "conv3_1": 2.0}),
            pixels=PixelOptions(optimizer="adam", steps=8),
            scales=2,
        ),
        lambda _: True,
    )
    terms = Terms(content=0.5, tv=0.1, style_layers={"relu2_1": 1.0, "conv3_1": 2.0})
    options = replace(
        FAST, terms=terms, minimizer=Minimizer("adam", steps=8), scales=2, strength=1.0
    )
    answer = optimizer.optimize(smooth(64, 72), [STYLE, replace(OTHER, weight=3.0)], options)
    expected = wanted.color.permute(1, 2, 0).numpy() * 255
    assert np.abs(colors(answer.layer) - expected).max() <= 1.5
    losses = answer.summary.losses
    assert losses is not None
    assert losses.total == pytest.approx(wanted.total, rel=1e-3)
    assert losses.total == pytest.approx(losses.content + losses.style + losses.tv, rel=1e-5)


def test_it_tells_how_it_goes_and_the_loss_falls(optimizer: OptimizeDriver) -> None:
    options = replace(FAST, minimizer=Minimizer(steps=40), scales=2)
    answer = optimizer.optimize(smooth(96, 80), [STYLE], options, "my call")
    steps = [event.step for event in answer.progress]
    assert steps == sorted(steps)
    assert 0 < steps[0] <= steps[-1] <= 40
    assert {(e.steps, e.scales) for e in answer.progress} == {(40, 2)}
    assert {e.scale for e in answer.progress} <= {1, 2}
    seconds = [event.seconds for event in answer.progress]
    assert seconds == sorted(seconds)
    summary = answer.summary
    first = answer.progress[0].losses
    assert first is not None
    assert summary.losses is not None
    assert summary.losses.total < first.total
    assert (summary.steps, summary.reason) == (40, StopReason.STEPS)
    assert (summary.width, summary.height) == (96, 80)
    assert summary.encoder == "vgg19-quarter"
    assert re.fullmatch("[0-9a-f]{64}", summary.encoder_sha256)
    assert summary.request_id == "my call"
    assert summary.compute_seconds > 0
    assert summary.notes == ()
    assert re.search(r"optimized 96 x 80 .*'my call'", optimizer.daemon.log)


def test_the_same_seed_gives_the_same_picture_and_another_another(
    optimizer: OptimizeDriver,
) -> None:
    options = replace(FAST, start="noise", seed=7)
    first, again, other = (
        bytes(optimizer.optimize(smooth(), [STYLE], chosen).layer.data)
        for chosen in (options, options, replace(options, seed=8))
    )
    assert first == again
    assert first != other


def test_stop_and_keep(optimizer: OptimizeDriver) -> None:
    running = optimizer.start(smooth(), [STYLE], MANY)
    running.working()
    running.stop()
    answer = running.result()
    assert answer.summary.reason is StopReason.ASKED
    assert 0 < answer.summary.steps < 100_000
    assert distance(answer.layer, smooth()) > 0.5


def test_a_cancelled_call_gives_the_device_back(optimizer: OptimizeDriver) -> None:
    running = optimizer.start(smooth(), [STYLE], MANY)
    running.working()
    running.cancel()
    with pytest.raises(Refused, match="CANCELLED"):
        running.result()
    # A call that waited behind it would never end.
    assert optimizer.optimize(smooth(), [STYLE], FAST).summary.steps == 3


def test_a_closed_connection_gives_the_device_back(
    optimizer: OptimizeDriver, driver: Driver
) -> None:
    running = optimizer.start(smooth(), [STYLE], MANY)
    running.working()
    optimizer.close()
    wait_until(lambda: driver.queue_counts() == (0, 0), "that the device is free")
    with pytest.raises(Exception):  # noqa: B017, PT011 - each transport has its own
        running.result()


def test_a_waiting_call_is_told_its_place_and_may_be_stopped(optimizer: OptimizeDriver) -> None:
    first = optimizer.start(smooth(), [STYLE], MANY)
    first.working()
    second = optimizer.start(smooth(), [STYLE], MANY)
    event = second.events.get(timeout=60)
    while isinstance(event, OptimizeProgress):
        event = second.events.get(timeout=60)
    assert getattr(event, "position", 0) == 1
    second.stop()
    first.stop()
    assert first.result().summary.reason is StopReason.ASKED
    answer = second.result()
    assert (answer.summary.reason, answer.summary.steps) == (StopReason.ASKED, 1)


def test_a_stylization_need_not_wait_for_an_optimization(
    optimizer: OptimizeDriver, driver: Driver
) -> None:
    running = optimizer.start(smooth(), [STYLE], MANY)
    running.working()
    # In its place behind the optimization it would wait for as long as that takes.
    alone = driver.stylize(random_layer(80, 60), {"tiny/one": 1.0}).layer
    before = driver.queue_counts()
    running.working()
    running.stop()
    answer = running.result()
    assert before == (0, 1)
    assert answer.summary.reason is StopReason.ASKED
    assert driver.stylize(random_layer(80, 60), {"tiny/one": 1.0}).layer == alone


def test_previews_come_in_between(optimizer: OptimizeDriver) -> None:
    sent = random_layer(80, 60)
    options = replace(
        FAST,
        minimizer=Minimizer(max_seconds=1.5, steps=100_000),
        preview_size=20,
        preview_seconds=0.1,
    )
    answer = optimizer.optimize(sent, [STYLE], options)
    assert answer.summary.reason is StopReason.TIME
    assert len(answer.previews) > 1
    preview = answer.previews[-1]
    assert (preview.width, preview.height) == (20, 15)
    assert (preview.format, preview.sample_type, preview.offset) == (
        sent.format,
        sent.sample_type,
        sent.offset,
    )
    assert len(set(bytes(preview.data))) > 10


def test_strength_zero_returns_the_layer_and_says_so(optimizer: OptimizeDriver) -> None:
    sent = random_layer(40, 40, PixelFormat.BGRA, SampleType.F32, padding=3)
    answer = optimizer.optimize(sent, [STYLE], replace(FAST, strength=0.0))
    assert answer.layer.data == sent.data
    assert answer.summary.steps == 0
    assert answer.summary.reason is StopReason.UNSPECIFIED
    assert answer.summary.losses is None
    assert "nothing was optimized" in answer.summary.notes[0]


def test_a_larger_layer_is_optimized_smaller_and_scaled_up(optimizer: OptimizeDriver) -> None:
    sent = smooth(120, 90)
    answer = optimizer.optimize(sent, [STYLE], replace(FAST, size=60))
    assert (answer.layer.width, answer.layer.height) == (120, 90)
    assert (answer.summary.width, answer.summary.height) == (60, 45)
    assert len(answer.summary.notes) == 1
    assert "60 x 45 pixels, and the result scaled up to 120 x 90" in answer.summary.notes[0]
    whole = optimizer.optimize(sent, [STYLE], replace(FAST, size=0))
    assert (whole.summary.width, whole.summary.height) == (120, 90)
    assert whole.summary.notes == ()


@pytest.mark.parametrize(
    "target", [Texture(52, 36), Texture(40, 40, PixelFormat.GREYA, SampleType.U16)]
)
def test_textures_need_no_content(optimizer: OptimizeDriver, target: Texture) -> None:
    answer = optimizer.optimize(target, [STYLE], replace(FAST, preview_size=16))
    layer = answer.layer
    assert (layer.width, layer.height, layer.format, layer.sample_type) == (
        target.width,
        target.height,
        target.format,
        target.sample_type,
    )
    samples = samples_of(layer)
    assert samples[..., 0].std() > 0
    if target.format.has_alpha:
        assert (samples[..., -1] == 65535).all()


def test_content_is_reconstructed_without_a_style(optimizer: OptimizeDriver) -> None:
    terms = Terms(content=1, style=0, tv=0, content_layers={"relu1_1": 1.0})
    options = replace(FAST, terms=terms, start="noise", minimizer=Minimizer(steps=60))
    answer = optimizer.optimize(smooth(), [], options)
    assert distance(answer.layer, smooth()) < 12


def test_every_start_is_another_picture(optimizer: OptimizeDriver) -> None:
    starts: list[Any] = ["content", "style", "noise", smooth(33, 60, seed=5), PackStart("tiny/one")]
    one = replace(FAST, minimizer=Minimizer(steps=1))
    pictures = [
        bytes(optimizer.optimize(smooth(), [STYLE], replace(one, start=start)).layer.data)
        for start in starts
    ]
    assert len(set(pictures)) == len(starts)
    # After one step the picture is still the start.
    assert pictures[0] == bytes(smooth().data)


def test_regions_are_each_painted_in_their_style(optimizer: OptimizeDriver) -> None:
    grey = np.full((40, 64, 3), 128, np.uint8)
    red, blue = grey.copy(), grey.copy()
    red[:, :, 0], blue[:, :, 2] = 255, 255
    left = np.zeros((40, 64), np.uint8)
    left[:, :32] = 255
    styles = [
        StyleLayer(layer_from_array(red), region=left.tobytes()),
        StyleLayer(layer_from_array(blue), region=(255 - left).tobytes()),
    ]
    terms = Terms(content=0, tv=0, style_layers={"relu1_1": 1.0})
    options = replace(FAST, terms=terms, minimizer=Minimizer(steps=30))
    got = colors(optimizer.optimize(layer_from_array(grey), styles, options).layer)
    redness = got[..., 0] - got[..., 2]
    assert redness[:, 4:28].mean() > 10
    assert redness[:, 36:60].mean() < -10


def test_weights_of_styles_matter(optimizer: OptimizeDriver) -> None:
    def optimized(first: float, second: float) -> bytes:
        styles = [replace(STYLE, weight=first), replace(OTHER, weight=second)]
        return bytes(optimizer.optimize(smooth(), styles, FAST).layer.data)

    assert len({optimized(1, 0), optimized(0, 1), optimized(1, 1)}) == 3
    assert optimized(2, 2) == optimized(1, 1)


@pytest.mark.parametrize("kind", get_args(Statistic))
def test_every_statistic_is_a_style(optimizer: OptimizeDriver, kind: Statistic) -> None:
    answer = optimizer.optimize(smooth(), [STYLE], replace(FAST, terms=Terms(statistic=kind)))
    assert answer.summary.losses is not None
    assert np.isfinite(answer.summary.losses.total)
    assert answer.summary.losses.style > 0
    assert distance(answer.layer, smooth()) > 0.1


@pytest.mark.parametrize("algorithm", ["lbfgs", "adam", "sgd"])
def test_every_algorithm_gets_down(optimizer: OptimizeDriver, algorithm: Any) -> None:
    options = replace(FAST, minimizer=Minimizer(algorithm, steps=25, pixels="free"))
    answer = optimizer.optimize(smooth(), [STYLE], options)
    first = answer.progress[0].losses
    assert first is not None
    assert answer.summary.losses is not None
    assert answer.summary.losses.total < first.total


def saturation(layer: Layer) -> float:
    return float(np.ptp(colors(layer), axis=2).mean())


def test_colors_may_be_kept(optimizer: OptimizeDriver) -> None:
    grey = layer_from_array(np.repeat(colors(smooth())[..., :1], 3, axis=2).astype(np.uint8))
    # After one step the picture is still the start, here the style.
    chosen = replace(FAST, start="style", minimizer=Minimizer(steps=1))
    free, kept, recolored = (
        saturation(optimizer.optimize(grey, [STYLE], options).layer)
        for options in (
            chosen,
            replace(chosen, colors="luminance"),
            replace(chosen, colors="recolored"),
        )
    )
    assert free > 30
    assert kept <= 0.5
    assert recolored < 5


def test_half_precision_comes_near(optimizer: OptimizeDriver) -> None:
    options = replace(FAST, minimizer=Minimizer("adam", steps=10))
    exact, half = (
        optimizer.optimize(smooth(), [STYLE], replace(options, precision=precision)).summary.losses
        for precision in ("float32", "bfloat16")
    )
    assert exact is not None
    assert half is not None
    assert half.total == pytest.approx(exact.total, rel=0.1)
    assert half != exact


def test_an_encoder_that_is_not_there_is_named_with_what_to_do(
    optimizer: OptimizeDriver,
) -> None:
    with pytest.raises(Refused, match="pastiche encoders fetch vgg16") as refused:
        optimizer.optimize(smooth(), [STYLE], replace(FAST, encoder="vgg16"))
    assert (refused.value.code, refused.value.reason, refused.value.field) == (
        "FAILED_PRECONDITION",
        "ENCODER_MISSING",
        "encoder.name",
    )


def test_a_damaged_encoder_is_named(optimizer: OptimizeDriver) -> None:
    path: Path = optimizer.daemon.paths.root / "encoders" / "vgg13.safetensors"
    path.write_bytes(b"no weights")
    try:
        with pytest.raises(Refused, match="cannot be used") as refused:
            optimizer.optimize(smooth(), [STYLE], replace(FAST, encoder="vgg13"))
    finally:
        path.unlink()
    assert (refused.value.code, refused.value.reason) == ("DATA_LOSS", "ENCODER_DAMAGED")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps(optimizer: OptimizeDriver) -> None:
    process = psutil.Process(optimizer.daemon.info.pid)
    # With L-BFGS, because it keeps a history; it must be full before.
    options = replace(FAST, preview_size=32, preview_seconds=0.1)

    def after(steps: int) -> int:
        optimizer.optimize(smooth(), [STYLE], replace(options, minimizer=Minimizer(steps=steps)))
        return process.memory_info().rss

    before = after(200)
    assert after(1000) - before < 32 * 2**20
