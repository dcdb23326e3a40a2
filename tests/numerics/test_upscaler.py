"""The upscaling network: shapes, switches, what its results depend on, and the reduction."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from hypothesis import given, settings
from hypothesis import strategies as st

from pastiche_daemon.nn.degradation import reduced
from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec, enlarged
from pastiche_daemon.nn.upscaler_tiles import tile_side, tiles

SWITCHES = list(
    itertools.product(
        ("nearest", "bilinear", "transposed"),
        ("none", "batch"),
        ("reflect", "zero"),
        ("residual", "direct"),
    )
)


def random_network(spec: UpscalerSpec, seed: int = 0) -> UpscalerNetwork:
    """A network in float64 whose every weight matters, the last ones included."""
    torch.manual_seed(seed)
    network = UpscalerNetwork(spec).double().eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_variance"):
                value.uniform_(0.5, 2)
            elif not name.endswith("conv.weight"):
                value.normal_(0, 0.1)
        network.last.conv.weight.normal_(0, 0.1)
    return network.requires_grad_(requires_grad=False)


def small_spec(factor: Any = 4, **switches: Any) -> UpscalerSpec:
    doublings = factor.bit_length() - 1
    values: dict[str, Any] = {"residual_blocks": 1, "end_kernel": 3, **switches}
    return UpscalerSpec(factor=factor, channels=(4, *(3,) * doublings), **values)


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3)])
def test_every_size_becomes_factor_times_as_large(factor, size):
    network = random_network(small_spec(factor))
    result = network(torch.rand(2, 3, *size, dtype=torch.float64))
    assert result.shape == (2, 3, factor * size[0], factor * size[1])
    assert result.isfinite().all()


@pytest.mark.parametrize(("upsampling", "norm", "padding", "output"), SWITCHES)
def test_every_switch_changes_what_it_should(upsampling, norm, padding, output):
    switches = {"upsampling": upsampling, "norm": norm, "padding": padding, "output": output}
    network = random_network(small_spec(2, **switches))
    image = torch.rand(1, 3, 6, 5, dtype=torch.float64)
    result = network(image)
    assert result.shape == (1, 3, 12, 10)
    has_norm = any("running_mean" in name for name in network.state_dict())
    assert has_norm == (norm == "batch")
    other = random_network(small_spec(2, **{**switches, "output": "direct"}))
    inside = ((other(image) > 0) & (other(image) < 1)).all()
    assert inside
    if output == "residual":
        direct = torch.logit(other(image))
        assert torch.allclose(result, enlarged(image, 2) + direct, atol=1e-9)


def test_an_untrained_residual_network_is_bicubic_interpolation():
    image = torch.rand(1, 3, 9, 11)
    network = UpscalerNetwork(small_spec(4)).eval()
    expected = F.interpolate(image, scale_factor=4, mode="bicubic", align_corners=False)
    assert torch.equal(network(image), expected)


def test_batch_norm_keeps_the_running_statistics_of_training():
    spec = small_spec(2, norm="batch")
    network = UpscalerNetwork(spec).train()
    before = network.state_dict()["first.norm.running_mean"].clone()
    network(torch.rand(2, 3, 8, 8))
    assert not torch.equal(before, network.state_dict()["first.norm.running_mean"])
    assert all(value.is_floating_point() for value in network.state_dict().values())


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear", "transposed"])
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_result_depends_on_nothing_beyond_the_reach(upsampling, factor):
    """One pixel changes; only results within ``reach`` of it may change, and near ones do."""
    spec = small_spec(factor, upsampling=upsampling)
    network = random_network(spec)
    side = 2 * spec.reach + 5
    image = torch.rand(1, 3, side, side, dtype=torch.float64)
    middle = side // 2
    changed = image.clone()
    changed[..., middle, middle] += 0.5
    difference = (network(image) - network(changed)).abs().amax(dim=(0, 1))
    touched = (difference > 0).nonzero() // factor
    distance = (touched - middle).abs().max().item()
    assert 1 <= distance <= spec.reach


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    side=st.integers(4, 24),
    factor=st.sampled_from([2, 4, 8]),
    upsampling=st.sampled_from(["nearest", "bilinear", "transposed"]),
    padding=st.sampled_from(["reflect", "zero"]),
    norm=st.sampled_from(["none", "batch"]),
    seed=st.integers(0, 3),
)
def test_tiles_give_what_the_whole_image_gives(
    height, width, side, factor, upsampling, padding, norm, seed
):
    spec = small_spec(factor, upsampling=upsampling, padding=padding, norm=norm)
    network = random_network(spec, seed)
    image = torch.rand(1, 3, height, width, dtype=torch.float64)
    whole = network(image)
    tiled = torch.full_like(whole, torch.nan)
    for tile in tiles(height, width, spec, side):
        place = (
            ...,
            slice(factor * tile.top, factor * tile.bottom),
            slice(factor * tile.left, factor * tile.right),
        )
        assert tiled[place].isnan().all(), "tiles overlap"
        tiled[place] = tile.cut(network(image[..., tile.rows, tile.columns]), factor)
    assert torch.allclose(tiled, whole, atol=1e-9, rtol=0)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_what_the_network_sees_at_once_is_bounded(factor):
    spec = UpscalerSpec(factor=factor, channels=(64,) * factor.bit_length(), residual_blocks=8)
    side = tile_side(spec)
    assert side >= 16
    for tile in tiles(3000, 5000, spec):
        rows = tile.rows.stop - tile.rows.start
        columns = tile.columns.stop - tile.columns.start
        assert rows * columns * factor**2 <= 1 << 20
    assert len(tiles(side, side, spec)) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"factor": 3}, "factor must be one of 2, 4, 8, not 3"),
        ({"channels": (64, 64)}, "channels must be 3 positive widths for the factor 4"),
        ({"channels": (64, 0, 64)}, "channels"),
        ({"residual_blocks": -1}, "residual_blocks"),
        ({"end_kernel": 4}, "end_kernel must be odd"),
        ({"upsampling": "bicubic"}, "upsampling must be one of transposed, nearest, bilinear"),
        ({"norm": "instance"}, "norm must be one of none, batch"),
        ({"padding": "mirror"}, "padding"),
        ({"output": "tanh"}, "output"),
    ],
)
def test_impossible_specs_name_the_field(values, message):
    with pytest.raises(ValueError, match=message):
        UpscalerSpec(**values)


def test_reduction_is_blur_and_bicubic_interpolation():
    """Of a cosine, the blur leaves exp(-sigma^2 omega^2 / 2): the Gaussian's transform."""
    period = 24.0
    x = torch.arange(96, dtype=torch.float64)
    wave = 0.5 + 0.4 * torch.cos(2 * torch.pi * (x + 0.5) / period)
    image = wave.expand(1, 3, 96, 96).contiguous()
    sigma = 2.0
    small = reduced(image, 2, blur=sigma, antialias=False)
    left = torch.exp(torch.tensor(-((sigma * 2 * torch.pi / period) ** 2) / 2))
    centers = torch.arange(48, dtype=torch.float64) * 2 + 1
    expected = 0.5 + 0.4 * left * torch.cos(2 * torch.pi * centers / period)
    inside = slice(8, 40)
    assert torch.allclose(small[0, 0, 20, inside], expected[inside], atol=5e-3)
    sharp = reduced(image, 2, blur=0, antialias=False)
    reference = F.interpolate(image, scale_factor=0.5, mode="bicubic", align_corners=False)
    assert torch.allclose(sharp, reference.clamp(0, 1))


def test_antialiasing_keeps_fine_patterns_from_becoming_coarse_ones():
    """Stripes of 3 px are too fine for a quarter of the size: nothing of them may be left."""
    x = torch.arange(144, dtype=torch.float64)
    stripes = (0.5 + 0.5 * torch.cos(2 * torch.pi * x / 3)).expand(1, 3, 144, 144).contiguous()
    smooth = reduced(stripes, 4, blur=0, antialias=True)
    aliased = reduced(stripes, 4, blur=0, antialias=False)
    assert smooth[..., 4:-4].std() < 0.01
    assert aliased[..., 4:-4].std() > 0.1


def test_reduction_needs_multiples():
    with pytest.raises(ValueError, match="10 x 8 pixels"):
        reduced(torch.rand(1, 3, 10, 8), 4)
