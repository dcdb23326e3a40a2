"""The image transformer network: one forward pass from a photograph to a pastiche.

Sources: Johnson et al., ECCV 2016, and its supplement (9x9 convolutions at the ends, two strided
convolutions, five residual blocks, two upsamplings); Ulyanov et al. 2016 (instance norm); Odena
et al., "Deconvolution and Checkerboard Artifacts", 2016 (resize, then convolve); Dumoulin et al.,
ICLR 2017 (conditional instance norm, reflection padding, sigmoid output).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.norms import ConditionalInstanceNorm

Upsampling = Literal["nearest", "bilinear"]
Norm = Literal["conditional_instance"]
Padding = Literal["reflect"]
Output = Literal["sigmoid"]
_Module = TypeVar("_Module", bound=nn.Module)


@dataclass(frozen=True)
class TransformerSpec:
    """Hyperparameters of a transformer network; a pack declares them, nothing is guessed.

    ``channels`` are the widths at full, half and quarter resolution (Johnson: 32, 64, 128).
    """

    styles: int = 1
    channels: tuple[int, int, int] = (32, 64, 128)
    residual_blocks: int = 5
    end_kernel: int = 9
    upsampling: Upsampling = "bilinear"
    norm: Norm = "conditional_instance"
    padding: Padding = "reflect"
    output: Output = "sigmoid"

    def __post_init__(self) -> None:
        if self.styles < 1:
            raise ValueError(f"styles must be at least 1, not {self.styles}")
        if len(self.channels) != 3 or min(self.channels) < 1:
            raise ValueError(f"channels must be three positive widths, not {self.channels}")
        if self.residual_blocks < 0:
            raise ValueError(f"residual_blocks must not be negative, not {self.residual_blocks}")
        if self.end_kernel < 1 or self.end_kernel % 2 == 0:
            raise ValueError(f"end_kernel must be odd and positive, not {self.end_kernel}")

    @property
    def multiple(self) -> int:
        """The network works on sizes that are multiples of this; others are padded and cropped."""
        return 4


Checkpoint = Callable[[float], None]
"""Called between layers with the share of the work done, 0..1; may raise to stop the pass."""


class _Convolution(nn.Module):
    """Reflection padding, then a convolution."""

    def __init__(self, width: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel, stride)
        self.border = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(reflect_pad(x, self.border))


class NormedConvolution(nn.Module):
    """A reflection-padded convolution and its norm; any activation is the caller's."""

    def __init__(self, width: int, out: int, kernel: int, styles: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = _Convolution(width, out, kernel, stride)
        self.norm = ConditionalInstanceNorm(out, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return self.norm(self.conv(x), mix)


class ResidualBlock(nn.Module):
    """Two convolutions and the identity, without a ReLU after the sum (Johnson, supplement)."""

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.first = NormedConvolution(width, width, 3, styles)
        self.second = NormedConvolution(width, width, 3, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x, mix)), mix)


class TransformerNetwork(nn.Module):
    """Johnson et al.'s network with resize-convolutions and conditional instance norm."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.spec = spec
        full, half, quarter = spec.channels
        n = spec.styles
        self.down = nn.ModuleList(
            [
                NormedConvolution(3, full, spec.end_kernel, n),
                NormedConvolution(full, half, 3, n, stride=2),
                NormedConvolution(half, quarter, 3, n, stride=2),
            ]
        )
        self.trunk = nn.ModuleList(ResidualBlock(quarter, n) for _ in range(spec.residual_blocks))
        self.up = nn.ModuleList(
            [NormedConvolution(quarter, half, 3, n), NormedConvolution(half, full, 3, n)]
        )
        self.last = _Convolution(full, 3, spec.end_kernel)

    def down_layers(self) -> list[NormedConvolution]:
        """The three convolutions down to a quarter of the resolution; a ReLU follows each."""
        return _typed(self.down, NormedConvolution)

    def residual_blocks(self) -> list[ResidualBlock]:
        """The trunk, at a quarter of the resolution."""
        return _typed(self.trunk, ResidualBlock)

    def up_layers(self) -> list[NormedConvolution]:
        """The convolutions that follow each doubling; a ReLU follows each of them."""
        return _typed(self.up, NormedConvolution)

    def forward(self, image: Tensor, mix: Tensor, checkpoint: Checkpoint | None = None) -> Tensor:
        """Stylize ``image``, N x 3 x H x W, RGB in 0..1, any size from 1 x 1; same shape and range.

        ``mix`` holds each image's style weights, N x styles, rows summing to 1: a one-hot row is
        one style. ``checkpoint`` is called between layers; what it raises stops the pass.
        """
        check_mix(image, mix, self.spec)
        steps = len(self.down) + len(self.trunk) + len(self.up) + 1
        done = 0

        def step() -> None:
            nonlocal done
            if checkpoint is not None:
                checkpoint(done / steps)
            done += 1

        x = pad_to_multiple(image, self.spec.multiple)
        for layer in self.down_layers():
            step()
            x = F.relu(layer(x, mix))
        for block in self.residual_blocks():
            step()
            x = block(x, mix)
        for layer in self.up_layers():
            step()
            x = F.relu(layer(upsample(x, self.spec.upsampling), mix))
        step()
        x = torch.sigmoid(self.last(x))
        return x[..., : image.shape[-2], : image.shape[-1]]


def _typed(modules: nn.ModuleList, kind: type[_Module]) -> list[_Module]:
    found = [module for module in modules if isinstance(module, kind)]
    assert len(found) == len(modules)
    return found


def check_mix(image: Tensor, mix: Tensor, spec: TransformerSpec) -> None:
    """Raise ValueError unless ``mix`` has a row of style weights for every image."""
    expected = (image.shape[0], spec.styles)
    if mix.shape != expected:
        raise ValueError(f"mix has shape {tuple(mix.shape)}, expected {expected}")


def upsample(x: Tensor, mode: Upsampling) -> Tensor:
    """Twice the size, without the checkerboards of a transposed convolution (Odena et al.)."""
    if mode == "nearest":
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def reflect_pad(x: Tensor, border: int) -> Tensor:
    """Pad by reflection, as often as it takes where the image is smaller than the border."""
    if border == 0:
        return x
    h, w = x.shape[-2:]
    if min(h, w) > border:
        return F.pad(x, (border, border, border, border), mode="reflect")
    return _gather_reflected(x, border, border, border, border)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Reflect the right and the lower border until both sides are multiples."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    if not bottom and not right:
        return x
    return _gather_reflected(x, 0, right, 0, bottom)


def _gather_reflected(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    rows = reflected_indices(x.shape[-2], top, bottom, x.device)
    columns = reflected_indices(x.shape[-1], left, right, x.device)
    return x.index_select(-2, rows).index_select(-1, columns)


def reflected_indices(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """Which of ``size`` positions stand at -before .. size + after - 1 of a reflected line."""
    period = max(1, 2 * (size - 1))
    index = torch.arange(-before, size + after, device=device) % period
    return torch.where(index < size, index, period - index)
