"""Painting like other layers, as the editors' plug-ins do it, with a real daemon."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastiche_client.client import Client
from pastiche_client.editing.blocking import paint_and_wait
from pastiche_client.editing.paint_options import (
    DEFAULT_ENCODER,
    PREVIEW_SIDE,
    PaintColors,
    PaintOptions,
    PaintStart,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.paint_recipe import PaintRecipe, any_recipe
from pastiche_client.editing.paint_run import PaintResult, PaintRun
from pastiche_client.editing.run_states import RunItem, RunStage, RunState
from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import translator
from pastiche_client.errors import DaemonLostError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_client.results import StopReason
from tests.contract.daemons import daemons, end_daemons
from tests.support.daemon_process import WAIT_SECONDS, wait_until

TEXTS = Texts(translator(["en"]))
# Random weights, so that nothing has to be downloaded.
ENCODER = "vgg19-quarter"
QUICK = PaintOptions(
    (StyleChoice(StyleKind.LAYER, "Waves", weight=3.0), StyleChoice(StyleKind.LAYER, "Night")),
    quality=Quality.QUICK,
    encoder=ENCODER,
)
LONG = replace(QUICK, quality=Quality.FULL)


def layer(side: int, seed: int = 0, sample_type: SampleType = SampleType.U8) -> Layer:
    """A picture of soft shapes, opaque."""
    y, x = np.mgrid[:side, :side] / side * (6 + 3 * seed)
    channels = [np.sin(x * (1 + seed) + y * k + seed) * np.cos(y - k * x) for k in range(3)]
    values = np.stack(channels, axis=-1) / 2 + 0.5
    largest, kind = {
        SampleType.U8: (255, "u1"),
        SampleType.U16: (65535, "<u2"),
        SampleType.F32: (1, "<f4"),
    }[sample_type]
    data = (values * largest).astype(kind).tobytes()
    return Layer(side, side, PixelFormat.RGB, sample_type, data, offset=(3, -4))


SKY = RunItem("key", layer(40), "Sky")
STYLES = (layer(32, 1), layer(24, 2))


def ignore(_: RunState) -> None:
    pass


@pytest.fixture
def client(own_home: Path) -> Iterator[Client]:
    """A client whose daemon does not run yet."""
    paths = DataPaths(own_home)
    client = Client(paths)
    yield client
    client.close()
    end_daemons(paths)


@dataclass
class Painting:
    """A run of a window that the test turns by hand."""

    client: Client
    item: RunItem
    options: PaintOptions = LONG
    calls: queue.Queue[Callable[[], None]] = field(
        default_factory=lambda: queue.Queue[Callable[[], None]]()
    )
    states: list[RunState] = field(default_factory=list[RunState])
    previews: list[Layer] = field(default_factory=list[Layer])
    results: list[PaintResult] = field(default_factory=list[PaintResult])

    def start(self) -> PaintRun:
        return PaintRun(
            self.client,
            self.item,
            STYLES,
            self.options,
            post=self.calls.put,
            on_update=self.states.append,
            on_preview=self.previews.append,
            on_done=self.results.append,
        ).begin()

    def turn_until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.calls.get(timeout=WAIT_SECONDS)()

    def is_painting(self) -> bool:
        return bool(self.states) and self.states[-1].stage is RunStage.PAINTING


@pytest.fixture
def painting(client: Client) -> Painting:
    return Painting(client, RunItem("key", layer(400), "Sky"))


def test_a_painting_can_be_made_again_from_its_recipe(client: Client) -> None:
    states: list[RunState] = []
    options = replace(QUICK, start=PaintStart.NOISE)
    result = paint_and_wait(client, SKY, STYLES, options, on_update=states.append)
    (outcome,) = result.succeeded
    made = outcome.result
    assert made is not None
    assert made.layer.offset == (3, -4)
    assert bytes(made.layer.data) != layer(40).data
    stages = [state.stage for state in states]
    assert stages[0] is RunStage.STARTING
    assert stages[-1] is RunStage.PAINTING
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)
    recipe = any_recipe(PaintRecipe.of(options, made).dumps())
    assert isinstance(recipe, PaintRecipe)
    assert recipe.options == options
    assert (recipe.encoder, recipe.width, recipe.stopped) == (ENCODER, 40, False)
    assert 0 < recipe.steps <= Quality.QUICK.steps
    again = paint_and_wait(client, SKY, STYLES, recipe.options, on_update=ignore)
    assert again.outcomes[0].result is not None
    assert again.outcomes[0].result.layer == made.layer


def test_every_value_makes_a_difference(client: Client) -> None:
    pictures = [
        paint_and_wait(client, SKY, STYLES, options, on_update=ignore).outcomes[0].result
        for options in (
            QUICK,
            replace(QUICK, amount=0.0),
            replace(QUICK, style_scale=0.5),
            replace(QUICK, colors=PaintColors.LUMINANCE),
            replace(QUICK, colors=PaintColors.RECOLORED),
            replace(QUICK, start=PaintStart.STYLE),
            replace(QUICK, styles=(QUICK.styles[0], replace(QUICK.styles[1], weight=0.0))),
        )
    ]
    assert all(picture is not None for picture in pictures)
    assert len({bytes(picture.layer.data) for picture in pictures if picture}) == len(pictures)


def painted(
    client: Client, options: PaintOptions, sources: Sequence[Layer] = STYLES, **planes: Any
) -> np.ndarray:
    """The result's samples, 40 x 40 x 3."""
    styles = sources[: len(options.styles)]
    run = paint_and_wait(client, SKY, styles, options, on_update=ignore, **planes)
    (outcome,) = run.succeeded
    assert outcome.result is not None
    return np.frombuffer(outcome.result.layer.data, np.uint8).reshape(40, 40, 3).astype(float)


