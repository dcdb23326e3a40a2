"""Upscaling one layer: tiles, transparency, histograms, and stopping."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from hypothesis import given, settings
from hypothesis import strategies as st

from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec
from pastiche_daemon.stylize import LayerTensors
from pastiche_daemon.upscale import histogram_mapping, mapped, upscale, whole
from tests.support.tiny_upscaler import random_upscaler, tiny_architecture, tiny_upscaler_manifest


def network_of(factor: int = 4, seed: int = 0) -> UpscalerNetwork:
    manifest = tiny_upscaler_manifest(architecture=tiny_architecture(factor))
    return random_upscaler(manifest, seed)


def ignore(_: float) -> None:
    pass


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    tile=st.integers(5, 20),
    factor=st.sampled_from([2, 4, 8]),
    transparent=st.booleans(),
    matched=st.booleans(),
)
def test_tiles_give_the_whole_layers_result(height, width, tile, factor, transparent, matched):
    random = torch.Generator().manual_seed(height * 100 + width)
    color = torch.rand(3, height, width, generator=random)
    alpha = (torch.rand(height, width, generator=random) - 0.3).clamp(0, 1) if transparent else None
    layer = LayerTensors(color, alpha)
    network = network_of(factor)
    results = [
        whole(upscale(network, layer, ignore, match_histogram=matched, tile=side))
        for side in (tile, 1000)
    ]
    (tiled, tiled_alpha), (at_once, at_once_alpha) = results
    assert torch.allclose(tiled, at_once, atol=2e-3 if matched else 1e-5)
    assert tiled.shape == (3, factor * height, factor * width)
    assert (tiled_alpha is not None) == transparent
    if tiled_alpha is not None and at_once_alpha is not None:
        assert torch.allclose(tiled_alpha, at_once_alpha, atol=1e-6)
    assert tiled.min() >= 0
    assert tiled.max() <= 1


def test_an_untrained_network_gives_bicubic_interpolation():
    color = torch.rand(3, 12, 9)
    network = UpscalerNetwork(UpscalerSpec(2, (4, 4), 1, 3)).eval()
    result, _ = whole(upscale(network, LayerTensors(color), ignore))
    expected = F.interpolate(color[None], scale_factor=2, mode="bicubic", align_corners=False)
    assert torch.allclose(result, expected[0].clamp(0, 1))


def test_alpha_is_enlarged_bicubically_and_stays_opaque_and_transparent_away_from_edges():
    alpha = torch.zeros(20, 20)
    alpha[:, 10:] = 1
    layer = LayerTensors(torch.rand(3, 20, 20), alpha)
    _, large = whole(upscale(network_of(4), layer, ignore))
    assert large is not None
    assert torch.equal(large[:, :32], torch.zeros(80, 32))
    assert torch.equal(large[:, 48:], torch.ones(80, 32))
    edge = large[40, 32:48]
    assert ((edge > 0) & (edge < 1)).sum() >= 4
    expected = F.interpolate(alpha[None, None], scale_factor=4, mode="bicubic").clamp(0, 1)
    assert torch.allclose(large, expected[0, 0])


def test_nothing_bleeds_from_under_transparent_pixels():
    color = torch.full((3, 16, 16), 0.25)
    alpha = torch.ones(16, 16)
    alpha[4:12, 4:12] = 0
    results: list[torch.Tensor] = []
    for hidden in (0.0, 1.0, float("nan")):
        painted = color.clone()
        painted[:, 4:12, 4:12] = hidden
        results.append(whole(upscale(network_of(), LayerTensors(painted, alpha), ignore))[0])
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    plain = whole(upscale(network_of(), LayerTensors(color), ignore))[0]
    assert torch.allclose(results[0], plain, atol=1e-5)


def test_unusual_values_are_clamped_and_told_and_the_layer_is_left_alone():
    color = torch.tensor([[[0.5, float("nan"), -3.0, 7.0]]]).expand(3, 4, 4).clone()
    kept = color.clone()
    upscaling = upscale(network_of(2), LayerTensors(color), ignore)
    assert "clamped" in upscaling.notes[0]
    result, _ = whole(upscaling)
    assert result.isfinite().all()
    assert torch.equal(color.nan_to_num(9), kept.nan_to_num(9))


def test_a_mask_is_refused():
    layer = LayerTensors(torch.rand(3, 4, 4), mask=torch.ones(4, 4))
    with pytest.raises(ValueError, match="mask: the whole layer is upscaled"):
        upscale(network_of(), layer, ignore)


def test_the_share_grows_and_what_it_raises_stops_the_work():
    shares: list[float] = []
    layer = LayerTensors(torch.rand(3, 40, 40))
    whole(upscale(network_of(2), layer, shares.append, tile=10))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) == 17

    class Stopped(Exception):  # noqa: N818 - it is no error here
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        whole(upscale(network_of(2), layer, stop, tile=10))


def test_a_histogram_is_given_to_other_values_in_their_order():
    """Values whose distribution is a square's become uniform: the square root, by rank."""
    levels = 1024
    uniform = torch.ones(1, levels)
    position = (torch.arange(levels, dtype=torch.float64) + 0.5) / levels
    squares = torch.diff(torch.cat([torch.zeros(1), position.float()]).sqrt())[None]
    mapping = histogram_mapping(squares, uniform)
    assert torch.allclose(mapping[0], position.sqrt(), atol=3e-2)
    assert (mapping[0].diff() >= 0).all()
    values = torch.rand(1, 30, 30) ** 2
    result = mapped(values, mapping)
    assert torch.allclose(result, values.sqrt(), atol=3e-2)


def test_the_same_histogram_changes_nothing_and_an_empty_one_neither():
    counts = torch.rand(3, 256)
    identity = torch.linspace(0, 1, 256, dtype=torch.float64).expand(3, -1)
    assert torch.allclose(histogram_mapping(counts, counts), identity, atol=1e-9)
    empty = torch.zeros(3, 256)
    assert torch.allclose(histogram_mapping(counts, empty), identity)
    assert torch.allclose(histogram_mapping(empty, counts), identity)


def test_only_what_is_seen_counts_for_the_histogram():
    color = torch.full((3, 12, 12), 0.8)
    color[:, :, 6:] = 0.2
    alpha = torch.ones(12, 12)
    alpha[:, 6:] = 0
    layer = LayerTensors(color, alpha)
    network = UpscalerNetwork(UpscalerSpec(2, (4, 4), 1, 3)).eval()
    result, _ = whole(upscale(network, layer, ignore, match_histogram=True))
    assert torch.allclose(result[:, :, :8], torch.tensor(0.8), atol=1e-3)
