"""The objective in tiles: the whole's loss and gradient, in the memory of a tile, and stopping."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder, EncoderSpec, Padding, Pooling
from pastiche_daemon.nn.feature_tiles import feature_grid, least_tile
from pastiche_daemon.nn.image_objective import (
    ImageObjective,
    ImageTerms,
    Objective,
    WeightedStyle,
)
from pastiche_daemon.nn.loss_switches import (
    ContentNormalization,
    Distance,
    StatisticKind,
    StatisticNormalization,
)
from pastiche_daemon.nn.pixel_optimizer import OptimizerName, PixelOptions, minimize
from pastiche_daemon.nn.style_statistics import StyleStatistic
from pastiche_daemon.nn.tiled_objective import TiledObjective, is_kept

BLOCKS = ((5, 4), (6,), (7, 5), (6,))
LAYERS = EncoderSpec("small", BLOCKS).layers


def small_encoder(pooling: Pooling = "max", padding: Padding = "zeros") -> Encoder:
    """Random weights in float64, with which every channel fires now and then."""
    generator = torch.Generator().manual_seed(0)
    encoder = Encoder(EncoderSpec("small", BLOCKS, pooling=pooling, padding=padding)).double()
    with torch.no_grad():
        for name in encoder.spec.convolutions:
            weight = encoder.convolution(name).weight
            drawn = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            weight.copy_(drawn / weight[0].numel() ** 0.5)
            encoder.convolution(name).bias.fill_(0.2)  # pyright: ignore[reportOptionalMemberAccess]
    return encoder


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return random(1, 3, height, width, seed=seed)


def evaluated(objective: Objective, candidate: Tensor) -> tuple[list[float], Tensor]:
    """The terms, and the gradient of their sum."""
    leaf = candidate.clone().requires_grad_()
    losses = objective.losses(leaf)
    losses.total.backward()
    assert leaf.grad is not None
    return [term.item() for term in losses], leaf.grad


def assert_equal(tiled: Objective, whole: Objective, candidate: Tensor) -> None:
    """To the rounding of sums in float64."""
    (found, slope), (wanted, expected) = (evaluated(o, candidate) for o in (tiled, whole))
    assert found == pytest.approx(wanted, rel=1e-9)
    torch.testing.assert_close(slope, expected, rtol=0, atol=1e-9 * float(expected.abs().max()))


def both(
    encoder: Encoder,
    terms: ImageTerms,
    content: Tensor | None,
    styles: Sequence[WeightedStyle],
    tile: int,
    **values: Any,
) -> tuple[TiledObjective, ImageObjective]:
    tiled = TiledObjective(encoder, terms, content, styles, tile=tile, **values)
    return tiled, ImageObjective(encoder, terms, content, styles)


LAYER_SETS = st.dictionaries(st.sampled_from(LAYERS), st.floats(0.1, 3), min_size=1, max_size=3)
SIDES = st.integers(32, 80)


@st.composite
def statistics(draw: st.DrawFn) -> StyleStatistic:
    kind = draw(st.sampled_from(get_args(StatisticKind)))
    return StyleStatistic(
        kind,
        distance="l2" if kind == "wasserstein" else draw(st.sampled_from(get_args(Distance))),
        normalization=draw(st.sampled_from(get_args(StatisticNormalization))),
        constant=draw(st.sampled_from([0.0, 0.7])),
        features=16,
    )


@st.composite
def weighted_styles(draw: st.DrawFn) -> list[WeightedStyle]:
    def map_or_none(seed: int) -> Tensor | None:
        shape = draw(st.none() | st.tuples(SIDES, SIDES))
        return None if shape is None else random(1, 1, *shape, seed=seed)

    return [
        WeightedStyle(
            image(draw(SIDES), draw(SIDES), seed=place + 5),
            draw(st.floats(0.1, 2)),
            region=map_or_none(place + 8),
            counted=map_or_none(place + 11),
        )
        for place in range(draw(st.integers(1, 2)))
    ]


@settings(max_examples=40)
@given(data=st.data())
def test_tiles_give_the_wholes_loss_and_gradient(data: st.DataObject) -> None:
    draw = data.draw
    encoder = small_encoder(
        draw(st.sampled_from(get_args(Pooling))), draw(st.sampled_from(get_args(Padding)))
    )
    statistic, style_layers = draw(statistics()), draw(LAYER_SETS)
    if statistic.kind == "wasserstein":
        # The root of the variance of a channel that never fires magnifies what was rounded.
        style_layers = {f"conv{layer[4:]}": weight for layer, weight in style_layers.items()}
        style_layers = {
            layer: weight for layer, weight in style_layers.items() if layer in LAYERS
        } or {"conv2_1": 1.0}
    terms = ImageTerms(
        content=0.3,
        tv=draw(st.sampled_from([0.0, 2.0])),
        tv_exponent=draw(st.sampled_from([1.0, 2.0])),
        content_layers=draw(LAYER_SETS),
        style_layers=style_layers,
        content_distance=draw(st.sampled_from(get_args(Distance))),
        content_normalization=draw(st.sampled_from(get_args(ContentNormalization))),
        statistic=statistic,
    )
    height, width = draw(SIDES), draw(SIDES)
    least = least_tile(encoder.spec, {*terms.content_layers, *terms.style_layers})
    objectives = both(
        encoder,
        terms,
        image(height, width, 1),
        draw(weighted_styles()),
        least + draw(st.integers(24, 64)),
    )
    assert_equal(*objectives, image(height, width, 2))


@pytest.mark.parametrize("kind", get_args(StatisticKind))
@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("padding", get_args(Padding))
def test_every_statistic_with_many_tiles_and_masks(kind, pooling, padding):
    encoder = small_encoder(pooling, padding)
    layers = {"relu1_1": 1.0, "conv2_1": 0.5, "relu3_1": 2.0, "pool3": 1.0}
    terms = ImageTerms(
        content_layers={"conv3_2": 1.0, "relu1_2": 0.5},
        style_layers=layers,
        statistic=StyleStatistic(kind, features=16),
    )
    styles = [
        WeightedStyle(image(64, 59, 3), 2.0, region=random(1, 1, 83, 70, seed=4)),
        WeightedStyle(image(50, 71, 5), 1.0, counted=random(1, 1, 50, 71, seed=6)),
    ]
    side = least_tile(encoder.spec, {*layers, *terms.content_layers}) + 8
    grid = feature_grid(83, 101, side, encoder.spec, layers)
    assert len(grid.tiles) >= 6
    objectives = both(encoder, terms, image(83, 101, 1), styles, side)
    assert_equal(*objectives, image(83, 101, 2))


def test_content_is_compared_whether_its_features_are_kept_or_not():
    encoder = small_encoder()
    assert [is_kept(encoder.spec, layer) for layer in ("relu1_1", "conv1_2")] == [True, True]
    wide = Encoder(EncoderSpec("wide", ((9, 9), (33,)), padding="reflect")).double()
    assert not is_kept(wide.spec, "relu1_2")
    assert not is_kept(wide.spec, "conv2_1")
    assert is_kept(wide.spec, "pool2")
    terms = ImageTerms(
        content_layers={"relu1_2": 1.0, "conv2_1": 0.1, "pool2": 0.5}, style_layers={"relu1_1": 1}
    )
    objectives = both(
        wide,
        terms,
        image(60, 61, 1),
        [WeightedStyle(image(40, 41))],
        least_tile(wide.spec, LAYERS[:6]) + 8,
    )
    assert_equal(*objectives, image(60, 61, 2))


@pytest.mark.parametrize(
    "values",
    [
        {"content": 0.0, "tv": 0.0},
        {"style": 0.0, "tv": 0.0},
        {"style": 0.0, "content": 0.0},
        {"style": 0.0, "content_layers": {"conv1_1": 1.0}},
    ],
)
def test_terms_without_weight_cost_nothing(values):
    terms = ImageTerms(
        **{"content_layers": {"relu2_1": 1.0}, "style_layers": {"relu1_1": 1.0}} | values
    )
    content = image(50, 60, 1) if terms.content else None
    styles = [WeightedStyle(image(40, 40))] if terms.style else []
    assert_equal(*both(small_encoder(), terms, content, styles, 40), image(50, 60, 2))


def gram_terms(**values: Any) -> ImageTerms:
    return ImageTerms(
        content_layers={"relu2_1": 1.0}, style_layers={"relu1_1": 1.0, "conv3_1": 1.0}, **values
    )


def test_without_gradients_the_terms_are_the_same():
    encoder, terms = small_encoder(), gram_terms()
    tiled = TiledObjective(
        encoder, terms, image(60, 70, 1), [WeightedStyle(image(40, 40))], tile=48
    )
    with_gradient, _ = evaluated(tiled, image(60, 70, 2))
    assert [x.item() for x in tiled.losses(image(60, 70, 2))] == pytest.approx(
        with_gradient, rel=1e-12
    )
    with torch.no_grad():
        again = tiled.losses(image(60, 70, 2).requires_grad_())
    assert [x.item() for x in again] == pytest.approx(with_gradient, rel=1e-12)


def test_images_of_another_size_are_compared_where_there_is_no_content():
    styles = [WeightedStyle(image(40, 40), region=random(1, 1, 30, 30))]
    objectives = both(small_encoder(), gram_terms(content=0.0), None, styles, 48)
    for shape in ((60, 70), (90, 50), (40, 40)):
        assert_equal(*objectives, image(*shape, seed=2))
    with_content = TiledObjective(small_encoder(), gram_terms(), image(60, 70), styles, tile=48)
    with pytest.raises(ValueError, match="shapes differ"):
        with_content.losses(image(60, 71))


@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_every_optimizer_finds_the_same_picture(optimizer):
    terms = gram_terms(content=0.1, tv=0.1)
    objectives = both(
        small_encoder(), terms, image(60, 70, 1), [WeightedStyle(image(40, 40, 3))], 48
    )
    options = PixelOptions(optimizer, steps=12)
    tiled, whole = (
        minimize(
            lambda candidate, objective=objective: (objective.losses(candidate).total, None),
            image(60, 70, 2),
            options,
            lambda _: True,
        )
        for objective in objectives
    )
    assert tiled.total == pytest.approx(whole.total, rel=1e-6)
    torch.testing.assert_close(tiled.image, whole.image, rtol=0, atol=1e-6)


def test_half_precision_comes_near():
    encoder = small_encoder().float()
    style, content = WeightedStyle(image(40, 40).float()), image(60, 70, 1).float()
    whole = ImageObjective(encoder, gram_terms(), content, [style])
    expected, _ = evaluated(whole, image(60, 70, 2).float())
    half = small_encoder().to(torch.bfloat16)
    tiled = TiledObjective(half, gram_terms(), content, [style], tile=48)
    leaf = image(60, 70, 2).float().requires_grad_()
    losses = tiled.losses(leaf)
    losses.total.backward()
    assert losses.total.dtype == torch.float32
    assert losses.total.item() == pytest.approx(expected[0], rel=0.02)
    assert leaf.grad is not None
    assert leaf.grad.dtype == torch.float32


def saved_bytes(work: Callable[[], object]) -> int:
    """The most that autograd keeps at once while ``work`` runs, in bytes."""
    kept = {"now": 0, "most": 0}

    class Saved:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor
            self.bytes = tensor.numel() * tensor.element_size()
            kept["now"] += self.bytes
            kept["most"] = max(kept.values())

        def __del__(self) -> None:
            kept["now"] -= self.bytes

    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        work()
    return kept["most"]


def test_what_autograd_keeps_does_not_grow_with_the_image():
    encoder, terms = small_encoder(), gram_terms(tv=0.0)
    style = WeightedStyle(image(40, 40))

    def kept(height: int, width: int, tile: int | None) -> int:
        content, candidate = image(height, width, 1), image(height, width, 2)
        if tile is None:
            objective: Objective = ImageObjective(encoder, terms, content, [style])
        else:
            objective = TiledObjective(encoder, terms, content, [style], tile=tile)
        # The gradient itself has the image's size.
        return saved_bytes(lambda: evaluated(objective, candidate)) - 8 * candidate.numel()

    small, large = kept(96, 96, 64), kept(192, 192, 64)
    assert large <= 1.05 * small
    assert kept(192, 192, None) > 4 * large


def test_it_stops_between_tiles_with_the_best_picture_so_far():
    asked = itertools.count()
    limit = 10**9
    encoder, style = small_encoder(), WeightedStyle(image(40, 40))
    tiled = TiledObjective(
        encoder,
        gram_terms(),
        image(60, 70, 1),
        [style],
        tile=48,
        before_tile=lambda: next(asked) < limit,
    )

    def run(options: PixelOptions) -> Any:
        def loss(candidate: Tensor) -> tuple[Tensor, None]:
            return tiled.losses(candidate).total, None

        return minimize(loss, image(60, 70, 2), options, lambda _: True)

    once = run(PixelOptions("lbfgs", steps=1))
    layers = {"relu2_1", "relu1_1", "conv3_1"}
    tiles = len(feature_grid(60, 70, 48, encoder.spec, layers).tiles)
    assert tiles > 3
    assert (once.steps, once.reason) == (1, "steps")
    # In the middle of the second evaluation of those that follow, each of which has two passes.
    limit = next(asked) + 2 * tiles + 2
    stopped = run(PixelOptions("lbfgs", steps=5))
    assert (stopped.steps, stopped.reason) == (1, "asked")
    assert stopped.total == once.total
    torch.testing.assert_close(stopped.image, once.image)
    # Before the first one is done there is nothing but the start.
    at_once = run(PixelOptions("adam", steps=5))
    assert (at_once.steps, at_once.reason, at_once.total) == (0, "asked", float("inf"))
    torch.testing.assert_close(at_once.image, image(60, 70, 2))


def test_what_is_raised_between_tiles_is_passed_on():
    def before_tile() -> bool:
        raise InterruptedError("cancelled")

    tiled = TiledObjective(
        small_encoder(),
        gram_terms(),
        image(60, 70, 1),
        [WeightedStyle(image(40, 40))],
        tile=48,
        before_tile=before_tile,
    )
    with pytest.raises(InterruptedError, match="cancelled"):
        tiled.losses(image(60, 70, 2))


def test_impossible_tiles_are_refused_before_any_work():
    with pytest.raises(ValueError, match="tile: must be at least"):
        TiledObjective(
            small_encoder(), gram_terms(), image(60, 70), [WeightedStyle(image(40, 40))], tile=16
        )
