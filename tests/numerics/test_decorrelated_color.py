"""Colours in axes of their own."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import torch
from torch.autograd import gradcheck

from pastiche_daemon.nn.decorrelated_color import correlate, decorrelate


def test_one_undoes_the_other_and_grey_is_lightness_for_the_most_part():
    image = torch.rand(2, 3, 5, 4, dtype=torch.float64)
    torch.testing.assert_close(correlate(decorrelate(image)), image)
    torch.testing.assert_close(decorrelate(correlate(image)), image)
    grey = decorrelate(torch.ones(1, 3, 1, 1, dtype=torch.float64)).flatten()
    # Within the few per cent that the published axes allow.
    assert grey[1:].abs().max() < 0.5 * grey[0]


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_vary_about_alike_along_every_axis(name):
    pixels = np.asarray(getattr(skimage.data, name)())[None] / 255
    image = torch.from_numpy(pixels).permute(0, 3, 1, 2)

    def spread(values: torch.Tensor) -> float:
        """The largest over the smallest standard deviation of a photograph's whole colours."""
        roots = torch.linalg.eigvalsh(torch.cov(values[0].flatten(1))).sqrt()
        return (roots.max() / roots.min()).item()

    assert spread(decorrelate(image)) < 0.6 * spread(image)


def test_it_is_differentiable():
    assert gradcheck(correlate, (torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True),))
