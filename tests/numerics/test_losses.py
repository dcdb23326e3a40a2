"""Losses against closed forms, the papers' equations in float64 loops, and gradcheck."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from pastiche_daemon.nn.losses import (
    content_loss,
    gram_matrix,
    grid_pattern,
    style_loss,
    total_variation,
)


def features(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def gram_by_loops(f: Tensor) -> Tensor:
    """Gatys CVPR 2016, eq. 3: G_ij = sum_k F_ik F_jk."""
    c, h, w = f.shape
    flat = f.reshape(c, h * w)
    gram = torch.zeros(c, c, dtype=torch.float64)
    for i in range(c):
        for j in range(c):
            gram[i, j] = sum(float(flat[i, k]) * float(flat[j, k]) for k in range(h * w))
    return gram


@pytest.mark.parametrize(("normalization", "divisor"), [("none", 1), ("hw", 20), ("chw", 60)])
def test_gram_equals_the_equation(normalization, divisor):
    f = features(2, 3, 4, 5)
    got = gram_matrix(f, normalization)
    for n in range(2):
        torch.testing.assert_close(got[n], gram_by_loops(f[n]) / divisor, rtol=1e-5, atol=0)


def test_gram_of_constant_maps_is_the_outer_product():
    levels = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    f = levels[None, :, None, None].expand(1, 3, 7, 9)
    torch.testing.assert_close(gram_matrix(f, "hw")[0], torch.outer(levels, levels))


def test_gram_does_not_depend_on_the_memory_format():
    f = features(1, 4, 6, 6)
    torch.testing.assert_close(
        gram_matrix(f.contiguous(memory_format=torch.channels_last)), gram_matrix(f)
    )


def test_content_loss_equals_the_equations():
    f, p = features(1, 3, 4, 5), features(1, 3, 4, 5, seed=1)
    pairs = zip(f.flatten().tolist(), p.flatten().tolist(), strict=True)
    total = sum((a - b) ** 2 for a, b in pairs)
    assert content_loss(f, p, "gatys").item() == pytest.approx(total / 2, rel=1e-5)
    assert content_loss(f, p, "johnson").item() == pytest.approx(total / 60, rel=1e-5)
    absolute = sum(
        abs(a - b) for a, b in zip(f.flatten().tolist(), p.flatten().tolist(), strict=True)
    )
    assert content_loss(f, p, "gatys", "l1").item() == pytest.approx(absolute / 2, rel=1e-5)
    assert content_loss(f, p, "johnson", "l1").item() == pytest.approx(absolute / 60, rel=1e-5)


@pytest.mark.parametrize(("distance", "power"), [("l2", 2), ("l1", 1)])
def test_content_loss_relative_to_the_target_is_the_batchs_mean(distance, power):
    f, p = features(2, 3, 4, 5), features(2, 3, 4, 5, seed=1)
    shares: list[float] = []
    for image in range(2):
        pairs = list(zip(f[image].flatten().tolist(), p[image].flatten().tolist(), strict=True))
        error = sum(abs(a - b) ** power for a, b in pairs)
        shares.append(error / sum(abs(b) ** power for _, b in pairs))
    found = content_loss(f, p, "target", distance)
    assert found.item() == pytest.approx(sum(shares) / 2, rel=1e-5)
    # The encoder's scale is nothing to it; a target of nothing is none to divide by.
    torch.testing.assert_close(content_loss(7 * f, 7 * p, "target", distance), found)
    nothing = torch.zeros_like(p)
    assert content_loss(nothing, nothing, "target", distance).item() == 0


def test_content_gradient_is_the_papers():
    """Gatys CVPR 2016, eq. 2, before the ReLU's mask: dL/dF = F - P."""
    f = features(1, 2, 3, 4).requires_grad_()
    p = features(1, 2, 3, 4, seed=1)
    content_loss(f, p, "gatys").backward()
    torch.testing.assert_close(f.grad, f.detach() - p)


def test_style_loss_equals_gatys_equation_4():
    f, a = features(1, 3, 4, 5), features(1, 3, 4, 5, seed=1)
    g, target = gram_by_loops(f[0]), gram_by_loops(a[0])
    expected = sum(
        (float(g[i, j]) - float(target[i, j])) ** 2 for i in range(3) for j in range(3)
    ) / (4 * 3**2 * 20**2)
    got = style_loss(gram_matrix(f, "none"), gram_matrix(a, "none"), "gatys", positions=20)
    assert got.item() == pytest.approx(expected, rel=1e-5)


def test_style_gradient_is_the_papers():
    """Gatys CVPR 2016, eq. 6: dE/dF = F^T (G - A) / (N^2 M^2), for any F without the mask."""
    f = features(1, 3, 4, 5).requires_grad_()
    target = gram_matrix(features(1, 3, 4, 5, seed=1), "none")
    style_loss(gram_matrix(f, "none"), target, "gatys", positions=20).backward()
    flat = f.detach().reshape(3, 20)
    expected = (gram_matrix(f.detach(), "none")[0] - target[0]) @ flat / (3**2 * 20**2)
    assert f.grad is not None
    torch.testing.assert_close(f.grad.reshape(3, 20), expected)