def tinted(picture: Layer, channel: int) -> Layer:
    """The layer with little but one of its colours."""
    samples = np.frombuffer(picture.data, np.uint8).reshape(-1, 3) * np.full(3, 0.2)
    samples[:, channel] *= 5
    return replace(picture, data=samples.astype(np.uint8).tobytes())


def test_styles_keep_to_their_places(client: Client) -> None:
    left = bytes([255] * 20 + [0] * 20) * 40
    place = RegionChoice("Left", "1")
    red, blue = (replace(style, weight=1.0) for style in QUICK.styles)
    there = replace(red, where=place), replace(blue, where=replace(place, outside=True))
    both = replace(QUICK, amount=1.0, encoder=DEFAULT_ENCODER, styles=there)
    sources = (tinted(STYLES[0], 0), tinted(STYLES[1], 2))
    for order, warmer in ((sources, True), (sources[::-1], False)):
        found = painted(client, both, sources=order, regions=(left, left))
        warmth = found[..., 0].mean(axis=0) - found[..., 2].mean(axis=0)
        # Away from the border between the places, for the network sees beyond it.
        inner, outer = warmth[:14].mean(), warmth[26:].mean()
        assert (inner - outer > 30) if warmer else (outer - inner > 30)


def test_where_no_style_goes_the_layer_stays(client: Client) -> None:
    before = np.frombuffer(layer(40).data, np.uint8).reshape(40, 40, 3).astype(float)
    style = replace(QUICK.styles[0], where=RegionChoice("Left", "1"))
    region = bytes([255] * 10 + [51] * 10 + [0] * 20) * 40
    options = replace(QUICK, styles=(style,), start=PaintStart.NOISE)
    found = painted(client, options, regions=(region,))
    assert np.array_equal(found[:, 20:], before[:, 20:])
    assert (found != before)[:, :20].any(axis=2).mean() > 0.9
    half = replace(options, strength_mask=RegionChoice("Half", "2"))
    weaker = painted(client, half, regions=(region,), strength_mask=bytes([102]) * 1600)
    expected = before + 0.4 * (found - before)
    assert np.abs(weaker - expected).max() <= 1
    # A style that goes everywhere leaves nothing as it is.
    both = replace(options, styles=(style, QUICK.styles[1]))
    everywhere = painted(client, both, regions=(region, None))
    assert (everywhere != before)[:, 20:].any(axis=2).mean() > 0.9


