"""Instance normalization with one set of scales and shifts per style.

Sources: Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization",
2016; Dumoulin et al., "A Learned Representation for Artistic Style", ICLR 2017 (eq. 5).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def instance_statistics(x: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal standard deviation of every channel of every image, each N x C x 1 x 1.

    Accumulated in float32 or better whatever the samples' type: in half precision the statistics,
    and with them the picture, would drift with the image's size.
    """
    n, c = x.shape[:2]
    # Two passes over the positions as channels-last keeps them: five times faster than var_mean.
    flat = _positions_first(x if x.dtype == torch.float64 else x.float())
    mean = flat.mean(1, keepdim=True)
    variance = (flat - mean).square_().mean(1)
    return mean.view(n, c, 1, 1), torch.rsqrt(variance + eps).view(n, c, 1, 1)


class _InstanceNormAffine(torch.autograd.Function):
    """Instance norm with a scale and shift per image, for training.

    The forward pass is the group norm kernel with one channel a group, which keeps channels-last
    and half precision; its own backward pass does neither, so this one is written out. With
    y = (x - mean) / std and the output's gradient g:

        d shift = sum g,  d scale = sum g y,  d x = scale / std (g - mean(g) - y mean(g y))
    """

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> Tensor:
        n, c, h, w = x.shape
        one, zero = torch.ones(c, dtype=scale.dtype), torch.zeros(c, dtype=scale.dtype)
        one, zero = one.to(x.device), zero.to(x.device)
        normed, _, rstd = torch.native_group_norm(x, one, zero, n, c, h * w, c, eps)
        ctx.save_for_backward(normed, scale, rstd)
        return torch.addcmul(_spread(shift, x), normed, _spread(scale, x))

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None]:
        normed, scale, rstd = ctx.saved_tensors
        positions = grad.shape[2] * grad.shape[3]
        flat, flat_normed = _positions_first(grad), _positions_first(normed)
        d_shift = flat.sum(1).to(scale.dtype)
        d_scale = (flat * flat_normed).sum(1).to(scale.dtype)
        factor = scale * rstd.to(scale.dtype)
        dx = torch.addcmul(
            _spread(-factor * d_shift / positions, grad), grad, _spread(factor, grad)
        )
        dx = torch.addcmul(dx, normed, _spread(-factor * d_scale / positions, grad))
        return dx, d_scale, d_shift, None


def _positions_first(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n, h * w, c)


def _spread(per_channel: Tensor, like: Tensor) -> Tensor:
    return per_channel.to(like.dtype)[:, :, None, None]


class ConditionalInstanceNorm(nn.Module):
    """Instance norm whose scale and shift are chosen, or mixed, per style.

    ``z = gamma_s (x - mean(x)) / std(x) + beta_s`` (Dumoulin et al., eq. 5). A mix of styles
    uses the weighted mean of their gammas and betas.
    """

    def __init__(self, channels: int, styles: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(styles, channels))
        self.shift = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Normalize ``x``, N x C x H x W, by style weights ``mix``, N x styles, rows sum to 1."""
        if torch.is_grad_enabled() and (x.requires_grad or self.scale.requires_grad):
            weights = mix.to(self.scale.dtype)
            scale, shift = weights @ self.scale, weights @ self.shift
            normed = _InstanceNormAffine.apply(x, scale, shift, self.eps)
            assert isinstance(normed, Tensor)
            return normed
        return scale_and_shift(x, *self.affine(*instance_statistics(x, self.eps), mix))

    def affine(self, mean: Tensor, rstd: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        """The norm for known statistics as one factor and one offset, each N x C x 1 x 1."""
        weights = mix.to(self.scale.dtype)
        scale, shift = (
            (weights @ per_style).to(rstd.dtype)[:, :, None, None]
            for per_style in (self.scale, self.shift)
        )
        factor = scale * rstd
        return factor, shift - mean * factor


def scale_and_shift(x: Tensor, factor: Tensor, offset: Tensor) -> Tensor:
    """``x * factor + offset``, computed in the wider type of the factor, in the type of ``x``."""
    return torch.addcmul(offset, x.to(factor.dtype), factor).to(x.dtype)
