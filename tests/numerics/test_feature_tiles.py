"""Tiles of feature maps: what layers see, and that what counts of tiles makes up the whole."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pastiche_daemon.nn.encoder import encoder_specs
from pastiche_daemon.nn.feature_tiles import (
    feature_grid,
    least_tile,
    part_of,
    reach_of,
    stride_of,
)

SPECS = encoder_specs()
VGG19 = SPECS["vgg19"]


@pytest.mark.parametrize(
    ("layers", "reach"),
    [
        (["conv1_1"], 1),
        (["relu1_1"], 1),
        (["conv1_2"], 2),
        (["pool1"], 2),
        (["conv2_1"], 4),
        # 2 at full resolution, 2 at half, 4 at a quarter, 4 at an eighth, 1 at a sixteenth.
        (["relu5_1", "relu1_1"], 2 + 2 * 2 + 4 * 4 + 4 * 8 + 16),
        ([], 0),
    ],
)
def test_what_vgg19_sees(layers, reach):
    assert reach_of(VGG19, layers) == reach


@pytest.mark.parametrize(
    ("layer", "stride"), [("conv1_2", 1), ("relu3_4", 4), ("pool1", 2), ("pool4", 16)]
)
def test_strides(layer, stride):
    assert stride_of(layer) == stride


@given(
    st.integers(16, 700),
    st.integers(16, 700),
    st.sampled_from(list(SPECS)),
    st.sets(st.sampled_from(["relu1_1", "conv2_1", "pool3", "relu4_1", "pool4"]), min_size=1),
    st.integers(0, 200),
)
def test_what_counts_covers_every_position_once(height, width, name, layers, more):
    spec = SPECS[name]
    side = least_tile(spec, layers) + more
    grid = feature_grid(height, width, side, spec, layers)
    deepest = max(map(stride_of, layers))
    counted = {layer: torch.zeros(1, 1, *grid.shape(layer)) for layer in layers}
    for tile in grid.tiles:
        for layer, maps in counted.items():
            part_of(maps, tile, layer).add_(1)
        for span, length in zip(tile, (height, width), strict=True):
            assert span.stop - span.start <= side
            assert 0 <= span.start <= span.first < span.last <= span.stop <= length
            assert span.start % deepest == span.first % deepest == 0
            # The image's border, or as much as the layers see.
            assert span.start == 0 or span.first - span.start >= reach_of(spec, layers)
            assert span.stop == length or span.stop - span.last >= reach_of(spec, layers)
    assert all(bool((maps == 1).all()) for maps in counted.values())
    spans = sorted({tile.rows for tile in grid.tiles})
    assert all(a.last == b.first for a, b in itertools.pairwise(spans))


def test_tiles_without_room_for_anything_are_refused():
    least = least_tile(VGG19, ["relu5_1"])
    assert len(feature_grid(400, 400, least, VGG19, ["relu5_1"]).tiles) == 25**2
    with pytest.raises(ValueError, match=f"at least {least}"):
        feature_grid(400, 400, least - 1, VGG19, ["relu5_1"])