def test_the_strength_follows_its_mask(client: Client) -> None:
    before = np.frombuffer(layer(40).data, np.uint8).reshape(40, 40, 3).astype(float)
    full = painted(client, QUICK)
    mask = bytes([0] * 10 + [51] * 20 + [255] * 10) * 40
    found = painted(
        client, replace(QUICK, strength_mask=RegionChoice("Fade", "1")), strength_mask=mask
    )
    assert np.array_equal(found[:, :10], before[:, :10])
    assert np.array_equal(found[:, 30:], full[:, 30:])
    expected = before + 0.2 * (full - before)
    assert np.abs(found - expected)[:, 10:30].max() <= 1


@pytest.mark.parametrize("sample_type", SampleType)
def test_stop_and_keep_shows_pictures_and_gives_one_back(
    painting: Painting, sample_type: SampleType
) -> None:
    painting.item = RunItem("key", layer(400, 0, sample_type), "Sky")
    run = painting.start()
    painting.turn_until(lambda: painting.previews)
    run.stop_and_keep()
    painting.turn_until(lambda: painting.results)
    (outcome,) = painting.results[0].succeeded
    assert outcome.result is not None
    assert outcome.result.summary.reason is StopReason.ASKED
    assert 0 < outcome.result.summary.steps < Quality.FULL.steps
    assert outcome.result.layer.sample_type is sample_type
    preview = painting.previews[0]
    assert (preview.width, preview.height) == (PREVIEW_SIDE, PREVIEW_SIDE)
    assert (preview.format, preview.sample_type) == (PixelFormat.RGB, SampleType.U8)
    assert len(set(bytes(preview.data))) > 10
    assert PaintRecipe.of(LONG, outcome.result).stopped


def test_cancelling_frees_the_daemon(client: Client, painting: Painting) -> None:
    run = painting.start()
    painting.turn_until(painting.is_painting)
    run.cancel()
    painting.turn_until(lambda: painting.results)
    assert painting.results[0].cancelled
    wait_until(lambda: client.info().running == client.info().waiting == 0)


def test_a_second_painting_waits_and_says_so(client: Client, painting: Painting) -> None:
    first = painting.start()
    painting.turn_until(painting.is_painting)
    second = Painting(client, SKY, QUICK)
    second.start()
    second.turn_until(lambda: second.states and second.states[-1].stage is RunStage.QUEUED)
    assert second.states[-1].queue_position == 1
    first.cancel()
    second.turn_until(lambda: second.results)
    assert second.results[0].succeeded


def test_a_killed_daemon_is_told(client: Client, painting: Painting) -> None:
    painting.start()
    painting.turn_until(painting.is_painting)
    end_daemons(client.paths)
    painting.turn_until(lambda: painting.results)
    (outcome,) = painting.results[0].failed
    assert isinstance(outcome.error, DaemonLostError)
    assert str(client.paths.log_file) in TEXTS.summary(painting.results[0], client.paths)
    assert daemons(client.paths) == []


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        ("vgg16", "pastiche encoders fetch vgg16"),
        ("vgg99", "There is no such encoder"),
        ("vgg13", "file is damaged"),
    ],
)
def test_trouble_with_the_encoder_is_told(client: Client, encoder: str, told: str) -> None:
    (client.paths.root / "encoders" / "vgg13.safetensors").write_bytes(b"no weights")
    result = paint_and_wait(client, SKY, STYLES, replace(QUICK, encoder=encoder), on_update=ignore)
    sentence = TEXTS.summary(result, client.paths)
    assert told in sentence
    assert "“compact”" in sentence
