"""Optimizing an image: sizes, starts, colours, several scales, stopping."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder, encoder_specs
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.pixel_optimizer import PixelOptions
from pastiche_daemon.optimize import (
    OptimizeOptions,
    OptimizeStep,
    StyleImage,
    match_colors,
    optimize,
)
from pastiche_daemon.stylize import luminance

TERMS = ImageTerms(
    content_layers={"relu3_1": 1.0}, style_layers={"relu1_1": 1.0, "relu2_1": 1.0}, content=0.1
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(encoder_specs()["vgg11"])


def picture(seed: int, h: int = 64, w: int = 80) -> Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    grown = torch.nn.functional.interpolate(coarse, size=(h, w), mode="bicubic")
    return grown[0].clamp(0, 1)


def options(**values: Any) -> OptimizeOptions:
    values.setdefault("pixels", PixelOptions(steps=8))
    values.setdefault("terms", TERMS)
    return OptimizeOptions(**values)


def run(encoder: Encoder, chosen: OptimizeOptions, **values):
    steps: list[OptimizeStep] = []
    content, style = picture(0), StyleImage(picture(1, 50, 70))
    done = optimize(
        encoder, content, [style], chosen, lambda step: steps.append(step) or True, **values
    )
    return done, steps


def test_steps_are_shared_among_the_scales_and_the_loss_falls(encoder):
    done, steps = run(encoder, options(pixels=PixelOptions(steps=21), scales=2))
    assert done.color.shape == (3, 64, 80)
    assert done.steps == len(steps) == 21
    assert [step.step for step in steps] == list(range(1, 22))
    assert [step.scale for step in steps] == [0] * 10 + [1] * 11
    assert steps[3].picture().shape == (3, 32, 40)
    last = [step.losses.total.item() for step in steps if step.scale == 1]
    assert done.total == pytest.approx(min(last))
    assert steps[0].losses.total > done.total
    assert (done.color.min() >= 0, done.color.max() <= 1) == (True, True)


def test_the_last_tenth_of_the_steps_is_made_with_the_exact_encoder(encoder):
    torch.manual_seed(1)
    other = Encoder(encoder_specs()["vgg11"])
    chosen = options(pixels=PixelOptions("adam", steps=20), scales=2)
    alone, before = run(encoder, chosen)
    both, after = run(encoder, chosen, exact=other)
    totals = [[step.losses.total.item() for step in steps] for steps in (before, after)]
    # Ten steps are of the finest scale.
    assert totals[0][:19] == totals[1][:19]
    assert totals[0][19] != totals[1][19]
    assert both.steps == alone.steps == 20


def test_scales_that_would_be_too_small_are_left_out(encoder):
    _, steps = run(encoder, options(scales=8))
    assert {step.scale for step in steps} == {0, 1}


def test_the_same_seed_gives_the_same_picture_and_another_another(encoder):
    pictures = [
        run(encoder, options(start="noise", seed=seed, scales=1))[0].color for seed in (3, 3, 4)
    ]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


@pytest.mark.parametrize("start", ["content", "style", "noise", "image"])
def test_it_starts_where_it_was_told(encoder, start):
    given = torch.full((3, 64, 80), 0.25)
    _, steps = run(encoder, options(start=start, scales=1), start=given)
    first = steps[0].losses
    assert (first.content == 0) == (start == "content")
    if start == "image":
        assert first.tv == 0


def test_size_limits_the_picture(encoder):
    done, _ = run(encoder, options(size=40, scales=1))
    assert done.color.shape == (3, 32, 40)


def test_stop_and_keep(encoder):
    style = [StyleImage(picture(1))]
    chosen = options(pixels=PixelOptions(steps=50), scales=2)
    done = optimize(encoder, picture(0), style, chosen, lambda step: step.step < 5)
    assert (done.steps, done.reason) == (5, "asked")
    assert done.color.shape == (3, 64, 80)


def test_time_leaves_every_scale_a_step(encoder):
    pixels = PixelOptions(steps=10**4, max_seconds=1e-3)
    done, steps = run(encoder, options(pixels=pixels, scales=2))
    assert done.reason == "time"
    assert [step.scale for step in steps] == [0, 1]


def test_textures_of_any_size_without_content(encoder):
    terms = ImageTerms(content=0, style_layers={"relu1_1": 1.0})
    chosen = OptimizeOptions(terms=terms, pixels=PixelOptions(steps=4), start="noise")
    style = [StyleImage(picture(1, 40, 40))]
    done = optimize(encoder, None, style, chosen, lambda _: True, shape=(48, 96))
    assert done.color.shape == (3, 48, 96)


def test_reconstruction_of_content_needs_no_style(encoder):
    terms = ImageTerms(content=1, style=0, tv=0, content_layers={"relu1_1": 1.0})
    chosen = OptimizeOptions(terms=terms, pixels=PixelOptions(steps=60), start="noise", scales=1)
    done = optimize(encoder, picture(0), [], chosen, lambda _: True)
    assert (done.color - picture(0)).abs().mean() < 0.03


def test_luminance_keeps_the_contents_chrominance(encoder):
    done, _ = run(encoder, options(colors="luminance", scales=1))
    content = picture(0)
    inside = ((done.color > 0) & (done.color < 1)).all(dim=0)
    difference = (done.color - content)[:, inside]
    assert inside.float().mean() > 0.5
    assert (difference - difference.mean(dim=0)).abs().max() < 1e-5
    assert luminance(done.color).sub(luminance(content)).abs().max() > 0.01


def test_recoloured_styles_have_the_contents_colours():
    style, content = picture(1) * 0.3 + 0.3, picture(2) * 0.3 + 0.2
    matched = match_colors(style, content).flatten(1)
    torch.testing.assert_close(matched.mean(1), content.flatten(1).mean(1), atol=5e-3, rtol=0)
    torch.testing.assert_close(
        matched.cov(correction=0), content.flatten(1).cov(correction=0), atol=5e-4, rtol=0
    )


def test_grey_styles_can_be_recoloured():
    grey = picture(1)[:1].expand(3, -1, -1)
    assert match_colors(grey, picture(2)).isfinite().all()


def test_what_does_not_count_of_a_style_has_no_influence(encoder):
    half = torch.zeros(64, 96)
    half[:, :48] = 1
    first, second = picture(1, 64, 96), picture(1, 64, 96)
    # Far enough away for the deepest layer not to see it.
    second[:, :, 80:] = 1 - second[:, :, 80:]
    terms = ImageTerms(content=0, style_layers={"relu1_1": 1.0, "relu2_1": 1.0})
    chosen = OptimizeOptions(terms=terms, pixels=PixelOptions(steps=1), start="content", scales=1)

    def loss(style: StyleImage) -> float:
        return optimize(encoder, picture(0, 64, 96), [style], chosen, lambda _: True).total

    assert loss(StyleImage(first, counted=half)) == loss(StyleImage(second, counted=half))
    assert loss(StyleImage(first)) != loss(StyleImage(second))


def test_a_narrow_style_reaches_the_deepest_layers(encoder):
    terms = ImageTerms(content=0, style_layers={"relu5_1": 1.0})
    chosen = options(terms=terms, pixels=PixelOptions(steps=2), scales=1)
    done = optimize(encoder, picture(0), [StyleImage(picture(1, 4, 400))], chosen, lambda _: True)
    assert done.steps == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [({"scales": 0}, "scales"), ({"size": 8}, "size"), ({"style_scale": 0.0}, "style_scale")],
)
def test_impossible_options_are_named(values, field):
    with pytest.raises(ValueError, match=field):
        options(**values)


def test_what_is_missing_is_named(encoder):
    style = [StyleImage(picture(1))]
    with pytest.raises(ValueError, match="start: give the image"):
        optimize(encoder, picture(0), style, options(start="image"), lambda _: True)
    with pytest.raises(ValueError, match="start: there is no style"):
        optimize(encoder, picture(0), [], options(start="style"), lambda _: True)
    chosen = options(start="noise", colors="luminance", terms=ImageTerms(content=0))
    with pytest.raises(ValueError, match="colors"):
        optimize(encoder, None, style, chosen, lambda _: True, shape=(40, 40))
    with pytest.raises(ValueError, match="shape"):
        optimize(encoder, None, style, options(start="noise"), lambda _: True)