def test_style_loss_equals_johnson_equation_4():
    f, a = features(2, 3, 4, 5), features(2, 3, 4, 5, seed=1)
    expected = [
        ((gram_by_loops(f[n]) - gram_by_loops(a[n])) / 60).pow(2).sum().item() for n in range(2)
    ]
    got = style_loss(gram_matrix(f, "chw"), gram_matrix(a, "chw"), "johnson")
    assert got.item() == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_target_normalized_style_loss_is_one_for_nothing_and_zero_for_the_style():
    target = gram_matrix(features(1, 3, 4, 5), "hw")
    assert style_loss(torch.zeros_like(target), target, "target").item() == pytest.approx(1)
    assert style_loss(target, target, "target").item() == 0
    assert style_loss(2 * target, target, "target").item() == pytest.approx(1)


def test_total_variation_of_a_checkerboard():
    """Every neighbour differs by 1: h (w-1) + (h-1) w differences."""
    h, w = 6, 8
    board = (torch.arange(h)[:, None] + torch.arange(w)) % 2
    image = board[None, None].double()
    anisotropic = total_variation(image, 1.0) * image.numel()
    assert anisotropic.item() == h * (w - 1) + (h - 1) * w
    assert (total_variation(image, 2.0) * image.numel()).item() == 2 * (h - 1) * (w - 1)
    root = total_variation(image, 1.001) * image.numel()
    assert root.item() == pytest.approx(math.sqrt(2) * (h - 1) * (w - 1), rel=1e-2)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0, 3.0])
def test_total_variation_equals_the_equation(exponent):
    image = features(1, 2, 4, 5)
    total = 0.0
    for c in range(2):
        for y in range(4):
            for x in range(5):
                v = image[0, c, y, x].item()
                dx = image[0, c, y, x + 1].item() - v if x < 4 else None
                dy = image[0, c, y + 1, x].item() - v if y < 3 else None
                if exponent == 1.0:
                    total += abs(dx or 0.0) + abs(dy or 0.0)
                elif dx is not None and dy is not None:
                    total += (dx * dx + dy * dy) ** (exponent / 2)
    assert total_variation(image, exponent).item() == pytest.approx(total / 40, rel=1e-5)


def test_content_and_variation_losses_pass_gradcheck():
    f, p = features(2, 3, 4, 5).requires_grad_(), features(2, 3, 4, 5, seed=1)
    assert gradcheck(lambda x: content_loss(x, p, "gatys"), (f,))
    assert gradcheck(lambda x: content_loss(x, p, "johnson"), (f,))
    assert gradcheck(lambda x: content_loss(x, p, "target"), (f,))
    for exponent in (1.0, 1.5, 2.0, 3.0):
        assert gradcheck(lambda x, e=exponent: total_variation(x, e), (f,))


@pytest.mark.parametrize("normalization", ["gatys", "johnson", "target"])
def test_style_losses_pass_gradcheck(normalization):
    f, p = features(2, 3, 4, 5).requires_grad_(), features(2, 3, 4, 5, seed=1)
    target = gram_matrix(p, "hw")
    assert gradcheck(lambda x: style_loss(gram_matrix(x, "hw"), target, normalization, 20), (f,))


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        content_loss(features(1, 3, 4, 5), features(1, 3, 4, 4))
    with pytest.raises(ValueError, match="shapes differ"):
        style_loss(torch.zeros(1, 2, 2), torch.zeros(1, 3, 3))
    with pytest.raises(ValueError, match="positions"):
        style_loss(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), positions=0)


def test_inputs_are_not_changed():
    f, p = features(1, 3, 4, 5), features(1, 3, 4, 5, seed=1)
    before = f.clone()
    content_loss(f, p)
    gram_matrix(f)
    total_variation(f)
    assert torch.equal(f, before)


def test_a_pattern_of_the_period_is_measured_and_others_are_not():
    """A checkerboard of 0 and 1 with one of 4 x 4 phases lit has the variance 1/16 - 1/256."""
    lit = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    lit[..., ::4, ::4] = 1
    assert grid_pattern(lit).item() == pytest.approx(1 / 16 - 1 / 256)
    assert grid_pattern(lit.roll((1, 2), (2, 3))).item() == pytest.approx(1 / 16 - 1 / 256)
    assert grid_pattern(torch.full((1, 1, 64, 64), 0.3)).item() == pytest.approx(0, abs=1e-12)
    stripes = torch.zeros(1, 1, 60, 60, dtype=torch.float64)
    stripes[..., ::5] = 1
    assert grid_pattern(stripes, repeats=5).item() == pytest.approx(0, abs=1e-12)
    assert grid_pattern(features(1, 1, 64, 64)).item() < 0.05
    assert grid_pattern(torch.rand(1, 3, 31, 64)).item() == 0
    assert gradcheck(grid_pattern, (features(1, 2, 32, 32).requires_grad_(),))
