"""How close a picture is to another one: PSNR and SSIM of luminance.

Johnson et al., ECCV 2016, section 4.2, measure both "on the Y channel after converting to the
YCbCr colorspace".
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

_PEAK = 255.0
_WINDOW, _SIGMA = 11, 1.5
_K1, _K2 = 0.01, 0.03


def luma(image: Tensor) -> Tensor:
    """Y of YCbCr, 16..235, from N x 3 x H x W in 0..1 (ITU-R BT.601); N x 1 x H x W in float64."""
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=image.device)
    return 16 + (image.double() * weights[:, None, None]).sum(1, keepdim=True)


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures with a peak of 255; infinite for equal ones."""
    error = (a.double() - b.double()).square().mean()
    return (10 * torch.log10(_PEAK**2 / error)).item()


def ssim(a: Tensor, b: Tensor) -> float:
    """Mean structural similarity of N x 1 x H x W with a peak of 255, at least 11 x 11 px.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004,
    eq. 13, with their Gaussian window of 11 px and sigma 1.5, K1 0.01 and K2 0.03, over all places
    where the window fits.
    """
    offsets = torch.arange(_WINDOW, dtype=torch.float64, device=a.device) - _WINDOW // 2
    gaussian = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    gaussian = gaussian / gaussian.sum()
    window = (gaussian[:, None] * gaussian)[None, None]
    c1, c2 = (_K1 * _PEAK) ** 2, (_K2 * _PEAK) ** 2
    x, y = a.double(), b.double()
    mean_x, mean_y = F.conv2d(x, window), F.conv2d(y, window)
    variance_x = F.conv2d(x * x, window) - mean_x**2
    variance_y = F.conv2d(y * y, window) - mean_y**2
    covariance = F.conv2d(x * y, window) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity = similarity / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
    return similarity.mean().item()
