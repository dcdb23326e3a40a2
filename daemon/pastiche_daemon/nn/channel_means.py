"""What the channels of an encoder do on average over images."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder


def relu_channel_means(
    encoder: Encoder, batches: Iterable[Tensor], statistic: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """The mean of a statistic in every channel behind the ReLUs, by the convolution's name.

    ``statistic`` maps feature maps (N x C x H x W) to values of their shape. ``batches``
    (N x 3 x H x W in 0..1) are read once, and weigh alike. The means have C values in float64.
    Raises ValueError where there are no batches.
    """
    names = encoder.spec.convolutions
    sums: dict[str, Tensor] = {}
    count = 0
    with torch.no_grad():
        for batch in batches:
            count += 1
            features = encoder(batch, [f"relu{name[4:]}" for name in names])
            for name in names:
                mean = statistic(features[f"relu{name[4:]}"]).double().mean(dim=(0, 2, 3))
                sums[name] = sums.get(name, torch.zeros_like(mean)) + mean
    if not count:
        raise ValueError("no images to see what the channels do")
    return {name: total / count for name, total in sums.items()}
