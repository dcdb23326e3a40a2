"""Instance normalization with one set of scales and shifts per style.

Sources: Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization",
2016; Dumoulin et al., "A Learned Representation for Artistic Style", ICLR 2017 (eq. 5).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

# What one sum in float32 counts at most: a longer one loses digits.
_PART_POSITIONS = 1 << 15


def instance_statistics(x: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal standard deviation of every channel of every image, each N x C x 1 x 1.

    Accumulated in float32 or better whatever the samples' type: in half precision the statistics,
    and with them the picture, would drift with the image's size.
    """
    found = [_image_moments(image[None]) for image in x]
    mean = torch.cat([mean for mean, _ in found])
    variance = torch.cat([variance for _, variance in found])
    dtype = torch.promote_types(x.dtype, torch.float32)
    return mean.to(dtype), torch.rsqrt(variance + eps).to(dtype)


def _image_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    merged = Moments()
    rows = max(1, _PART_POSITIONS // x.shape[-1])
    for start in range(0, x.shape[-2], rows):
        merged.add(x[..., start : start + rows, :])
    return merged.finish()


class Moments:
    """Mean and variance of every channel of one image, of parts that are merged in float64.

    Chan et al., "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._variance: Tensor | None = None

    def add(self, part: Tensor) -> None:
        """Count feature maps, 1 x C x h x w, in. Small parts are summed more accurately."""
        count = part.shape[-2] * part.shape[-1]
        mean, variance = (value.double() for value in _part_moments(part))
        if self._mean is not None and self._variance is not None:
            share = count / (self._count + count)
            delta = mean - self._mean
            mean = self._mean + delta * share
            between = delta.square() * (share * (1 - share))
            variance = torch.lerp(self._variance, variance, share) + between
        self._count, self._mean, self._variance = self._count + count, mean, variance

    def finish(self) -> tuple[Tensor, Tensor]:
        """Mean and variance, each 1 x C x 1 x 1 in float64. Raises ValueError without a part."""
        if self._mean is None or self._variance is None:
            raise ValueError("there are no feature maps")
        return self._mean[None, :, None, None], self._variance[None, :, None, None]


def _part_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the channels of 1 x C x h x w, each C, in float32 or better."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    if x.device.type == "cpu":
        # Batch norm's own kernel: two passes, summed in float32, without wider copies. What it
        # does to the running statistics is thrown away; their type is that of the result.
        unused = torch.zeros(2, x.shape[1], dtype=dtype)
        mean, variance = torch.batch_norm_update_stats(x, unused[0], unused[1], 0.0)
        return mean, variance
    flat = _positions_first(x.to(dtype))
    mean = flat.mean(1, keepdim=True)
    return mean[0, 0], (flat - mean).square_().mean(1)[0]


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
    """``x * factor + offset``, computed in the wider type of the factor, in the type of ``x``.

    ``x`` is N x C x H x W, factor and offset N or 1 x C x 1 x 1.
    """
    if x.device.type == "cpu" and factor.shape[0] == 1:
        # Batch norm's own kernel with statistics that do nothing: one pass, no wider copies.
        zero, one = torch.zeros_like(factor[0, :, 0, 0]), torch.ones_like(factor[0, :, 0, 0])
        weight, bias = factor.flatten(), offset.flatten()
        return torch.batch_norm(x, weight, bias, zero, one, False, 0.0, 0.0, False)  # noqa: FBT003
    return torch.addcmul(offset, x.to(factor.dtype), factor).to(x.dtype)
