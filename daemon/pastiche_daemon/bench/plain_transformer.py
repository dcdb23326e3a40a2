"""The transformer network of pytorch/examples' ``fast_neural_style``, in torch's own layers.

The peer that training is measured against, and the reference of the importers. Its parameters have
the names of the published state dicts.
"""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn


class _Layer(nn.Module):
    """Nearest upsampling, if any, reflection padding, and a convolution."""

    def __init__(self, width: int, out: int, kernel: int, stride: int = 1, grow: int = 1) -> None:
        super().__init__()
        self._grow = grow
        self._pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(width, out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        if self._grow > 1:
            x = F.interpolate(x, scale_factor=float(self._grow), mode="nearest")
        return self.conv2d(self._pad(x))


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Layer(width, width, 3), _Layer(width, width, 3)
        self.in1, self.in2 = (nn.InstanceNorm2d(width, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


class PlainTransformer(nn.Module):
    """From N x 3 x H x W, RGB in 0..255, to the same, unclamped."""

    def __init__(self, full: int = 32, half: int = 64, quarter: int = 128) -> None:
        super().__init__()
        self.conv1, self.in1 = _Layer(3, full, 9), nn.InstanceNorm2d(full, affine=True)
        self.conv2, self.in2 = _Layer(full, half, 3, 2), nn.InstanceNorm2d(half, affine=True)
        self.conv3, self.in3 = _Layer(half, quarter, 3, 2), nn.InstanceNorm2d(quarter, affine=True)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (_Block(quarter) for _ in range(5))
        self.deconv1 = _Layer(quarter, half, 3, grow=2)
        self.in4 = nn.InstanceNorm2d(half, affine=True)
        self.deconv2 = _Layer(half, full, 3, grow=2)
        self.in5 = nn.InstanceNorm2d(full, affine=True)
        self.deconv3 = _Layer(full, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.in1(self.conv1(x)))
        x = F.relu(self.in2(self.conv2(x)))
        x = F.relu(self.in3(self.conv3(x)))
        for block in (self.res1, self.res2, self.res3, self.res4, self.res5):
            x = block(x)
        x = F.relu(self.in4(self.deconv1(x)))
        x = F.relu(self.in5(self.deconv2(x)))
        return self.deconv3(x)
