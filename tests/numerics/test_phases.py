"""The phases of a resize and a convolution are the resize and the convolution."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by

from pastiche_daemon.nn.phases import PhaseConvolution
from pastiche_daemon.nn.transformer import upsample


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 7), (5, 2)])
def test_inside_they_are_the_resize_and_the_convolution(upsampling, shape):
    h, w = shape
    x, weight, bias = drawn(1, 3, h + 4, w + 4), drawn(5, 3, 3, 3), drawn(5)
    expected = F.conv2d(upsample(x, upsampling), weight, bias, padding=1)
    got = PhaseConvolution(weight, bias, upsampling)(x[..., 1:-1, 1:-1])
    torch.testing.assert_close(got, expected[..., 4:-4, 4:-4], rtol=0, atol=1e-11)


def test_half_precision_is_as_near_as_the_convolution_itself():
    x, weight = drawn(1, 16, 20, 20).float(), drawn(8, 16, 3, 3).float() / 12
    truth = F.conv2d(upsample(x, "bilinear"), weight, padding=1)[..., 4:-4, 4:-4]
    half, small = weight.bfloat16(), x.bfloat16()
    as_written = F.conv2d(upsample(small, "bilinear"), half, padding=1)[..., 4:-4, 4:-4]
    phased = PhaseConvolution(half, None, "bilinear")(small[..., 1:-1, 1:-1])
    errors = [(got.float() - truth).square().mean().sqrt() for got in (phased, as_written)]
    assert errors[0] < 1.5 * errors[1]


@pytest.mark.parametrize(("upsampling", "kernel"), [("transposed", 3), ("bilinear", 5)])
def test_what_has_no_phases_is_refused(upsampling, kernel):
    with pytest.raises(ValueError, match="no phases"):
        PhaseConvolution(drawn(2, 3, kernel, kernel), None, upsampling)
