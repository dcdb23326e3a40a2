"""Smoothing of an image's gradient, N x C x H x W, so that coarse structures grow, too."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian of ``sigma`` pixels, mirrored at the borders; 0 changes nothing."""
    if sigma == 0:
        return image
    reach = math.ceil(3 * sigma)
    for axis in (2, 3):
        radius = min(reach, image.shape[axis] - 1)
        offsets = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
        kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
        image = _convolve(image, kernel / kernel.sum(), axis)
    return image


def laplacian_normalized(gradient: Tensor, levels: int) -> Tensor:
    """Give every level of the gradient's Laplacian pyramid the same standard deviation, 1.

    Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code", 1983; used for dreams in
    TensorFlow's DeepDream notebook (Mordvintsev, 2016). The picture's size limits the ``levels``;
    a level that is flat stays so. 0 levels change nothing.
    """
    if levels == 0:
        return gradient
    shape = (gradient.shape[2], gradient.shape[3])
    if levels == 1 or min(shape) < 8:
        return _of_deviation_one(gradient)
    binomial = gradient.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    coarse = _convolve(_convolve(gradient, binomial, 2), binomial, 3)[:, :, ::2, ::2]
    fine = gradient - _enlarged(coarse, shape)
    return _of_deviation_one(fine) + _enlarged(laplacian_normalized(coarse, levels - 1), shape)


def _enlarged(image: Tensor, shape: tuple[int, int]) -> Tensor:
    return F.interpolate(image, size=shape, mode="bilinear", align_corners=False)


def _of_deviation_one(image: Tensor) -> Tensor:
    deviation = image.std()
    return image / deviation if deviation > 0 else image


def _convolve(image: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Along one axis, every channel by itself."""
    channels, reach = image.shape[1], len(kernel) // 2
    rows = axis == 2
    weight = kernel.reshape((1, 1, -1, 1) if rows else (1, 1, 1, -1))
    padding = (0, 0, reach, reach) if rows else (reach, reach, 0, 0)
    padded = F.pad(image, padding, mode="reflect")
    return F.conv2d(padded, weight.expand(channels, -1, -1, -1), groups=channels)
