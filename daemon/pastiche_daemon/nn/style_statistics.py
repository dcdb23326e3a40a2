"""What the style of an image is: statistics of feature maps, and how far two of them are apart.

Every statistic is a summary of fixed size over the positions of a layer's feature maps, so that a
style image is summarized once, whatever its size. Feature maps have the shape N x C x H x W; f_k
is the C-vector at position k of M.

Sources: Gatys et al., CVPR 2016 (Gram matrices); Li et al., "Demystifying Neural Style Transfer",
IJCAI 2017 (MMD kernels, BN statistics); Rahimi & Recht, "Random Features for Large-Scale Kernel
Machines", NIPS 2007; Dowson & Landau, 1982 (Wasserstein-2 distance between Gaussians).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pastiche_daemon.nn.loss_switches import Distance, StatisticKind, StatisticNormalization

Summary = dict[str, Tensor]


@dataclass(frozen=True)
class StyleStatistic:
    """One of the literature's style losses for one layer.

    ``kind``, with the mean over positions written as E:

    - ``gram``: E[f f^T], Gatys' Gram matrix divided by M;
    - ``mmd-linear``: squared MMD with k(x, y) = x.y, that is ||E f - E s||^2;
    - ``mmd-polynomial``: with k(x, y) = (x.y + ``constant``)^2; for constant 0 this is the Gram
      loss (Li et al., section 3.3);
    - ``mmd-gaussian``: with k(x, y) = exp(-||x - y||^2 / (2 sigma^2)), through ``features``
      random Fourier features drawn with ``seed``; sigma^2 is ``bandwidth`` times the mean squared
      distance between two positions of the style (Li et al., section 4.1, take it from the data);
    - ``moments``: mean and standard deviation of every channel (BN statistics, Li et al., eq. 13);
    - ``wasserstein``: squared Wasserstein-2 distance of the Gaussians with the same mean and
      covariance.

    ``distance`` l1 sums absolute instead of squared differences; not for ``wasserstein``.

    ``normalization`` of the sum of differences: ``gatys`` divides that of ``gram`` and the
    polynomial kernel by 4 C^2 (CVPR 2016, eq. 4, for images of equal size; M is divided out in
    the summary) and all others by C (Li et al., eq. 13); ``johnson`` takes the mean over the
    entries of Gram matrices divided by C M (ECCV 2016, eq. 3; the mean instead of eq. 4's norm as
    in their code and in PyTorch's examples), all others' by C; ``none`` leaves it; ``target``
    divides it by the same sum for the style against zero, so that all layers weigh alike whatever
    the encoder's scale.

    Raises ValueError, naming the field.
    """

    kind: StatisticKind = "gram"
    distance: Distance = "l2"
    normalization: StatisticNormalization = "target"
    constant: float = 0.0
    bandwidth: float = 1.0
    features: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind == "wasserstein" and self.distance != "l2":
            raise ValueError("distance: wasserstein has its own; leave it at l2")
        if not (math.isfinite(self.constant) and self.constant >= 0):
            raise ValueError(f"constant: must be at least 0, not {self.constant}")
        if not (math.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise ValueError(f"bandwidth: must be positive, not {self.bandwidth}")
        if not 1 <= self.features <= 8192:
            raise ValueError(f"features: must be in 1..8192, not {self.features}")

    def of_style(self, features: Tensor, weights: Tensor | None = None) -> StyleTarget:
        """What an image has to come near: the summary of a style's feature maps, 1 x C x H x W.

        ``weights`` (1 x 1 x H x W, at least 0) say how much each position counts.
        """
        frequencies = None
        if self.kind == "mmd-gaussian":
            _, variance = _moments(*_positions(features, weights))
            frequencies = self.frequencies_for(variance)
        summary = self.summarize(features, weights, frequencies)
        return StyleTarget(self, summary, frequencies)

    def summarize(
        self, features: Tensor, weights: Tensor | None, frequencies: Tensor | None
    ) -> Summary:
        """The statistic of feature maps; ``frequencies`` are those of the style, for its kernel."""
        x, w = _positions(features, weights)
        center = _mean(x, w).detach() if self.kind == "moments" else None
        return self.finished(self.means(x, w, frequencies, center), center)

    def means(
        self, x: Tensor, w: Tensor | None, frequencies: Tensor | None, center: Tensor | None
    ) -> Summary:
        """What `finished` makes the statistic of: means over positions, all linear in them.

        ``x`` is N x M x C, ``w`` N x M x 1 the share of every position, None for 1 / M. The means
        over parts of an image's positions therefore add up to those over all of them. ``center``,
        N x C, is near the mean, for ``moments``: any constant gives the same statistic and the
        same gradient, but a distant one costs digits.
        """
        match self.kind:
            case "gram":
                return {"gram": _second_moment(x, w)}
            case "mmd-linear":
                return {"mean": _mean(x, w)}
            case "mmd-polynomial":
                means = {"gram": _second_moment(x, w)}
                if self.constant:
                    # (x.y + c)^2 = <xx^T, yy^T> + 2 c x.y + c^2, and c^2 cancels.
                    means["mean"] = math.sqrt(2 * self.constant) * _mean(x, w)
                return means
            case "mmd-gaussian":
                assert frequencies is not None
                return {"features": _mean(_fourier_features(x, frequencies), w)}
            case "moments":
                assert center is not None
                return {"mean": _mean(x, w), "square": _mean((x - center[:, None]).square(), w)}
            case "wasserstein":
                return {"mean": _mean(x, w), "gram": _second_moment(x, w)}

    def finished(self, means: Summary, center: Tensor | None) -> Summary:
        """The statistic whose `means` over all positions these are, with the same ``center``."""
        if self.kind == "moments":
            assert center is not None
            variance = means["square"] - (means["mean"] - center).square()
            return {"mean": means["mean"], "deviation": _root(variance)}
        if self.kind == "wasserstein":
            mean = means["mean"]
            covariance = means["gram"] - mean[:, :, None] * mean[:, None, :]
            return {"mean": mean, "covariance": covariance}
        return means

    def frequencies_for(self, variance: Tensor) -> Tensor:
        """Frequencies of the Gaussian kernel, C x D/2, for a style's variance of every channel."""
        # E ||x - y||^2 of two independent positions is twice the total variance.
        squared_sigma = self.bandwidth * 2 * variance.sum()
        sigma = squared_sigma.clamp_min(torch.finfo(variance.dtype).eps).sqrt()
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randn(
            variance.shape[-1], max(1, self.features // 2), generator=generator, dtype=torch.float64
        )
        return drawn.to(variance) / sigma


@dataclass(frozen=True)
class StyleTarget:
    """The summary of a style, or of N, at one layer; `loss` compares feature maps with it."""

    statistic: StyleStatistic
    summary: Summary
    frequencies: Tensor | None = None

    @staticmethod
    def stacked(targets: Sequence[StyleTarget]) -> StyleTarget:
        """The targets of several styles, each of one, as one of them all."""
        first = targets[0]
        summary = {name: torch.cat([t.summary[name] for t in targets]) for name in first.summary}
        drawn = [target.frequencies for target in targets if target.frequencies is not None]
        return StyleTarget(first.statistic, summary, torch.stack(drawn) if drawn else None)

    def chosen(self, styles: Tensor) -> StyleTarget:
        """Of stacked targets those of the given numbers, one for each of N feature maps."""
        summary = {name: value[styles] for name, value in self.summary.items()}
        drawn = None if self.frequencies is None else self.frequencies[styles]
        return StyleTarget(self.statistic, summary, drawn)

    def loss(self, features: Tensor, weights: Tensor | None = None) -> Tensor:
        """The style loss of feature maps N x C x H x W, a scalar averaged over the batch.

        ``weights`` as in `StyleStatistic.of_style`. Raises ValueError where the channels differ.
        """
        return self.distance(self.statistic.summarize(features, weights, self.frequencies))

    def distance(self, found: Summary) -> Tensor:
        """The style loss of a summary of feature maps, a scalar averaged over the batch.

        Raises ValueError where the channels differ.
        """
        statistic = self.statistic
        for name, value in found.items():
            if value.shape[1:] != self.summary[name].shape[1:]:
                raise ValueError(
                    f"shapes differ: {tuple(value.shape)} and {tuple(self.summary[name].shape)}"
                )
        if statistic.kind == "wasserstein":
            error = wasserstein_squared(found, self.summary)
        else:
            error = _difference(found, self.summary, statistic.distance)
        return (error / self._divisor(self.channels)).mean()

    @property
    def channels(self) -> int:
        """The channels of the feature maps that were summarized."""
        if self.frequencies is not None:
            return self.frequencies.shape[-2]
        return next(iter(self.summary.values())).shape[1]

    def _divisor(self, channels: int) -> Tensor | float:
        statistic = self.statistic
        if statistic.normalization == "none":
            return 1.0
        quadratic = statistic.kind in {"gram", "mmd-polynomial"}
        if statistic.normalization == "gatys":
            return 4.0 * channels**2 if quadratic else float(channels)
        if statistic.normalization == "johnson":
            # C^2 entries, each divided by C before it is compared.
            power = (4 if statistic.distance == "l2" else 3) if quadratic else 1
            return float(channels) ** power
        if statistic.kind == "wasserstein":
            # E ||s||^2, the squared distance from a point at zero.
            mean, covariance = self.summary["mean"], self.summary["covariance"]
            size = mean.square().sum(-1) + covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
        else:
            nothing = {name: torch.zeros_like(value) for name, value in self.summary.items()}
            size = _difference(self.summary, nothing, statistic.distance)
        return size.clamp_min(torch.finfo(size.dtype).tiny)


def wasserstein_squared(a: Summary, b: Summary) -> Tensor:
    """Squared Wasserstein-2 distance of Gaussians, one for each of N.

    ||m_a - m_b||^2 + tr(C_a + C_b - 2 (C_b^(1/2) C_a C_b^(1/2))^(1/2)) with ``mean`` N x C and
    ``covariance`` N x C x C. Gradients flow to ``a`` through the eigenvalues alone, which is
    stable where eigenvalues coincide.
    """
    means = (a["mean"] - b["mean"]).square().sum(-1)
    trace_a, trace_b = (
        summary["covariance"].diagonal(dim1=-2, dim2=-1).sum(-1) for summary in (a, b)
    )
    values, vectors = torch.linalg.eigh(b["covariance"].detach())
    root = (vectors * values.clamp_min(0).sqrt()[..., None, :]) @ vectors.mT
    inner = root @ a["covariance"] @ root
    eigenvalues = torch.linalg.eigvalsh((inner + inner.mT) / 2)
    cross = _root(eigenvalues).sum(-1)
    return means + trace_a + trace_b - 2 * cross


def mmd_squared(x: Tensor, y: Tensor, kernel: Tensor | None = None) -> Tensor:
    """Squared maximum mean discrepancy of a whole kernel matrix, a scalar.

    Gretton et al., JMLR 2012, eq. 5 (the biased estimate): mean k(x, x) + mean k(y, y) - 2 mean
    k(x, y). ``x`` is P x C, ``y`` is Q x C; ``kernel`` is the matrix of k over [x; y], (P+Q)^2, by
    default that of k(x, y) = x.y. For checks: its size grows with the square of the positions.
    """
    p = x.shape[0]
    both = torch.cat([x, y])
    k = both @ both.T if kernel is None else kernel
    return k[:p, :p].mean() + k[p:, p:].mean() - 2 * k[:p, p:].mean()


def positions_of(features: Tensor) -> Tensor:
    """Feature maps N x C x H x W as N x M x C, M = H W."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def shares_of(weights: Tensor) -> Tensor:
    """Weights N x 1 x H x W, at least 0, divided by their sum; zeros where that is 0."""
    total = weights.sum(dim=(1, 2, 3), keepdim=True)
    return weights / total.clamp_min(torch.finfo(weights.dtype).tiny)


def _positions(features: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Feature maps as N x M x C, and the share of every position, N x M x 1, summing to 1."""
    x = positions_of(features)
    if weights is None:
        return x, None
    if weights.shape[-2:] != features.shape[-2:]:
        raise ValueError(
            f"weights: are {tuple(weights.shape[-2:])}, the feature maps "
            f"{tuple(features.shape[-2:])}"
        )
    return x, shares_of(weights.to(x)).flatten(1)[..., None]


def _mean(x: Tensor, w: Tensor | None) -> Tensor:
    return x.mean(dim=1) if w is None else (x * w).sum(dim=1)


def _second_moment(x: Tensor, w: Tensor | None) -> Tensor:
    return x.mT @ x / x.shape[1] if w is None else x.mT @ (x * w)


def _moments(x: Tensor, w: Tensor | None) -> tuple[Tensor, Tensor]:
    mean = _mean(x, w)
    return mean, _mean((x - mean[:, None]).square(), w)


def _fourier_features(x: Tensor, frequencies: Tensor) -> Tensor:
    """Features whose inner product estimates the kernel (Rahimi & Recht, algorithm 1)."""
    angles = x @ frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1) / math.sqrt(frequencies.shape[-1])


def _root(x: Tensor) -> Tensor:
    """A square root of what is at least 0, whose slope at zero is finite."""
    return (x.clamp_min(0) + torch.finfo(x.dtype).eps).sqrt()


def _difference(a: Summary, b: Summary, distance: Distance) -> Tensor:
    """Sum of squared or absolute differences, one for each of N."""
    terms = [
        (value - b[name]).square() if distance == "l2" else (value - b[name]).abs()
        for name, value in a.items()
    ]
    return torch.stack([term.flatten(1).sum(dim=1) for term in terms]).sum(dim=0)
