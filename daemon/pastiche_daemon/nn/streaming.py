"""A transformer network over an image of any size, strip by strip, with the whole image's result.

Instance norm needs the whole image's statistics before the next layer can run, so that tiles of
their own would differ from each other and seam. Here every layer runs over strips of rows whose
statistics are merged, and what comes out is what the whole image would give. What the convolutions
at half and quarter resolution compute is kept, in memory or in a file; the full-resolution ends,
which are cheap to compute and large to keep, are computed twice where they are large. Batch norm
has its statistics already: there every layer is computed once.

At most two large maps are kept at once: the half-resolution one with a quarter-resolution one, or
two of the trunk, where a block's second convolution overwrites what its first one made. The image
is read by rows and the result given by rows, so that neither has to be in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.feature_store import FeatureMap, FeatureStore
from pastiche_daemon.nn.norms import ConditionalInstanceNorm, Moments, scale_and_shift
from pastiche_daemon.nn.phases import PhaseConvolution
from pastiche_daemon.nn.transformer import (
    Checkpoint,
    NormedConvolution,
    Padding,
    ResidualBlock,
    TransformerNetwork,
    TransformerSpec,
    check_mix,
    reflected_indices,
    to_network_range,
    to_pixels,
    upsample,
)
from pastiche_daemon.nn.width_folding import conv2d

_Norm = BatchNorm | ConditionalInstanceNorm

# Full-resolution maps up to this size are kept instead of computed twice, where the others, which
# are about twice as large together, stay in memory beside them.
_KEPT_BYTES = 256 << 20
_WITH_OTHERS = 3
# Small columns that decide the first and the last column of maps of twice the size.
_EDGE = 3
# Full-resolution rows times columns of a strip: small enough for the caches and for a quick
# cancel, large enough that the rows computed twice at its borders are few.
_STRIP_PIXELS = 1 << 19


Sink = Callable[[int, Tensor], None]
"""Takes the result: the number of the first row, and 1 x 3 x h x W in 0..1. Rows come in order."""


class Rows(Protocol):
    """Feature maps, or an image, that can be computed row by row: 1 x C x ``height`` x W."""

    @property
    def height(self) -> int: ...

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop``, within 0..height. Not to be changed."""
        ...


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
    result = torch.empty_like(image)

    def put(start: int, rows: Tensor) -> None:
        result[..., start : start + rows.shape[-2], :] = rows

    stream_rows(network, InMemory(image), mix, put, checkpoint, strip_rows=strip_rows)
    return result


