"""The stylize use case: what changes, what does not, and what has no influence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.stylize import (
    LayerTensors,
    StylizeOptions,
    fill_transparent,
    keep_colors,
    luminance,
    preview,
    resize,
    stylize,
)


@pytest.fixture(scope="module")
def network() -> TransformerNetwork:
    torch.manual_seed(0)
    net = TransformerNetwork(TransformerSpec(styles=2, channels=(4, 6, 8), residual_blocks=1))
    return net.eval().requires_grad_(requires_grad=False)


def ignore(_: float) -> None:
    pass


def picture(height: int = 20, width: int = 24, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


ONE = StylizeOptions(mix=(1.0, 0.0))


def test_full_strength_is_the_networks_picture(network):
    color = picture()
    done = stylize(network, LayerTensors(color), ONE, ignore)
    with torch.no_grad():
        expected = network(color[None], torch.tensor([[1.0, 0.0]]))[0]
    torch.testing.assert_close(done.color, expected, rtol=0, atol=1e-6)
    assert done.changed.all()
    assert done.notes == ()


def test_large_layers_run_in_strips_with_the_same_result(network):
    color = picture(1500, 1400)
    shares: list[float] = []
    done = stylize(network, LayerTensors(color), ONE, shares.append)
    with torch.no_grad():
        expected = network(color[None], torch.tensor([[1.0, 0.0]]))[0]
    torch.testing.assert_close(done.color, expected, rtol=0, atol=1e-4)
    assert shares == sorted(shares)
    layers = 3 + 2 * 1 + 2 + 1
    assert len(shares) > 3 * layers  # more often than between layers


def test_strength_zero_changes_nothing_and_needs_no_network():
    color = torch.tensor([5.0, math.nan, -1.0])[:, None, None].expand(3, 4, 4)
    unusable = TransformerNetwork(TransformerSpec(styles=2, channels=(1, 1, 1)))
    done = stylize(unusable, LayerTensors(color), StylizeOptions((0.5, 0.5), strength=0.0), ignore)
    assert not done.changed.any()


def test_strength_fades_between_layer_and_pastiche(network):
    color = picture()
    full = stylize(network, LayerTensors(color), ONE, ignore).color
    half = stylize(network, LayerTensors(color), StylizeOptions((1.0, 0.0), 0.5), ignore).color
    torch.testing.assert_close(half, (color + full) / 2, rtol=0, atol=1e-6)


def test_only_the_selection_changes_and_feathers_fade(network):
    color = picture()
    mask = torch.zeros(20, 24)
    mask[4:10, 5:12] = 1.0
    mask[10, 5:12] = 0.25
    full = stylize(network, LayerTensors(color), ONE, ignore).color
    done = stylize(network, LayerTensors(color, mask=mask), ONE, ignore)
    assert torch.equal(done.changed, mask > 0)
    torch.testing.assert_close(done.color, torch.lerp(color, full, mask.expand(3, -1, -1)))


def test_transparent_pixels_neither_matter_nor_change(network):
    alpha = torch.ones(20, 24)
    alpha[:, 12:] = 0
    alpha[3, 3] = 0.5
    color = picture()
    other = torch.where(alpha > 0, color, 1 - color)
    first = stylize(network, LayerTensors(color, alpha), ONE, ignore)
    second = stylize(network, LayerTensors(other, alpha), ONE, ignore)
    assert torch.equal(first.changed, alpha > 0)
    visible = (alpha > 0).expand(3, -1, -1)
    assert torch.equal(first.color[visible], second.color[visible])


def test_a_layer_without_a_visible_pixel_stays(network):
    done = stylize(network, LayerTensors(picture(), torch.zeros(20, 24)), ONE, ignore)
    assert not done.changed.any()


def test_filling_takes_the_neighbours_colours():
    color = torch.zeros(3, 16, 16)
    color[0, :, :8] = 1.0
    color[2, :, 8:] = 1.0
    alpha = torch.ones(16, 16)
    alpha[4:12, 1:4] = 0
    filled = fill_transparent(torch.where(alpha > 0, color, 0.5), alpha)
    torch.testing.assert_close(filled, color, rtol=0, atol=0.05)
    visible = (alpha > 0).expand(3, -1, -1)
    assert torch.equal(filled[visible], color[visible])


def test_values_out_of_range_are_clamped_and_told(network):
    color = picture()
    odd = color.clone()
    odd[0, 0, 0], odd[1, 1, 1], odd[2, 2, 2] = math.nan, 7.0, -math.inf
    tame = color.clone()
    tame[0, 0, 0], tame[1, 1, 1], tame[2, 2, 2] = 0.0, 1.0, 0.0
    done = stylize(network, LayerTensors(odd), ONE, ignore)
    assert torch.equal(done.color, stylize(network, LayerTensors(tame), ONE, ignore).color)
    assert len(done.notes) == 1
    assert "NaN" in done.notes[0]
    assert torch.isnan(odd[0, 0, 0]), "the caller's tensor was changed"


def test_preserved_colours_take_only_the_luminance(network):
    color = picture() * 0.2 + 0.4
    full = stylize(network, LayerTensors(color), ONE, ignore).color
    kept = keep_colors(color, full * 0.1 + 0.45)
    torch.testing.assert_close(luminance(kept), luminance(full * 0.1 + 0.45), rtol=0, atol=1e-5)
    torch.testing.assert_close(kept - luminance(kept), color - luminance(color), rtol=0, atol=1e-5)
    options = StylizeOptions((1.0, 0.0), preserve_colors=True)
    done = stylize(network, LayerTensors(color), options, ignore)
    torch.testing.assert_close(done.color, keep_colors(color, full))


def test_stroke_size_runs_the_network_at_another_scale(network):
    color = picture(32, 32)
    larger = stylize(
        network, LayerTensors(color), StylizeOptions((1.0, 0.0), stroke_size=2), ignore
    )
    same = stylize(network, LayerTensors(color), ONE, ignore)
    assert larger.color.shape == same.color.shape
    rough = (larger.color[..., 1:] - larger.color[..., :-1]).abs().mean()
    fine = (same.color[..., 1:] - same.color[..., :-1]).abs().mean()
    assert rough < fine, "larger strokes vary less from pixel to pixel"


def test_a_mix_of_styles_lies_between_them_at_its_ends(network):
    color = picture()
    first = stylize(network, LayerTensors(color), ONE, ignore).color
    mixed = stylize(network, LayerTensors(color), StylizeOptions((0.999, 0.001)), ignore).color
    assert (first - mixed).abs().max() < 0.02
    second = stylize(network, LayerTensors(color), StylizeOptions((0.0, 1.0)), ignore).color
    other = network(color[None], torch.tensor([[0.0, 1.0]]))[0]
    torch.testing.assert_close(second, other)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 21),
    width=st.integers(1, 21),
    stroke=st.floats(0.25, 4.0),
    with_alpha=st.booleans(),
)
def test_any_size_works(network, height, width, stroke, with_alpha):
    alpha = (picture(height, width, 1)[0] > 0.5).float() if with_alpha else None
    options = StylizeOptions((0.5, 0.5), stroke_size=stroke)
    done = stylize(network, LayerTensors(picture(height, width), alpha), options, ignore)
    assert done.color.shape == (3, height, width)
    changed = done.color[done.changed.expand(3, -1, -1)]
    assert changed.isfinite().all()
    assert ((changed >= 0) & (changed <= 1)).all()


def test_preview_is_small_and_whole(network):
    alpha = torch.ones(30, 60)
    alpha[:, 30:] = 0
    color, small_alpha = preview(network, LayerTensors(picture(30, 60), alpha), ONE, 16, ignore)
    assert color.shape == (3, 8, 16)
    assert small_alpha is not None
    assert small_alpha.shape == (8, 16)
    assert small_alpha[:, :6].min() > 0.9
    assert small_alpha[:, 10:].max() < 0.1
    assert color.isfinite().all()
    enlarged, none = preview(network, LayerTensors(picture(3, 5)), ONE, 16, ignore)
    assert enlarged.shape == (3, 3, 5), "a preview never enlarges"
    assert none is None


def test_progress_rises_to_one_and_can_stop_the_work(network):
    seen: list[float] = []
    stylize(network, LayerTensors(picture()), ONE, seen.append)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)

    class StopError(Exception):
        pass

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise StopError

    with pytest.raises(StopError):
        stylize(network, LayerTensors(picture()), ONE, stop)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("mix", {"mix": ()}),
        ("mix", {"mix": (0.5, 0.4)}),
        ("mix", {"mix": (-1.0, 2.0)}),
        ("mix", {"mix": (math.nan, 1.0)}),
        ("strength", {"strength": 1.1}),
        ("strength", {"strength": math.nan}),
        ("stroke_size", {"stroke_size": 0.1}),
        ("stroke_size", {"stroke_size": math.nan}),
    ],
)
def test_options_out_of_range_are_named(field, values):
    with pytest.raises(ValueError, match=field):
        replace(StylizeOptions(mix=(1.0,)), **values)


def test_a_single_column_is_resized_as_those_of_a_wide_picture():
    column = picture(17, 1)
    for height in (33, 8):
        wide = resize(column.expand(3, 17, 4).contiguous(), (height, 4))
        torch.testing.assert_close(resize(column, (height, 1)), wide[..., :1], rtol=0, atol=1e-6)
        three = column.expand(3, 17, 3).contiguous()
        torch.testing.assert_close(resize(three, (height, 1)), wide[..., :1], rtol=0, atol=1e-6)
