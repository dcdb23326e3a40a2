"""Batch normalization as a norm of the transformer network.

Source: Ioffe & Szegedy, "Batch Normalization", ICML 2015, algorithms 1 and 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.norms import scale_and_shift


class BatchNorm(nn.Module):
    """Statistics of the batch in training, their running averages otherwise.

    ``z = gamma (x - mean) / std + beta`` per channel, with mean and variance over the batch and
    all positions in training mode. In evaluation mode these are averages of what training saw,
    so that every position is computed by itself. ``running_mean`` and ``running_variance`` move
    by ``momentum`` a step. One style only.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.scale = nn.Parameter(torch.ones(1, channels))
        self.shift = nn.Parameter(torch.zeros(1, channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(
        self,
        x: Tensor,
        mix: Tensor | None = None,  # noqa: ARG002 - there is at most one style
    ) -> Tensor:
        """Normalize ``x``, N x C x H x W. ``mix`` is of one style and changes nothing."""
        if not self.training:
            return scale_and_shift(x, *self.affine())
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_variance,
            self.scale[0],
            self.shift[0],
            training=True,
            momentum=self.momentum,
            eps=self.eps,
        )

    def affine(self) -> tuple[Tensor, Tensor]:
        """The norm outside of training as one factor and one offset, each 1 x C x 1 x 1."""
        factor = self.scale * torch.rsqrt(self.running_variance + self.eps)
        offset = self.shift - self.running_mean * factor
        return factor[..., None, None], offset[..., None, None]
