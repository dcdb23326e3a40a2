"""Scaling an encoder's weights so that its layers weigh alike."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from pastiche_daemon.nn.channel_means import relu_channel_means
from pastiche_daemon.nn.encoder import Encoder


class ScaledEncoder(NamedTuple):
    """The encoder, and by how much each convolution's channels were scaled."""

    encoder: Encoder
    scales: dict[str, Tensor]


def scale_to_mean_activation(
    encoder: Encoder, batches: Iterable[Tensor], least: float = 0.01
) -> ScaledEncoder:
    """A copy whose ReLU outputs have the mean 1 in every channel over ``batches`` of images.

    Gatys et al., CVPR 2016, section 2. ReLUs and poolings without normalization let every channel
    be scaled, and the next layer's weights undo it, so that nothing else changes. Channels that
    hardly ever fire would become noise: those below ``least`` of their layer's mean are scaled as
    if they had that. A layer that never fires keeps its weights. ``batches`` (N x 3 x H x W in
    0..1) are read once. Raises ValueError where there are none.
    """
    scaled = copy.deepcopy(encoder)
    scaled.metrics.clear()  # they are of channels as they were
    means = relu_channel_means(scaled, batches, lambda features: features)
    before: Tensor | None = None
    scales: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, mean in means.items():
            conv = scaled.convolution(name)
            floor = least * mean.mean()
            scale = 1 / torch.maximum(mean, floor) if floor > 0 else torch.ones_like(mean)
            weight = conv.weight.double() * scale[:, None, None, None]
            if before is not None:
                weight = weight / before[None, :, None, None]
            conv.weight.copy_(weight)
            assert conv.bias is not None
            conv.bias.copy_(conv.bias.double() * scale)
            before = scales[name] = scale
    return ScaledEncoder(scaled, scales)
