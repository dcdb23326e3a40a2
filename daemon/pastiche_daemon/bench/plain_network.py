"""The transformer network as tutorials write it: the peer that ours is measured against.

Same architecture and weights as `nn.transformer.TransformerNetwork`, for one style, in plain eager
float32 torch: default memory layout, default allocator, torch's own padding and instance norm.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork


class PlainNetwork:
    """A function from N x 3 x H x W to the same, sizes being multiples of 4."""

    def __init__(self, network: TransformerNetwork, style: int) -> None:
        self._spec = network.spec
        self._style = style
        self._state = {
            name: value.float().contiguous() for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """The pastiche of ``image``, RGB in 0..1."""
        x = F.relu(self._normed(image, "down.0"))
        x = F.relu(self._normed(x, "down.1", stride=2))
        x = F.relu(self._normed(x, "down.2", stride=2))
        for block in range(self._spec.residual_blocks):
            hidden = F.relu(self._normed(x, f"trunk.{block}.first"))
            x = x + self._normed(hidden, f"trunk.{block}.second")
        for stage in range(2):
            if self._spec.upsampling == "bilinear":
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            else:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.relu(self._normed(x, f"up.{stage}"))
        return torch.sigmoid(self._convolve(x, "last"))

    def _convolve(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight, bias = self._state[f"{name}.conv.weight"], self._state[f"{name}.conv.bias"]
        border = weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (border,) * 4, mode="reflect"), weight, bias, stride)

    def _normed(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        scale = self._state[f"{name}.norm.scale"][self._style]
        shift = self._state[f"{name}.norm.shift"][self._style]
        return F.instance_norm(self._convolve(x, f"{name}.conv", stride), weight=scale, bias=shift)
