"""Laplacian pyramids: nothing is lost, and every level is what it should be."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.pyramid import level_shapes, merge, split


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (2, 3, 37, 90), (1, 1, 8, 500), (1, 3, 1, 1)])
def test_merging_the_levels_gives_the_image_back(shape):
    image = torch.rand(shape, dtype=torch.float64)
    before = image.clone()
    parts = split(image)
    assert [tuple(part.shape[-2:]) for part in parts] == level_shapes(shape[-2:])
    torch.testing.assert_close(merge(parts), image, rtol=0, atol=1e-14)
    assert torch.equal(image, before)


def test_levels_halve_down_to_eight():
    assert level_shapes((512, 340)) == [(512, 340), (256, 170), (128, 85), (64, 43), (32, 22)]
    assert level_shapes((40, 33)) == [(40, 33), (20, 17), (10, 9)]
    assert level_shapes((7, 900)) == [(7, 900)]


def test_flat_colour_is_in_the_rest_alone():
    *details, rest = split(torch.full((1, 3, 48, 40), 0.25, dtype=torch.float64))
    assert all(detail.abs().max() < 1e-15 for detail in details)
    torch.testing.assert_close(rest, torch.full_like(rest, 0.25))


def test_gradients_reach_every_level():
    parts = [part.requires_grad_() for part in split(torch.rand(1, 3, 32, 40, dtype=torch.float64))]
    assert torch.autograd.gradcheck(lambda *levels: merge(levels).square().mean(), parts)
