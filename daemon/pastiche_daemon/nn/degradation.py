"""Small images from large ones, as upscaling networks are trained on."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.gradient_smoothing import gaussian_blur


def reduced(image: Tensor, factor: int, *, blur: float = 1.0, antialias: bool = True) -> Tensor:
    """Blur with a Gaussian of ``blur`` pixels, then reduce bicubically by ``factor``.

    ``image`` is N x C x H x W in 0..1, both sides multiples of ``factor``; so is the range of the
    result. Johnson et al., ECCV 2016, section 4.2, with ``blur`` 1. ``antialias`` widens the
    bicubic kernel by the factor, as programs that scale pictures down do; without it every result
    is made of 4 x 4 pixels of the blurred image. Raises ValueError for other sizes.
    """
    h, w = image.shape[-2:]
    if h % factor or w % factor:
        raise ValueError(f"{h} x {w} pixels cannot be reduced by {factor} without a rest")
    blurred = gaussian_blur(image, blur)
    small = F.interpolate(
        blurred,
        size=(h // factor, w // factor),
        mode="bicubic",
        align_corners=False,
        antialias=antialias,
    )
    return small.clamp(0, 1)
