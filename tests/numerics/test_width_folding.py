"""A convolution of folded columns is the convolution."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from hypothesis import given, settings
from hypothesis import strategies as st

from pastiche_daemon.nn import width_folding
from pastiche_daemon.nn.width_folding import conv2d, fold_weight


def drawn(*shape: int) -> torch.Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return made.contiguous(memory_format=torch.channels_last)


@settings(deadline=None, max_examples=60)
@given(
    images=st.integers(1, 2),
    channels=st.integers(1, 5),
    out=st.integers(1, 5),
    height=st.integers(9, 14),
    width=st.integers(9, 25),
    kernel=st.sampled_from([1, 3, 5, 9]),
    has_bias=st.booleans(),
)
def test_it_equals_the_convolution(images, channels, out, height, width, kernel, has_bias):
    x, weight = drawn(images, channels, height, width), drawn(out, channels, kernel, kernel)
    bias = torch.arange(out, dtype=torch.float64) if has_bias else None
    torch.testing.assert_close(
        conv2d(x, weight, bias), F.conv2d(x, weight, bias), rtol=0, atol=1e-11
    )


def test_the_last_convolution_of_a_network_is_folded(monkeypatch):
    kernels: list[tuple[int, ...]] = []
    plain = F.conv2d

    def watched(x, weight, bias, **values):
        kernels.append(tuple(weight.shape))
        return plain(x, weight, bias, **values)

    monkeypatch.setattr(width_folding.F, "conv2d", watched)
    conv2d(drawn(1, 16, 20, 24), drawn(3, 16, 9, 9), None)
    assert kernels == [(12, 64, 9, 3)]


@pytest.mark.parametrize("stride", [1, 2])
def test_other_layouts_and_strides_are_left_alone(stride):
    x, weight = drawn(1, 4, 20, 24).contiguous(), drawn(3, 4, 9, 9)
    expected = F.conv2d(x, weight, stride=stride)
    assert torch.equal(conv2d(x, weight, None, stride), expected)


def test_gradients_pass_through_it():
    x = drawn(1, 2, 10, 12).requires_grad_()
    weight = drawn(3, 2, 5, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: conv2d(x, w, None), (x, weight))


def test_a_folded_kernel_holds_every_weight_four_times():
    weight = drawn(3, 2, 9, 9)
    folded = fold_weight(weight)
    assert folded.shape == (12, 8, 9, 3)
    torch.testing.assert_close(folded.sum(), 4 * weight.sum())
    assert int((folded != 0).sum()) == 4 * weight.numel()
