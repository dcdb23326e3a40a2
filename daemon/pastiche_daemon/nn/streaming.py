"""A transformer network over an image of any size, strip by strip, with the whole image's result.

Instance norm needs the whole image's statistics before the next layer can run, so that tiles of
their own would differ from each other and seam. Here every layer runs over strips of rows whose
statistics are merged, and what comes out is what the whole image would give. What the layers at
half and quarter resolution compute is kept; the full-resolution ends, which are cheap to compute
and large to keep, are computed twice. Batch norm has its statistics already: there every layer is
computed once.

Statistics are merged in float64 as in Chan et al., "Updating Formulae and a Pairwise Algorithm for
Computing Sample Variances", 1979.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.norms import ConditionalInstanceNorm, scale_and_shift
from pastiche_daemon.nn.transformer import (
    Checkpoint,
    NormedConvolution,
    Padding,
    TransformerNetwork,
    check_mix,
    pad_to_multiple,
    reflected_indices,
    to_network_range,
    to_pixels,
    upsample,
)

_Norm = BatchNorm | ConditionalInstanceNorm

# Full-resolution rows times columns of a strip: small enough for the caches and for a quick
# cancel, large enough that the rows computed twice at its borders are few.
_STRIP_PIXELS = 1 << 19


def stream(
    network: TransformerNetwork,
    image: Tensor,
    mix: Tensor,
    checkpoint: Checkpoint | None = None,
    *,
    strip_rows: int | None = None,
) -> Tensor:
    """What ``network(image, mix)`` gives, in a fraction of its memory.

    ``image`` is 1 x 3 x H x W in the network's precision and ``mix`` 1 x styles. ``checkpoint`` is
    called before every strip with the share of the work done, never decreasing; what it raises
    stops the pass. ``strip_rows`` is the height of a strip at full resolution, rounded up to the
    network's multiple. Equal to the whole pass up to the rounding of sums. Raises ValueError for
    more than one image, or a mix of another shape.
    """
    if image.shape[0] != 1:
        raise ValueError(f"stream takes one image, not {image.shape[0]}")
    check_mix(image, mix, network.spec)
    padded = pad_to_multiple(image, network.spec.multiple)
    rows = strip_rows or max(32, _STRIP_PIXELS // padded.shape[-1])
    rows += -rows % network.spec.multiple
    strips = -(-padded.shape[-2] // rows) * _passes(network)
    run = _Stream(network, mix, rows, _Meter(checkpoint or _ignore, strips))
    with torch.no_grad():
        result = run.of(_Kept(to_network_range(padded, network.spec)))
    return result[..., : image.shape[-2], : image.shape[-1]]


class _Rows(Protocol):
    """Feature maps that can be computed row by row: 1 x C x ``height`` x W."""

    @property
    def height(self) -> int: ...

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop``, within 0..height."""
        ...


@dataclass(frozen=True)
class _Kept:
    tensor: Tensor

    @property
    def height(self) -> int:
        return self.tensor.shape[-2]

    def rows(self, start: int, stop: int) -> Tensor:
        return self.tensor[..., start:stop, :]


@dataclass(frozen=True)
class _Convolved:
    """A convolution of padded feature maps."""

    source: _Rows
    conv: nn.Conv2d
    padding: Padding

    @property
    def stride(self) -> int:
        return self.conv.stride[0]

    @property
    def height(self) -> int:
        return self.source.height // self.stride

    def rows(self, start: int, stop: int) -> Tensor:
        border = self.conv.kernel_size[0] // 2
        first = start * self.stride - border
        last = (stop - 1) * self.stride + border + 1
        x = _padded_rows(self.source, first, last, self.padding)
        if self.padding == "zero":
            x = F.pad(x, (border, border, 0, 0))
        elif x.shape[-1] > border:
            x = F.pad(x, (border, border, 0, 0), mode="reflect")
        else:
            x = x.index_select(-1, reflected_indices(x.shape[-1], border, border, x.device))
        return F.conv2d(x, self.conv.weight, self.conv.bias, stride=self.stride)


