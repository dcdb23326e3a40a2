"""The image transformer network: one forward pass from a photograph to a pastiche.

Sources: Johnson et al., ECCV 2016, and its supplement (9x9 convolutions at the ends, two strided
convolutions, five residual blocks, two upsamplings); Ulyanov et al., "Instance Normalization",
2016; Odena et al., "Deconvolution and Checkerboard Artifacts", 2016 (resize, then convolve);
Dumoulin et al., ICLR 2017 (conditional instance norm, reflection padding, sigmoid output).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, get_args

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.norms import ConditionalInstanceNorm
from pastiche_daemon.nn.transformer_switches import Norm, Output, Padding, Upsampling, ValueRange
from pastiche_daemon.nn.width_folding import conv2d

_Module = TypeVar("_Module", bound=nn.Module)

_CHOICES = {
    "upsampling": get_args(Upsampling),
    "norm": get_args(Norm),
    "padding": get_args(Padding),
    "output": get_args(Output),
    "value_range": get_args(ValueRange),
}


@dataclass(frozen=True)
class TransformerSpec:
    """Hyperparameters of a transformer network; a pack declares them, nothing is guessed.

    ``channels`` are the widths at full, half and quarter resolution (Johnson: 32, 64, 128).

    ``upsampling``, which doubles the size twice:

    - ``transposed``: a 3x3 convolution with stride 1/2 (Johnson, supplement, table 1);
    - ``nearest``, ``bilinear``: resize, then convolve with stride 1 (Odena et al.).

    ``norm`` after every convolution but the last:

    - ``batch``: running statistics outside of training (Johnson; one style);
    - ``instance``: statistics of each image (Ulyanov et al. 2016; one style);
    - ``conditional_instance``: with scales and shifts for each style (Dumoulin et al., eq. 5).

    ``padding`` of all convolutions but the transposed ones, whose border is always zeros:
    ``zero``, or ``reflect`` (Dumoulin et al., against artefacts at the border).

    ``output``, of the last convolution's x:

    - ``tanh``: (tanh(x) + 1) / 2, the scaling of tanh to the range of pixels, [0, 255] in Johnson,
      supplement, table 1. Their published code instead gives 150 tanh(x) around the mean colour;
    - ``sigmoid``: 1 / (1 + exp(-x)) (Dumoulin et al., table 2);
    - ``linear``: x, cut to the range of pixels outside of training (PyTorch's examples).

    ``value_range`` is that of the pixels that the network takes, and of those that it gives where
    the output is linear. It is 0..255 in PyTorch's examples. Images are in 0..1 on both sides of
    `TransformerNetwork` whatever it is.
    """

    styles: int = 1
    channels: tuple[int, int, int] = (32, 64, 128)
    residual_blocks: int = 5
    end_kernel: int = 9
    upsampling: Upsampling = "bilinear"
    norm: Norm = "conditional_instance"
    padding: Padding = "reflect"
    output: Output = "sigmoid"
    value_range: ValueRange = "0..1"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                known = ", ".join(choices)
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}")
        if self.styles < 1:
            raise ValueError(f"styles must be at least 1, not {self.styles}")
        if self.styles > 1 and self.norm != "conditional_instance":
            raise ValueError(
                f"norm: {self.norm} is for one style, and there are {self.styles}; "
                "use conditional_instance"
            )
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
    """Padding, then a convolution."""

    def __init__(
        self, width: int, out: int, kernel: int, stride: int = 1, padding: Padding = "reflect"
    ) -> None:
        super().__init__()
        self.border = kernel // 2
        self.padding = padding
        self.conv = nn.Conv2d(width, out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.padding == "reflect":
            x = reflect_pad(x, self.border)
        else:
            x = F.pad(x, (self.border,) * 4)
        return conv2d(x, self.conv.weight, self.conv.bias, self.conv.stride[0])


class _TransposedConvolution(nn.Module):
    """A 3x3 convolution with stride 1/2: twice the size."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(width, out, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class NormedConvolution(nn.Module):
    """A convolution and its norm; any activation is the caller's.

    ``transposed`` doubles the size, with a kernel of 3 and stride 1/2.
    """

    def __init__(
        self,
        width: int,
        out: int,
        kernel: int,
        styles: int,
        stride: int = 1,
        *,
        padding: Padding = "reflect",
        norm: Norm = "conditional_instance",
        transposed: bool = False,
    ) -> None:
        super().__init__()
        self.conv = (
            _TransposedConvolution(width, out)
            if transposed
            else _Convolution(width, out, kernel, stride, padding)
        )
        self.norm = BatchNorm(out) if norm == "batch" else ConditionalInstanceNorm(out, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return self.norm(self.conv(x), mix)


class ResidualBlock(nn.Module):
    """Two convolutions and the identity, without a ReLU after the sum (Johnson, supplement)."""

    def __init__(
        self,
        width: int,
        styles: int,
        *,
        padding: Padding = "reflect",
        norm: Norm = "conditional_instance",
    ) -> None:
        super().__init__()
        self.first = NormedConvolution(width, width, 3, styles, padding=padding, norm=norm)
        self.second = NormedConvolution(width, width, 3, styles, padding=padding, norm=norm)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x, mix)), mix)


