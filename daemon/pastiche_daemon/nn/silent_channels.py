"""Leaving out an encoder's channels that hardly ever fire.

A ReLU whose input stays below zero passes no gradient, so that a channel that once fell silent in
training learns nothing more. It costs its share of the work, and before its ReLU holds large
numbers that mean nothing. Hu et al., "Network Trimming", 2016, remove channels by their average
percentage of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from pastiche_daemon.nn.channel_means import relu_channel_means
from pastiche_daemon.nn.encoder import Encoder


class TrimmedEncoder(NamedTuple):
    """The smaller encoder, and which channels of each convolution it has, in their order."""

    encoder: Encoder
    kept: dict[str, Tensor]


def drop_silent_channels(
    encoder: Encoder, batches: Iterable[Tensor], least: float = 0.01
) -> TrimmedEncoder:
    """A copy without the channels that fire at a smaller share than ``least`` of the positions.

    A layer always keeps the channel that fires the most. ``batches`` (N x 3 x H x W in 0..1) are
    read once. Raises ValueError where there are none.
    """
    shares = relu_channel_means(encoder, batches, lambda features: features > 0)
    kept = {name: _firing(share, least) for name, share in shares.items()}
    return TrimmedEncoder(_with_channels(encoder, kept), kept)


def _firing(shares: Tensor, least: float) -> Tensor:
    return torch.nonzero(shares >= min(least, shares.max().item())).flatten()


def _with_channels(encoder: Encoder, kept: dict[str, Tensor]) -> Encoder:
    widths = iter([len(kept[name]) for name in encoder.spec.convolutions])
    blocks = tuple(tuple(next(widths) for _ in block) for block in encoder.spec.blocks)
    trimmed = Encoder(replace(encoder.spec, blocks=blocks))
    trimmed.preprocess.load_state_dict(encoder.preprocess.state_dict())
    inputs = torch.arange(3)
    with torch.no_grad():
        for name in encoder.spec.convolutions:
            conv, smaller = encoder.convolution(name), trimmed.convolution(name)
            assert conv.bias is not None
            assert smaller.bias is not None
            smaller.weight.copy_(conv.weight[kept[name]][:, inputs])
            smaller.bias.copy_(conv.bias[kept[name]])
            inputs = kept[name]
    return trimmed.train(encoder.training)
