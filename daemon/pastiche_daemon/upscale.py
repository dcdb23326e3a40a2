"""Making one layer larger with a trained network: pixels in, more pixels out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pastiche_daemon.nn.feature_store import FeatureMap, FeatureStore
from pastiche_daemon.nn.upscaler import UpscalerNetwork, enlarged
from pastiche_daemon.nn.upscaler_tiles import Tile, tiles
from pastiche_daemon.strip_layer import (
    Check,
    LayerRows,
    TensorRows,
    strips,
    survey,
    visible_rows,
)
from pastiche_daemon.strip_resizing import PictureRows
from pastiche_daemon.stylize import LayerTensors

Report = Callable[[float], None]
"""Called often with the share of the work done, 0..1; may raise to stop the work."""

_LEVELS = 4096


@dataclass(frozen=True)
class UpscaledPart:
    """A rectangle of the result: its upper left corner, and its pixels.

    ``color`` is float32, 3 x h x w, in 0..1; ``alpha`` h x w in 0..1, None for opaque layers.
    """

    top: int
    left: int
    color: Tensor
    alpha: Tensor | None


@dataclass(frozen=True)
class Upscaling:
    """A result, part by part, so that it never has to be held as a whole in float32.

    ``parts`` may be gone through once; together they are the result. ``notes`` tell the user what
    was done to unusual values.
    """

    height: int
    width: int
    parts: Iterator[UpscaledPart]
    notes: tuple[str, ...] = ()


def upscale(
    network: UpscalerNetwork,
    layer: LayerTensors,
    report: Report,
    *,
    match_histogram: bool = False,
    tile: int | None = None,
) -> Upscaling:
    """Make a layer of any size from 1 x 1 f times as wide and high.

    Colours under fully transparent pixels are replaced by those of their surroundings first, so
    that nothing bleeds out from under them. Alpha is enlarged bicubically and cut to 0..1: its
    edges are as soft as the small ones, and what is opaque or transparent stays so away from them.

    ``match_histogram`` gives every channel of the result the distribution of the layer's, as
    Johnson et al. do (ECCV 2016, section 4.2); the result is held in float32 then. Off by default:
    a network that adds to bicubic interpolation keeps the colours by itself, and a reduced
    picture has fewer extremes than the large one, which would flatten the details that were won.

    ``tile`` is the side of tiles in the layer's pixels. What ``report`` raises stops the work.
    Raises ValueError where the layer has a mask.
    """
    return upscale_rows(
        network,
        TensorRows(layer),
        FeatureStore(),
        report,
        lambda: None,
        match_histogram=match_histogram,
        tile=tile,
    )


@torch.inference_mode()
def upscale_rows(
    network: UpscalerNetwork,
    layer: LayerRows,
    store: FeatureStore,
    report: Report,
    check: Check,
    *,
    match_histogram: bool = False,
    tile: int | None = None,
) -> Upscaling:
    """As `upscale`, for a layer that is read by rows, in bounded memory.

    Looks at all of the layer before it returns, and calls ``check`` meanwhile. ``store`` keeps what
    has to be kept until the last part was taken; closing it is the caller's.
    """
    if layer.rows(0, 1).mask is not None:
        raise ValueError("mask: the whole layer is upscaled; leave the mask out")
    surveyed = survey(layer, check)
    visible = visible_rows(layer, surveyed, store, check)
    factor = network.spec.factor
    every = tiles(layer.height, layer.width, network.spec, tile)
    parts = _parts(network, layer, visible, every, report)
    if match_histogram:
        counted = _layer_histogram(layer, visible, check)
        parts = _matched(parts, counted, store)
    return Upscaling(factor * layer.height, factor * layer.width, parts, surveyed.notes)


def whole(upscaling: Upscaling) -> tuple[Tensor, Tensor | None]:
    """All parts of a result put together: colours 3 x H x W and alpha H x W, or None."""
    color = torch.empty(3, upscaling.height, upscaling.width)
    alpha: Tensor | None = None
    for part in upscaling.parts:
        rows = slice(part.top, part.top + part.color.shape[-2])
        columns = slice(part.left, part.left + part.color.shape[-1])
        color[:, rows, columns] = part.color
        if part.alpha is not None:
            if alpha is None:
                alpha = color.new_empty(color.shape[-2:])
            alpha[rows, columns] = part.alpha
    return color, alpha


def _parts(
    network: UpscalerNetwork,
    layer: LayerRows,
    visible: PictureRows,
    every: Sequence[Tile],
    report: Report,
) -> Iterator[UpscaledPart]:
    factor = network.spec.factor
    device = network.last.conv.weight.device
    read: slice | None = None
    color, alpha = torch.empty(0), None
    for number, tile in enumerate(every):
        report(number / len(every))
        # A generator must not leave a mode of torch on while others run.
        with torch.inference_mode():
            if tile.rows != read:
                read = tile.rows
                color = visible.rows(read.start, read.stop)
                alpha = layer.rows(read.start, read.stop).alpha
            seen = color[..., tile.columns].to(device)
            large = network(seen.contiguous(memory_format=torch.channels_last))
            part = tile.cut(large[0], factor).clamp(0, 1).to("cpu")
            enlarged_alpha: Tensor | None = None
            if alpha is not None:
                soft = enlarged(alpha[None, None, :, tile.columns], factor)
                enlarged_alpha = tile.cut(soft[0, 0], factor).clamp(0, 1)
        yield UpscaledPart(factor * tile.top, factor * tile.left, part, enlarged_alpha)
    report(1.0)


def _matched(
    parts: Iterator[UpscaledPart], wanted: Tensor, store: FeatureStore
) -> Iterator[UpscaledPart]:
    """The same parts with another histogram; all are made before the first is given."""
    every: list[tuple[int, int, FeatureMap]] = []
    counted = torch.zeros_like(wanted)
    for part in parts:
        counted += _histogram(part.color, part.alpha)
        planes = [part.color] if part.alpha is None else [part.color, part.alpha[None]]
        pixels = torch.cat(planes)[None]
        kept = store.new(pixels, pixels.shape[-2])
        kept.write(0, pixels)
        every.append((part.top, part.left, kept))
    mapping = histogram_mapping(counted, wanted)
    for top, left, kept in every:
        pixels = kept.rows(0, kept.height)[0]
        alpha = pixels[3] if len(pixels) > 3 else None
        yield UpscaledPart(top, left, mapped(pixels[:3], mapping), alpha)
        kept.close()


def _layer_histogram(layer: LayerRows, visible: PictureRows, check: Check) -> Tensor:
    every: list[Tensor] = []
    for start, stop in strips(layer.height, layer.width):
        check()
        every.append(_histogram(visible.rows(start, stop)[0], layer.rows(start, stop).alpha))
    return torch.stack(every).sum(0)


def _histogram(color: Tensor, alpha: Tensor | None) -> Tensor:
    """How often every level occurs in every channel, 3 x levels; what is seen counts."""
    level = (color * (_LEVELS - 1)).round().long().flatten(1)
    weight = None if alpha is None else alpha.flatten().double()
    return torch.stack([torch.bincount(channel, weight, _LEVELS).double() for channel in level])


def histogram_mapping(source: Tensor, target: Tensor) -> Tensor:
    """For every level of the source the target's level of the same rank, C x levels, in 0..1.

    Both are histograms, C x levels. Histogram specification: Gonzalez & Woods, "Digital Image
    Processing", section 3.3. Levels that do not occur are mapped like the next lower one that does.
    Where the source or target is empty, levels stay as they are.
    """
    levels = source.shape[1]
    identity = torch.arange(levels, dtype=torch.float64) / (levels - 1)
    mappings: list[Tensor] = []
    for from_counts, to_counts in zip(source.double(), target.double(), strict=True):
        if from_counts.sum() <= 0 or to_counts.sum() <= 0:
            mappings.append(identity)
            continue
        # The middle of a level's pixels stands for all of them.
        ranks = (from_counts.cumsum(0) - from_counts / 2) / from_counts.sum()
        present = to_counts > 0
        wanted = (to_counts.cumsum(0) - to_counts / 2)[present] / to_counts.sum()
        mappings.append(_interpolated(ranks, wanted, identity[present]))
    return torch.stack(mappings)


def _interpolated(at: Tensor, points: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear interpolation of ``values`` at rising ``points``, constant beyond them."""
    if len(points) == 1:
        return values.expand_as(at).clone()
    right = torch.searchsorted(points, at).clamp(1, len(points) - 1)
    left = right - 1
    share = ((at - points[left]) / (points[right] - points[left])).clamp(0, 1)
    return torch.lerp(values[left], values[right], share)


def mapped(color: Tensor, mapping: Tensor) -> Tensor:
    """Colours C x h x w in 0..1 through the mapping of their levels, interpolated between them."""
    place = color.double() * (mapping.shape[1] - 1)
    lower = place.floor().clamp(0, mapping.shape[1] - 2).long()
    share = place - lower
    result = torch.empty_like(color)
    for channel, table in enumerate(mapping):
        index = lower[channel]
        result[channel] = torch.lerp(table[index], table[index + 1], share[channel])
    return result.clamp_(0, 1)
