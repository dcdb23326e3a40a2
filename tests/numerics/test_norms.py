"""Statistics of feature maps, of parts that are merged."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.norms import Moments, scale_and_shift


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_merged_moments_are_those_of_the_whole_even_far_from_zero(dtype):
    drawn = torch.randn(1, 3, 40, 8, generator=torch.Generator().manual_seed(0))
    x = (drawn + (40 if dtype == torch.bfloat16 else 1000)).to(dtype)
    merged = Moments()
    for start in range(0, 40, 7):
        merged.add(x[..., start : start + 7, :])
    mean, variance = merged.finish()
    wide = x.double()
    torch.testing.assert_close(mean, wide.mean((2, 3), keepdim=True), rtol=1e-6, atol=0)
    expected = wide.var((2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(variance, expected, rtol=1e-4, atol=0)


def test_without_a_part_there_are_no_moments():
    with pytest.raises(ValueError, match="no feature maps"):
        Moments().finish()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("images", [1, 2])
def test_scale_and_shift_is_computed_wide_and_rounded_once(dtype, images):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images, 3, 5, 4, generator=generator).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    wide = torch.promote_types(dtype, torch.float32)
    factor, offset = torch.rand(2, images, 3, 1, 1, generator=generator).to(wide)
    got = scale_and_shift(x, factor, offset)
    assert torch.equal(x, before)
    assert got.dtype == dtype
    # A fused multiplication and addition may round the last bit of the wide type otherwise.
    expected = x.to(wide) * factor + offset
    atol = 1e-6 if dtype == torch.float32 else 1e-12
    rtol = torch.finfo(dtype).eps
    torch.testing.assert_close(got.to(wide), expected, rtol=rtol, atol=atol)