def stream_rows(
    network: TransformerNetwork,
    image: Rows,
    mix: Tensor,
    sink: Sink,
    checkpoint: Checkpoint | None = None,
    *,
    store: FeatureStore | None = None,
    strip_rows: int | None = None,
) -> None:
    """As `stream`, for an image of any size, in bounded memory.

    ``image`` gives 1 x 3 x h x W in 0..1, in the network's precision and on its device; its rows
    are asked for up to twice, in order but for a few around every strip. ``sink`` gets the result
    in that precision. No row is asked for once the first has been given to the sink, so that the
    result may overwrite the image. ``store`` keeps the feature maps, by default in memory; where
    the pass is stopped, closing what is left in it is the caller's.
    """
    first = image.rows(0, 1)
    check_mix(first, mix, network.spec)
    width = first.shape[-1]
    multiple = network.spec.multiple
    bottom, right = -image.height % multiple, -width % multiple
    rows = strip_rows or max(32, _STRIP_PIXELS // (width + right))
    rows += -rows % multiple
    strips = -(-(image.height + bottom) // rows) * _passes(network)
    padded = _Padded(image, width, bottom, right, network.spec)
    meter = _Meter(checkpoint or _ignore, strips)
    run = _Stream(network, mix, rows, store or FeatureStore(), meter)
    with torch.no_grad():
        run.of(padded, _cropped(sink, image.height, width))


def _cropped(sink: Sink, height: int, width: int) -> Sink:
    """A sink of padded rows that gives on those of the image."""

    def put(start: int, rows: Tensor) -> None:
        sink(start, rows[..., : height - start, :width])

    return put


@dataclass(frozen=True)
class InMemory:
    """Rows of a tensor, 1 x C x H x W."""

    tensor: Tensor

    @property
    def height(self) -> int:
        return self.tensor.shape[-2]

    def rows(self, start: int, stop: int) -> Tensor:
        return self.tensor[..., start:stop, :]


@dataclass(frozen=True)
class _Padded:
    """An image as the network takes it: extended by reflection, in its range of values."""

    image: Rows
    width: int
    bottom: int
    right: int
    spec: TransformerSpec

    @property
    def height(self) -> int:
        return self.image.height + self.bottom

    def rows(self, start: int, stop: int) -> Tensor:
        x = _padded_rows(self.image, start, stop, "reflect")
        if self.right:
            x = x.index_select(-1, reflected_indices(self.width, 0, self.right, x.device))
        return to_network_range(x, self.spec)


@dataclass(frozen=True)
class _Kept:
    """``height`` rows of what is kept, from its row ``first`` on."""

    kept: FeatureMap
    first: int
    height: int

    def rows(self, start: int, stop: int) -> Tensor:
        return self.kept.rows(self.first + start, self.first + stop)

    def write(self, start: int, rows: Tensor) -> None:
        self.kept.write(self.first + start, rows)


@dataclass(frozen=True)
class _Convolved:
    """A convolution of padded feature maps."""

    source: Rows
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
        x = _padded(self.source, first, last, border, self.padding)
        return conv2d(x, self.conv.weight, self.conv.bias, self.stride)


@dataclass(frozen=True)
class _Transposed:
    """A 3x3 convolution with stride 1/2."""

    source: Rows
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

    source: Rows
    factor: Tensor
    offset: Tensor

    @property
    def height(self) -> int:
        return self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        return F.relu_(scale_and_shift(self.source.rows(start, stop), self.factor, self.offset))


@dataclass(frozen=True)
class _Upsampled:
    source: Rows
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


@dataclass(frozen=True)
class _Grown:
    """Feature maps resized to twice the size, padded and convolved by a 3x3 kernel."""

    source: Rows
    conv: nn.Conv2d
    network: TransformerNetwork
    phases: PhaseConvolution

    @property
    def height(self) -> int:
        return 2 * self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        height, first, last = self.source.height, start // 2, (stop + 1) // 2
        # As many more as the resizing of the rows at the border needs.
        top = max(0, first - 2)
        fetched = self.source.rows(top, min(height, last + 2))
        x = fetched[..., max(0, first - 1) - top : last + 1 - top, :]
        above, below = int(first == 0), int(last == height)
        x = self.phases(F.pad(x, (1, 1, above, below), mode="replicate"))
        x = x[..., start - 2 * first : stop - 2 * first, :]
        # The edges' own sums.
        if start == 0:
            x[..., :1, :] = self._as_written(fetched, top, 0, 1)
        if stop == self.height:
            x[..., -1:, :] = self._as_written(fetched, top, stop - 1, stop)
        x[..., :1] = self._as_written(fetched[..., :_EDGE], top, start, stop)[..., :1]
        x[..., -1:] = self._as_written(fetched[..., -_EDGE:], top, start, stop)[..., -1:]
        return x

    def _as_written(self, fetched: Tensor, top: int, start: int, stop: int) -> Tensor:
        part = _Part(fetched, top, self.source.height)
        grown = _Upsampled(part, self.network)
        return _Convolved(grown, self.conv, self.network.spec.padding).rows(start, stop)


@dataclass(frozen=True)
class _Part:
    """Rows of which only some are there, from ``first`` on."""

    tensor: Tensor
    first: int
    height: int

    def rows(self, start: int, stop: int) -> Tensor:
        return self.tensor[..., start - self.first : stop - self.first, :]


class _Stream:
    def __init__(
        self,
        network: TransformerNetwork,
        mix: Tensor,
        strip_rows: int,
        store: FeatureStore,
        meter: _Meter,
    ) -> None:
        self._network = network
        self._mix = mix
        self._strip = strip_rows
        self._store = store
        self._meter = meter

    def of(self, image: Rows, sink: Sink) -> None:
        self._up(*self._trunk(*self._down(image)), sink)

    def _down(self, image: Rows) -> tuple[_Kept, Rows]:
        """What is kept of the last convolution down, and what the trunk makes of it."""
        full, half, quarter = self._network.down_layers()
        # The trunk goes over its maps far more often: they come first where memory is short.
        share = quarter.conv.conv.out_channels / (4 * half.conv.conv.out_channels)
        ends, x = self._normed(self._convolved(image, full), full.norm)
        large, x = self._keep_normed(self._convolved(x, half), half.norm, 2, leave=share)
        _close(ends)
        kept, x = self._keep_normed(self._convolved(x, quarter), quarter.norm, 4)
        _close(large)
        return kept, x

    def _trunk(self, kept: _Kept, x: Rows) -> tuple[_Kept, Rows]:
        spare: _Kept | None = None
        for block in self._network.residual_blocks():
            spare = self._residual(kept, x, block, spare)
            x = kept
        _close(spare)
        return kept, x

    def _residual(self, kept: _Kept, x: Rows, block: ResidualBlock, spare: _Kept | None) -> _Kept:
        """Overwrites ``kept``, of which ``x`` is made, with the block's result.

        Gives the maps back that it needed beside, for the next block.
        """
        if spare is not None:
            spare = _Kept(spare.kept, 1, x.height)
        made, normed = self._keep_normed(
            self._convolved(x, block.first), block.first.norm, 4, above=1, into=spare
        )
        # A strip of the second convolution needs a row above it: written one row higher up than
        # the first one's, it overwrites no row that is still needed.
        over = _Kept(made.kept, 0, x.height)
        y, moments = self._keep(
            self._convolved(normed, block.second), 4, block.second.norm, into=over
        )
        factor, offset = self._affine(block.second.norm, moments)
        for start, stop in self._strips(x.height, 4):
            self._meter.step()
            part = scale_and_shift(y.rows(start, stop), factor, offset)
            kept.write(start, part.add_(x.rows(start, stop)))
        return y

    def _up(self, kept: _Kept, x: Rows, sink: Sink) -> None:
        spec = self._network.spec
        half, full = self._network.up_layers()
        large, x = self._keep_normed(self._grown(x, half), half.norm, 2)
        _close(kept)
        ends, normed = self._normed(self._grown(x, full), full.norm)
        last = _Convolved(normed, self._network.last.conv, spec.padding)
        for start, stop in self._strips(last.height, 1):
            self._meter.step()
            sink(start, to_pixels(last.rows(start, stop), spec, clamp=True))
        _close(ends)
        _close(large)

    def _grown(self, source: Rows, layer: NormedConvolution) -> Rows:
        """A doubling of the size and its convolution."""
        conv, spec = layer.conv.conv, self._network.spec
        if isinstance(conv, nn.ConvTranspose2d):
            return _Transposed(source, conv)
        phases = PhaseConvolution(conv.weight, conv.bias, spec.upsampling)
        return _Grown(source, conv, self._network, phases)

    def _convolved(self, source: Rows, layer: NormedConvolution) -> Rows:
        conv = layer.conv.conv
        assert isinstance(conv, nn.Conv2d)
        return _Convolved(source, conv, self._network.spec.padding)

    def _keep(
        self,
        source: Rows,
        scale: int,
        norm: _Norm,
        *,
        above: int = 0,
        into: _Kept | None = None,
        leave: float = 0.0,
    ) -> tuple[_Kept, Moments]:
        """Compute all rows, and their statistics while they are in the caches.

        ``into`` is overwritten; new maps have ``above`` unused rows above them, and leave their
        own size times ``leave`` of the memory to others.
        """
        merged = Moments()
        for start, stop in self._strips(source.height, scale):
            self._meter.step()
            part = source.rows(start, stop)
            if not isinstance(norm, BatchNorm):
                merged.add(part)
            if into is None:
                into = self._new(part, source.height, above, leave)
            into.write(start, part)
        assert into is not None
        return into, merged

    def _new(self, part: Tensor, height: int, above: int, leave: float) -> _Kept:
        """Maps of ``height`` rows like those of a strip of them."""
        made = self._store.new(part, height + above, leave=int(leave * _bytes_of(part, height)))
        return _Kept(made, above, height)

    def _keep_normed(
        self,
        convolved: Rows,
        norm: _Norm,
        scale: int,
        *,
        above: int = 0,
        into: _Kept | None = None,
        leave: float = 0.0,
    ) -> tuple[_Kept, Rows]:
        """All rows of a convolution, and what its norm and a ReLU make of them."""
        kept, moments = self._keep(convolved, scale, norm, above=above, into=into, leave=leave)
        # Normed whenever it is read: one pass over the maps less than to write that back.
        return kept, _Normed(kept, *self._affine(norm, moments))

    def _normed(self, convolved: Rows, norm: _Norm) -> tuple[_Kept | None, Rows]:
        """A full-resolution convolution, its norm and a ReLU.

        Its rows are kept where they are few, and computed again whenever they are read otherwise.
        """
        moments = Moments()
        if not isinstance(norm, BatchNorm):
            size = _bytes_of(convolved.rows(0, 1), convolved.height)
            if size <= _KEPT_BYTES and self._store.fits(_WITH_OTHERS * size):
                return self._keep_normed(convolved, norm, 1)
            for start, stop in self._strips(convolved.height, 1):
                self._meter.step()
                moments.add(convolved.rows(start, stop))
        return None, _Normed(convolved, *self._affine(norm, moments))

    def _affine(self, norm: _Norm, moments: Moments) -> tuple[Tensor, Tensor]:
        if isinstance(norm, BatchNorm):
            return norm.affine()
        mean, variance = moments.finish()
        rstd = torch.rsqrt(variance + norm.eps)
        return norm.affine(mean.to(norm.scale.dtype), rstd.to(norm.scale.dtype), self._mix)

    def _strips(self, height: int, scale: int) -> Iterator[tuple[int, int]]:
        """Cuts of ``height`` rows of feature maps at 1 / ``scale`` of the full resolution."""
        step = max(1, self._strip // scale)
        for start in range(0, height, step):
            yield start, min(height, start + step)


def _bytes_of(part: Tensor, height: int) -> int:
    """What ``height`` rows of maps like those of a strip take."""
    return part.numel() // part.shape[-2] * height * part.element_size()


def _close(kept: _Kept | None) -> None:
    if kept is not None:
        kept.kept.close()


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
    """How often the whole height is gone through: once for every convolution and every sum."""
    convolutions = len(network.down) + 3 * len(network.trunk) + len(network.up) + 1
    # There the full-resolution ends need no pass for statistics of their own.
    return convolutions - 2 if network.spec.norm == "batch" else convolutions


def _padded(source: Rows, start: int, stop: int, border: int, padding: Padding) -> Tensor:
    """Rows of the padded feature maps, with ``border`` columns more on either side."""
    height = source.height
    above, below = max(0, -start), max(0, stop - height)
    x = source.rows(max(0, start), min(height, stop))
    sides = (border, border, above, below)
    if padding == "zero":
        return F.pad(x, sides)
    if x.shape[-1] > border and x.shape[-2] > max(above, below):
        return F.pad(x, sides, mode="reflect")
    x = _padded_rows(source, start, stop, padding)
    return x.index_select(-1, reflected_indices(x.shape[-1], border, border, x.device))


def _padded_rows(source: Rows, start: int, stop: int, padding: Padding) -> Tensor:
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
