"""Optimizing pixels: known minima, what ends it, and what it leaves alone."""

from __future__ import annotations

import time
from typing import get_args

import pytest
import torch
from torch import Tensor

from pastiche_daemon.nn.pixel_optimizer import (
    PixelOptions,
    PixelRange,
    PixelStep,
    Variables,
    minimize,
)

GOAL = torch.linspace(0.1, 0.9, 48, dtype=torch.float64).reshape(1, 3, 4, 4)
START = torch.full_like(GOAL, 0.5)


def quadratic(image: Tensor) -> tuple[Tensor, None]:
    """A bowl whose axes differ by a factor of 100, with its minimum at GOAL."""
    curvature = torch.logspace(0, 2, 48, dtype=torch.float64).reshape(GOAL.shape)
    return (curvature * (image - GOAL).square()).sum(), None


def always(_: PixelStep[None]) -> bool:
    return True


def test_lbfgs_finds_the_minimum_of_a_quadratic():
    found = minimize(quadratic, START, PixelOptions(steps=200), always)
    torch.testing.assert_close(found.image, GOAL, rtol=0, atol=1e-6)
    assert found.total < 1e-10


def test_the_start_may_lie_in_memory_in_any_order():
    start = START.contiguous(memory_format=torch.channels_last)
    found = minimize(quadratic, start, PixelOptions(steps=200), always)
    torch.testing.assert_close(found.image, GOAL, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 0.02), ("sgd", 0.004)])
def test_first_order_optimizers_come_near_it(optimizer, rate):
    options = PixelOptions(optimizer=optimizer, steps=1500, learning_rate=rate)
    found = minimize(quadratic, START, options, always)
    torch.testing.assert_close(found.image, GOAL, rtol=0, atol=1e-3)


def test_levels_of_a_pyramid_find_a_smooth_minimum_sooner_than_pixels():
    goal = torch.linspace(0.2, 0.8, 64, dtype=torch.float64).expand(1, 3, 64, 64)

    def bowl(image: Tensor) -> tuple[Tensor, None]:
        return (image - goal).square().mean(), None

    start = torch.full_like(goal, 0.5)
    before = start.clone()
    pixels, pyramid = (
        minimize(bowl, start, PixelOptions("adam", 6, variables=variables), always)
        for variables in get_args(Variables)
    )
    assert pyramid.total < 0.7 * pixels.total
    assert pyramid.image.shape == goal.shape
    assert torch.equal(start, before)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_pyramid_goes_with_every_optimizer(optimizer):
    goal = torch.linspace(0.2, 0.8, 33, dtype=torch.float64).expand(1, 3, 40, 33)
    options = PixelOptions(optimizer=optimizer, steps=60, variables="pyramid")
    found = minimize(lambda x: ((x - goal).square().mean(), None), 1 - goal, options, always)
    assert found.total < 0.1 * (1 - 2 * goal).square().mean()


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_default_rates_go_down_whatever_the_scale_of_the_loss(optimizer):
    for scale in (1e-4, 1e4):
        first = quadratic(START)[0].item() * scale
        found = minimize(
            lambda x, s=scale: (quadratic(x)[0] * s, None),
            START,
            PixelOptions(optimizer=optimizer, steps=60),
            always,
        )
        assert found.total < 0.5 * first


def test_the_start_is_not_changed_and_the_best_image_is_returned():
    start = START.clone()
    totals: list[float] = []
    found = minimize(
        quadratic,
        start,
        PixelOptions(optimizer="sgd", learning_rate=0.0099, steps=30),
        lambda step: totals.append(step.total) or True,
    )
    assert torch.equal(start, START)
    assert found.steps == len(totals) == 30
    assert found.total == min(totals)
    assert quadratic(found.image)[0].item() == pytest.approx(found.total, rel=1e-9)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_step_is_one_evaluation(optimizer):
    calls = 0

    def counted(image: Tensor) -> tuple[Tensor, None]:
        nonlocal calls
        calls += 1
        return quadratic(image)

    found = minimize(counted, START, PixelOptions(optimizer=optimizer, steps=7), always)
    assert (calls, found.steps, found.reason) == (7, 7, "steps")


def test_stop_and_keep_returns_the_image_as_it_stands():
    found = minimize(quadratic, START, PixelOptions(), lambda step: step.step < 5)
    assert (found.steps, found.reason) == (5, "asked")
    assert found.total < quadratic(START)[0].item()


def test_what_the_observer_raises_ends_it():
    class CancelledError(Exception):
        pass

    def cancel(_: PixelStep[None]) -> bool:
        raise CancelledError

    with pytest.raises(CancelledError):
        minimize(quadratic, START, PixelOptions(), cancel)


def test_time_ends_it():
    options = PixelOptions(optimizer="adam", steps=10**6, max_seconds=0.05)
    found = minimize(quadratic, START, options, lambda _: time.sleep(0.01) or True)
    assert found.reason == "time"
    assert found.steps < 1000


def test_no_more_improvement_ends_it():
    options = PixelOptions(optimizer="adam", learning_rate=1e-9, steps=10**4, tolerance=0.01)
    found = minimize(quadratic, START, options, always)
    assert (found.steps, found.reason) == (51, "converged")
    options = PixelOptions(optimizer="adam", steps=60, tolerance=0.01)
    assert minimize(quadratic, START, options, always).reason == "steps"


def test_projected_pixels_are_evaluated_in_range_and_free_ones_are_not():
    def away(image: Tensor) -> tuple[Tensor, tuple[float, float]]:
        return (image - 3).square().sum(), (image.min().item(), image.max().item())

    ranges: tuple[tuple[PixelRange, float], ...] = (("projected", 1.0), ("free", 2.5))
    for pixels, least in ranges:
        seen: list[float] = []
        found = minimize(
            away,
            START,
            PixelOptions(pixels=pixels, steps=20),
            lambda step, seen=seen: seen.append(step.losses[1]) or True,
        )
        assert found.image.max() <= 1
        assert max(seen) >= least
        assert pixels == "free" or max(seen) <= 1


def test_a_loss_that_is_no_number_is_an_error():
    with pytest.raises(FloatingPointError):
        minimize(lambda x: (x.sum() * float("nan"), None), START, PixelOptions(), always)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"history": 0},
        {"learning_rate": -1.0},
        {"momentum": 1.0},
        {"max_seconds": 0.0},
        {"tolerance": 1.0},
    ],
)
def test_impossible_options_are_named(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        PixelOptions(**values)
