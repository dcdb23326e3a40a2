"""The transformer network as tutorials write it: the peer that ours is measured against.

Same architecture and weights as `nn.transformer.TransformerNetwork`, for one style, in plain eager
torch: float32, default memory layout, default allocator, torch's own padding and norms.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork


class PlainNetwork:
    """A function from N x 3 x H x W to the same, sizes being multiples of 4."""

    def __init__(
        self, network: TransformerNetwork, style: int, dtype: torch.dtype = torch.float32
    ) -> None:
        """``dtype`` is that of all but the picture; a narrow one is laid out channels-last."""
        self._spec = network.spec
        self._style = style
        self._dtype = dtype
        self._state = {
            name: value.to(dtype).contiguous() for name, value in network.state_dict().items()
        }
        if dtype != torch.float32:
            for name, value in self._state.items():
                if name.endswith("conv.weight"):
                    self._state[name] = value.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """The pastiche of ``image``, RGB in 0..1."""
        spec = self._spec
        x = (image * 255 if spec.value_range == "0..255" else image).to(self._dtype)
        x = F.relu(self._normed(x, "down.0"))
        x = F.relu(self._normed(x, "down.1", stride=2))
        x = F.relu(self._normed(x, "down.2", stride=2))
        for block in range(spec.residual_blocks):
            hidden = F.relu(self._normed(x, f"trunk.{block}.first"))
            x = x + self._normed(hidden, f"trunk.{block}.second")
        for stage in range(2):
            if spec.upsampling == "bilinear":
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            elif spec.upsampling == "nearest":
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.relu(self._normed(x, f"up.{stage}"))
        x = self._convolve(x, "last")
        if spec.output == "sigmoid":
            return torch.sigmoid(x)
        if spec.output == "tanh":
            return 0.5 + 0.5 * torch.tanh(x)
        return torch.clamp(x / 255 if spec.value_range == "0..255" else x, 0, 1)

    def _convolve(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight, bias = self._state[f"{name}.conv.weight"], self._state[f"{name}.conv.bias"]
        if self._spec.upsampling == "transposed" and name.startswith("up."):
            return F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        border = weight.shape[-1] // 2
        if self._spec.padding == "zero":
            return F.conv2d(x, weight, bias, stride, border)
        return F.conv2d(F.pad(x, (border,) * 4, mode="reflect"), weight, bias, stride)

    def _normed(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        x = self._convolve(x, f"{name}.conv", stride)
        scale = self._state[f"{name}.norm.scale"][self._style]
        shift = self._state[f"{name}.norm.shift"][self._style]
        if self._spec.norm == "batch":
            mean = self._state[f"{name}.norm.running_mean"]
            variance = self._state[f"{name}.norm.running_variance"]
            return F.batch_norm(x, mean, variance, scale, shift)
        return F.instance_norm(x, weight=scale, bias=shift)
