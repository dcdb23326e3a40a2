"""Style statistics against closed forms, whole kernel matrices, other losses, and gradcheck."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from pastiche_daemon.nn.losses import gram_matrix, style_loss
from pastiche_daemon.nn.style_statistics import (
    StatisticKind,
    StyleStatistic,
    mmd_squared,
    wasserstein_squared,
)

KINDS = get_args(StatisticKind)


def features(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def flat(x: Tensor) -> Tensor:
    return x[0].flatten(1).T


def loss(kind: StatisticKind, f: Tensor, s: Tensor, **options) -> Tensor:
    options.setdefault("normalization", "none")
    return StyleStatistic(kind=kind, **options).of_style(s).loss(f)


def test_gram_is_gatys_loss_with_his_divisors():
    f, s = features(1, 3, 4, 5), features(1, 3, 4, 5, seed=1)
    grams = gram_matrix(f, "none"), gram_matrix(s, "none")
    expected = style_loss(*grams, "gatys", positions=20)
    torch.testing.assert_close(
        loss("gram", f, s, normalization="gatys"), expected, rtol=1e-5, atol=0
    )


def test_gram_over_its_target_is_the_objective_of_training():
    f, s = features(1, 3, 4, 5), features(1, 3, 6, 5, seed=1)
    expected = style_loss(gram_matrix(f, "hw"), gram_matrix(s, "hw"), "target")
    torch.testing.assert_close(loss("gram", f, s, normalization="target"), expected)


def test_linear_mmd_equals_the_kernel_matrix():
    f, s = features(1, 3, 4, 5), features(1, 3, 3, 3, seed=1)
    torch.testing.assert_close(loss("mmd-linear", f, s), mmd_squared(flat(f), flat(s)))


@pytest.mark.parametrize("constant", [0.0, 0.7])
def test_polynomial_mmd_equals_the_kernel_matrix(constant):
    f, s = features(1, 3, 4, 5), features(1, 3, 3, 3, seed=1)
    both = torch.cat([flat(f), flat(s)])
    expected = mmd_squared(flat(f), flat(s), (both @ both.T + constant) ** 2)
    torch.testing.assert_close(loss("mmd-polynomial", f, s, constant=constant), expected)


def test_polynomial_mmd_of_order_2_is_the_gram_loss():
    """Li et al. 2017, section 3.3, with the Gram loss written out in loops."""
    f, s = features(1, 2, 3, 3), features(1, 2, 3, 3, seed=1)
    grams = [
        [[sum(float(x[i] * x[j]) for x in flat(m)) for j in range(2)] for i in range(2)]
        for m in (f, s)
    ]
    squared = sum((grams[0][i][j] - grams[1][i][j]) ** 2 for i in range(2) for j in range(2))
    expected = squared / (4 * 2**2 * 9**2)
    got = loss("mmd-polynomial", f, s, normalization="gatys")
    assert got.item() == pytest.approx(expected, rel=1e-5)


def test_gaussian_mmd_comes_near_the_kernel_matrix_with_many_features():
    f, s = features(1, 3, 6, 6), 0.5 * features(1, 3, 6, 6, seed=1) + 1
    variance = flat(s).var(dim=0, correction=0).sum()
    both = torch.cat([flat(f), flat(s)])
    kernel = torch.exp(-torch.cdist(both, both).square() / (2 * 2 * variance))
    expected = mmd_squared(flat(f), flat(s), kernel).item()
    got = loss("mmd-gaussian", f, s, features=8192).item()
    assert got == pytest.approx(expected, rel=0.1)
    narrow = loss("mmd-gaussian", f, s, features=8192, bandwidth=0.1).item()
    assert narrow != pytest.approx(expected, rel=0.1)


def test_moments_equal_the_equation():
    f, s = features(1, 3, 4, 5), features(1, 3, 4, 5, seed=1)
    expected = 0.0
    for c in range(3):
        mean, mean_s = f[0, c].mean().item(), s[0, c].mean().item()
        deviation = math.sqrt(((f[0, c] - mean) ** 2).mean().item())
        deviation_s = math.sqrt(((s[0, c] - mean_s) ** 2).mean().item())
        expected += (mean - mean_s) ** 2 + (deviation - deviation_s) ** 2
    assert loss("moments", f, s).item() == pytest.approx(expected, rel=1e-5)
    assert loss("moments", f, s, normalization="gatys").item() == pytest.approx(
        expected / 3, rel=1e-5
    )


def test_wasserstein_of_independent_channels_is_that_of_means_and_deviations():
    def summary(mean: list[float], deviation: list[float]) -> dict[str, Tensor]:
        deviations = torch.tensor(deviation, dtype=torch.float64)
        return {
            "mean": torch.tensor([mean], dtype=torch.float64),
            "covariance": torch.diag(deviations.square())[None],
        }

    got = wasserstein_squared(summary([1, 2], [3, 1]), summary([0, 2], [1, 4]))
    torch.testing.assert_close(got, torch.tensor([1.0 + 4 + 9], dtype=torch.float64))


def test_wasserstein_of_full_covariances_equals_the_matrix_roots():
    f, s = features(1, 3, 8, 8), features(1, 3, 8, 8, seed=1) * 2
    means = [flat(x).mean(dim=0) for x in (f, s)]
    covariances = [flat(x).T.cov(correction=0) for x in (f, s)]
    values, vectors = torch.linalg.eig(covariances[0] @ covariances[1])
    del vectors
    expected = (means[0] - means[1]).square().sum() + sum(c.trace() for c in covariances)
    expected = expected - 2 * values.real.sqrt().sum()
    torch.testing.assert_close(loss("wasserstein", f, s), expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_nearer_to_a_style_than_itself(kind):
    s = features(1, 3, 6, 6)
    assert loss(kind, s, s, normalization="target").item() == pytest.approx(0, abs=1e-6)
    assert loss(kind, s * 1.5 + 0.2, s, normalization="target").item() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_does_not_depend_on_where_things_are(kind):
    f, s = features(1, 3, 4, 6), features(1, 3, 5, 5, seed=1)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
    shuffled = f.flatten(2)[..., order].reshape(f.shape)
    torch.testing.assert_close(loss(kind, shuffled, s), loss(kind, f, s))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_0_and_1_are_a_cut(kind):
    f, s = features(1, 3, 4, 6), features(1, 3, 5, 5, seed=1)
    weights = torch.zeros(1, 1, 4, 6, dtype=torch.float64)
    weights[..., :3] = 1
    target = StyleStatistic(kind=kind).of_style(s)
    torch.testing.assert_close(target.loss(f, weights), target.loss(f[..., :3]))
    cut = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    cut[..., 2:, :] = 1
    by_weights = StyleStatistic(kind=kind).of_style(s, cut).loss(f)
    torch.testing.assert_close(
        by_weights, StyleStatistic(kind=kind).of_style(s[..., 2:, :]).loss(f)
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wasserstein"])
@pytest.mark.parametrize("normalization", ["gatys", "none", "target"])
@pytest.mark.parametrize("distance", ["l2", "l1"])
def test_gradients(kind, normalization, distance):
    f, s = features(2, 3, 3, 4).requires_grad_(), features(1, 3, 4, 4, seed=1)
    statistic = StyleStatistic(
        kind=kind, normalization=normalization, distance=distance, features=16
    )
    target = statistic.of_style(s)
    assert gradcheck(target.loss, (f,))


def test_gradients_of_wasserstein():
    f, s = features(1, 3, 4, 4).requires_grad_(), features(1, 3, 4, 4, seed=1)
    assert gradcheck(StyleStatistic(kind="wasserstein").of_style(s).loss, (f,))


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_position_has_a_gradient(kind):
    f = features(1, 3, 1, 1).requires_grad_()
    target = StyleStatistic(kind=kind).of_style(features(1, 3, 4, 4, seed=1))
    target.loss(f).backward()
    assert f.grad is not None
    assert f.grad.isfinite().all()


@pytest.mark.parametrize(
    "values",
    [
        {"constant": -1},
        {"bandwidth": 0},
        {"features": 0},
        {"kind": "wasserstein", "distance": "l1"},
    ],
)
def test_impossible_statistics_are_named(values):
    with pytest.raises(ValueError, match=list(values)[-1]):
        StyleStatistic(**values)


def test_other_channels_and_other_weights_are_refused():
    target = StyleStatistic().of_style(features(1, 3, 4, 4))
    with pytest.raises(ValueError, match="shapes differ"):
        target.loss(features(1, 4, 4, 4))
    with pytest.raises(ValueError, match="weights"):
        target.loss(features(1, 3, 4, 4), torch.ones(1, 1, 2, 2))