@dataclass(frozen=True)
class _Transposed:
    """A 3x3 convolution with stride 1/2."""

    source: _Rows
    conv: nn.ConvTranspose2d

    @property
    def height(self) -> int:
        return 2 * self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        # An even row comes of the row at half its height, an odd one of that and the next.
        first = start // 2
        last = min(self.source.height, stop // 2 + 1)
        grown = self.conv(self.source.rows(first, last))
        return grown[..., start - 2 * first : stop - 2 * first, :]


@dataclass(frozen=True)
class _Normed:
    """A norm with known statistics, then a ReLU."""

    source: _Rows
    factor: Tensor
    offset: Tensor

    @property
    def height(self) -> int:
        return self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        return F.relu_(scale_and_shift(self.source.rows(start, stop), self.factor, self.offset))


@dataclass(frozen=True)
class _Upsampled:
    source: _Rows
    network: TransformerNetwork

    @property
    def height(self) -> int:
        return 2 * self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        # One row more on each side: only at the image's own border may the edge be repeated.
        first = max(0, start // 2 - 1)
        last = min(self.source.height, (stop + 1) // 2 + 1)
        grown = upsample(self.source.rows(first, last), self.network.spec.upsampling)
        return grown[..., start - 2 * first : stop - 2 * first, :]


class _Stream:
    def __init__(
        self, network: TransformerNetwork, mix: Tensor, strip_rows: int, meter: _Meter
    ) -> None:
        self._network = network
        self._mix = mix
        self._strip = strip_rows
        self._meter = meter

    def of(self, image: _Rows) -> Tensor:
        x = self._down(image)
        for block in self._network.residual_blocks():
            x = self._residual(x, block.first, block.second)
        return self._up(_Kept(x))

    def _down(self, image: _Rows) -> Tensor:
        full, half, quarter = self._network.down_layers()
        x = self._keep_normed(self._normed(image, full), half, 2)
        return self._keep_normed(_Kept(x), quarter, 4)

    def _residual(self, x: Tensor, first: NormedConvolution, second: NormedConvolution) -> Tensor:
        y = self._keep_normed(_Kept(x), first, 4)
        y, statistics = self._keep(self._convolved(_Kept(y), second), 4, second.norm)
        factor, offset = self._affine(second.norm, statistics)
        for start, stop in self._strips(y.shape[-2], 4):
            part = scale_and_shift(y[..., start:stop, :], factor, offset)
            y[..., start:stop, :] = part.add_(x[..., start:stop, :])
        return y

    def _up(self, x: _Rows) -> Tensor:
        spec = self._network.spec
        half, full = self._network.up_layers()
        kept = self._keep_normed(self._grown(x), half, 2)
        normed = self._normed(self._grown(_Kept(kept)), full)
        result: Tensor | None = None
        last = _Convolved(normed, self._network.last.conv, spec.padding)
        for start, stop in self._strips(last.height, 1):
            self._meter.step()
            part = to_pixels(last.rows(start, stop), spec, clamp=True)
            if result is None:
                result = part.new_empty((*part.shape[:2], last.height, part.shape[-1]))
            result[..., start:stop, :] = part
        assert result is not None
        return result

    def _grown(self, source: _Rows) -> _Rows:
        """What the convolution behind a doubling of the size gets."""
        transposed = self._network.spec.upsampling == "transposed"
        return source if transposed else _Upsampled(source, self._network)

    def _convolved(self, source: _Rows, layer: NormedConvolution) -> _Rows:
        conv = layer.conv.conv
        if isinstance(conv, nn.ConvTranspose2d):
            return _Transposed(source, conv)
        return _Convolved(source, conv, self._network.spec.padding)

    def _keep(self, source: _Rows, scale: int, norm: _Norm) -> tuple[Tensor, Statistics]:
        """Compute all rows, channels-last, and their statistics while they are in the caches."""
        result: Tensor | None = None
        merged = Statistics()
        for start, stop in self._strips(source.height, scale):
            self._meter.step()
            part = source.rows(start, stop)
            if not isinstance(norm, BatchNorm):
                merged.add(part)
            if result is None:
                result = torch.empty(
                    (*part.shape[:2], source.height, part.shape[-1]),
                    dtype=part.dtype,
                    device=part.device,
                    memory_format=torch.channels_last,
                )
            result[..., start:stop, :] = part
        assert result is not None
        return result, merged

    def _keep_normed(self, source: _Rows, layer: NormedConvolution, scale: int) -> Tensor:
        """All rows of a convolution, its norm and a ReLU."""
        x, statistics = self._keep(self._convolved(source, layer), scale, layer.norm)
        factor, offset = self._affine(layer.norm, statistics)
        for start, stop in self._strips(x.shape[-2], scale):
            part = scale_and_shift(x[..., start:stop, :], factor, offset)
            x[..., start:stop, :] = F.relu_(part)
        return x

    def _normed(self, source: _Rows, layer: NormedConvolution) -> _Normed:
        """A full-resolution convolution, its norm and a ReLU, of which no rows are kept."""
        convolved = self._convolved(source, layer)
        merged = Statistics()
        if not isinstance(layer.norm, BatchNorm):
            for start, stop in self._strips(convolved.height, 1):
                self._meter.step()
                merged.add(convolved.rows(start, stop))
        return _Normed(convolved, *self._affine(layer.norm, merged))

    def _affine(self, norm: _Norm, statistics: Statistics) -> tuple[Tensor, Tensor]:
        if isinstance(norm, BatchNorm):
            return norm.affine()
        mean, rstd = statistics.finish(norm.eps)
        return norm.affine(mean.to(norm.scale.dtype), rstd.to(norm.scale.dtype), self._mix)

    def _strips(self, height: int, scale: int) -> Iterator[tuple[int, int]]:
        """Cuts of ``height`` rows of feature maps at 1 / ``scale`` of the full resolution."""
        step = max(1, self._strip // scale)
        for start in range(0, height, step):
            yield start, min(height, start + step)


class Statistics:
    """Mean and variance of every channel over strips of feature maps, merged in float64."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Count ``x``, 1 x C x h x w, in."""
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)
        flat = flat if flat.dtype == torch.float64 else flat.float()
        count = flat.shape[1]
        mean = flat.mean(1, keepdim=True)
        squares = (flat - mean).square_().sum(1).double()
        mean = mean[:, 0].double()
        if self._mean is None or self._squares is None:
            self._count, self._mean, self._squares = count, mean, squares
            return
        total = self._count + count
        delta = mean - self._mean
        self._squares = self._squares + squares + delta.square() * (self._count * count / total)
        self._mean = self._mean + delta * (count / total)
        self._count = total

    def finish(self, eps: float) -> tuple[Tensor, Tensor]:
        """Mean and reciprocal standard deviation, each 1 x C x 1 x 1."""
        assert self._mean is not None
        assert self._squares is not None
        rstd = torch.rsqrt(self._squares / self._count + eps)
        return self._mean[..., None, None], rstd[..., None, None]


class _Meter:
    """Turns strips into a share of the work."""

    def __init__(self, checkpoint: Checkpoint, strips: int) -> None:
        self._checkpoint = checkpoint
        self._strips = strips
        self._done = 0

    def step(self) -> None:
        self._checkpoint(min(1.0, self._done / self._strips))
        self._done += 1


def _passes(network: TransformerNetwork) -> int:
    """How often the whole height is gone through: once for every convolution."""
    convolutions = len(network.down) + 2 * len(network.trunk) + len(network.up) + 1
    # The full-resolution ends need no pass for statistics of their own.
    return convolutions - 2 if network.spec.norm == "batch" else convolutions


def _padded_rows(source: _Rows, start: int, stop: int, padding: Padding) -> Tensor:
    """Rows of the padded feature maps; ``start`` and ``stop`` may lie outside."""
    height = source.height
    if start >= 0 and stop <= height:
        return source.rows(start, stop)
    if padding == "zero":
        x = source.rows(max(0, start), min(height, stop))
        return F.pad(x, (0, 0, max(0, -start), max(0, stop - height)))
    index = reflected_indices(height, max(0, -start), max(0, stop - height), torch.device("cpu"))
    index = index[max(0, start) : max(0, start) + stop - start]
    first, last = int(index.min()), int(index.max()) + 1
    x = source.rows(first, last)
    return x.index_select(-2, (index - first).to(x.device))


def _ignore(_: float) -> None:
    pass
