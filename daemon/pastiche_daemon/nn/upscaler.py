"""The upscaling network: one forward pass from a small photograph to one of f times its size.

Sources: Johnson et al., ECCV 2016, section 4.2, and its supplement, table 2 (everything at the low
resolution, then log2(f) upsamplings; residual blocks without a ReLU after the sum; 9x9 convolutions
at the ends); Odena et al., "Deconvolution and Checkerboard Artifacts", 2016 (resize, then
convolve); Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR
Workshops 2017 (no norm); Kim et al., "Accurate Image Super-Resolution Using Very Deep
Convolutional Networks", CVPR 2016 (the output as a residual on bicubic interpolation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.transformer import reflect_pad, upsample
from pastiche_daemon.nn.upscaler_switches import Factor, Norm, Output, Padding, Upsampling

FACTORS: tuple[int, ...] = get_args(Factor)

_CHOICES = {
    "factor": FACTORS,
    "upsampling": get_args(Upsampling),
    "norm": get_args(Norm),
    "padding": get_args(Padding),
    "output": get_args(Output),
}

# Bicubic interpolation reads two samples on each side.
_BICUBIC_REACH = 2


@dataclass(frozen=True)
class UpscalerSpec:
    """Hyperparameters of an upscaling network; a pack declares them, nothing is guessed.

    ``channels`` are the widths at the low resolution and after each of the log2(``factor``)
    doublings (Johnson: 64 everywhere). ``upsampling`` is a resize before a 3x3 convolution, or a
    ``transposed`` 3x3 convolution of stride 2 (Johnson). ``norm`` follows every convolution but
    the last: ``batch`` (Johnson) or ``none`` (Lim et al.). ``output``: a ``residual`` on bicubic
    interpolation (Kim et al.), or ``direct``, through a sigmoid. Raises ValueError, naming the
    field.
    """

    factor: Factor = 4
    channels: tuple[int, ...] = (64, 64, 64)
    residual_blocks: int = 4
    end_kernel: int = 9
    upsampling: Upsampling = "bilinear"
    norm: Norm = "none"
    padding: Padding = "reflect"
    output: Output = "residual"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                known = ", ".join(str(choice) for choice in choices)
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}")
        if len(self.channels) != 1 + self.doublings or min(self.channels) < 1:
            raise ValueError(
                f"channels must be {1 + self.doublings} positive widths for the factor "
                f"{self.factor}, not {self.channels}"
            )
        if self.residual_blocks < 0:
            raise ValueError(f"residual_blocks must not be negative, not {self.residual_blocks}")
        if self.end_kernel < 1 or self.end_kernel % 2 == 0:
            raise ValueError(f"end_kernel must be odd and positive, not {self.end_kernel}")

    @property
    def doublings(self) -> int:
        """log2(``factor``)."""
        return self.factor.bit_length() - 1

    @property
    def reach(self) -> int:
        """How many pixels of the low-resolution image around a pixel its result depends on."""
        border = self.end_kernel // 2
        reach = border + 2.0 * self.residual_blocks
        for doubling in range(self.doublings):
            reach += (1 + 0.5) / 2**doubling  # interpolating, then a 3x3 convolution
        reach += border / self.factor
        # The result's pixels stand at most one pixel beside those that they are made of.
        return max(math.ceil(reach), _BICUBIC_REACH) + 1


class _Convolution(nn.Module):
    """A padded convolution and its norm; any activation is the caller's."""

    def __init__(
        self, width: int, out: int, kernel: int, spec: UpscalerSpec, *, last: bool
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel)
        self.norm = BatchNorm(out) if spec.norm == "batch" and not last else nn.Identity()
        self.border = kernel // 2
        self.reflect = spec.padding == "reflect"

    def forward(self, x: Tensor) -> Tensor:
        if self.reflect:
            return self.norm(self.conv(reflect_pad(x, self.border)))
        return self.norm(F.conv2d(x, self.conv.weight, self.conv.bias, padding=self.border))


class _ResidualBlock(nn.Module):
    """Two convolutions and the identity, without a ReLU after the sum."""

    def __init__(self, spec: UpscalerSpec) -> None:
        super().__init__()
        width = spec.channels[0]
        self.first = _Convolution(width, width, 3, spec, last=False)
        self.second = _Convolution(width, width, 3, spec, last=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class _Doubling(nn.Module):
    """Twice the size: a resize and a convolution, or a transposed convolution; with its norm."""

    def __init__(self, width: int, out: int, spec: UpscalerSpec) -> None:
        super().__init__()
        self.upsampling: Upsampling = spec.upsampling
        if spec.upsampling == "transposed":
            self.conv = nn.ConvTranspose2d(width, out, 3, 2, padding=1, output_padding=1)
            self.norm = BatchNorm(out) if spec.norm == "batch" else nn.Identity()
        else:
            self.resized = _Convolution(width, out, 3, spec, last=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.upsampling == "transposed":
            return self.norm(self.conv(x))
        return self.resized(upsample(x, self.upsampling))


class UpscalerNetwork(nn.Module):
    """Johnson et al.'s super-resolution network, with the literature's switches in its spec."""

    def __init__(self, spec: UpscalerSpec) -> None:
        super().__init__()
        self.spec = spec
        self.first = _Convolution(3, spec.channels[0], spec.end_kernel, spec, last=False)
        self.trunk = nn.Sequential(*(_ResidualBlock(spec) for _ in range(spec.residual_blocks)))
        self.up = nn.ModuleList(
            _Doubling(width, out, spec)
            for width, out in zip(spec.channels, spec.channels[1:], strict=False)
        )
        self.last = _Convolution(spec.channels[-1], 3, spec.end_kernel, spec, last=True)
        if spec.output == "residual":
            # An untrained network is bicubic interpolation.
            nn.init.zeros_(self.last.conv.weight)
            assert self.last.conv.bias is not None
            nn.init.zeros_(self.last.conv.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Upscale ``image``, N x 3 x H x W, RGB in 0..1, to N x 3 x f H x f W.

        The image and the result are float32 or float64, whatever the convolutions run in. The
        result of ``residual`` networks may leave 0..1 a little: clamp it.
        """
        x = F.relu(self.first(image.to(self.first.conv.weight.dtype)))
        x = self.trunk(x)
        for layer in self.up:
            x = F.relu(layer(x))
        x = self.last(x).to(image.dtype)
        if self.spec.output == "direct":
            return torch.sigmoid(x)
        return enlarged(image, self.spec.factor) + x


def enlarged(image: Tensor, factor: int) -> Tensor:
    """Bicubic interpolation of N x C x H x W to ``factor`` times the size; may leave 0..1."""
    return F.interpolate(image, scale_factor=factor, mode="bicubic", align_corners=False)