class TransformerNetwork(nn.Module):
    """Johnson et al.'s network, with what became of it as hyperparameters."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.spec = spec
        full, half, quarter = spec.channels

        def normed(
            width: int, out: int, kernel: int = 3, stride: int = 1, *, transposed: bool = False
        ) -> NormedConvolution:
            return NormedConvolution(
                width,
                out,
                kernel,
                spec.styles,
                stride,
                padding=spec.padding,
                norm=spec.norm,
                transposed=transposed,
            )

        self.down = nn.ModuleList(
            [
                normed(3, full, spec.end_kernel),
                normed(full, half, stride=2),
                normed(half, quarter, stride=2),
            ]
        )
        self.trunk = nn.ModuleList(
            ResidualBlock(quarter, spec.styles, padding=spec.padding, norm=spec.norm)
            for _ in range(spec.residual_blocks)
        )
        transposed = spec.upsampling == "transposed"
        self.up = nn.ModuleList(
            [
                normed(quarter, half, transposed=transposed),
                normed(half, full, transposed=transposed),
            ]
        )
        self.last = _Convolution(full, 3, spec.end_kernel, padding=spec.padding)

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

        In training, a linear output may leave the range. Sizes that are no multiple of
        `TransformerSpec.multiple` are extended by reflection, and cut again. ``mix`` holds each
        image's style weights, N x styles, rows summing to 1: a one-hot row is one style.
        ``checkpoint`` is called between layers; what it raises stops the pass.
        """
        check_mix(image, mix, self.spec)
        steps = len(self.down) + len(self.trunk) + len(self.up) + 1
        done = 0

        def step() -> None:
            nonlocal done
            if checkpoint is not None:
                checkpoint(done / steps)
            done += 1

        x = to_network_range(pad_to_multiple(image, self.spec.multiple), self.spec)
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
        x = to_pixels(self.last(x), self.spec, clamp=not self.training)
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


def to_network_range(image: Tensor, spec: TransformerSpec) -> Tensor:
    """An image in 0..1 in the range of values that the network takes."""
    return image * 255 if spec.value_range == "0..255" else image


def to_pixels(x: Tensor, spec: TransformerSpec, *, clamp: bool) -> Tensor:
    """The last convolution's result as pixels in 0..1; ``clamp`` cuts those of a linear output."""
    if spec.output == "sigmoid":
        return torch.sigmoid(x)
    if spec.output == "tanh":
        return (torch.tanh(x) + 1) / 2
    if spec.value_range == "0..255":
        x = x / 255
    return x.clamp(0, 1) if clamp else x


def upsample(x: Tensor, mode: Upsampling) -> Tensor:
    """Twice the size, without the checkerboards of a transposed convolution (Odena et al.).

    Unchanged for ``transposed``: there the convolution that follows doubles the size.
    """
    if mode == "transposed":
        return x
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
