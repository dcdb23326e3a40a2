"""Stylizing one layer with a trained transformer network: pixels in, pixels out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.runtime import prepare_image
from pastiche_daemon.nn.streaming import stream
from pastiche_daemon.nn.transformer import TransformerNetwork

Report = Callable[[float], None]
"""Called often with the share of the work done, 0..1; may raise to stop the work."""

STROKE_SIZES = (0.25, 4.0)

# Larger images run strip by strip: the same result with half of the memory, no slower, and the
# work can be stopped between strips.
_WHOLE_PIXELS = 2_000_000


@dataclass(frozen=True)
class LayerTensors:
    """A layer's pixels: sRGB with its transfer curve, straight alpha.

    ``color`` is float32, 3 x H x W (a grey layer has three equal channels); values outside 0..1
    and NaN are allowed. ``alpha`` and the selection ``mask`` are float32, H x W, in 0..1, or None
    for opaque and for everything selected.
    """

    color: Tensor
    alpha: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True)
class StylizeOptions:
    """How to stylize. ``mix`` holds a weight for every style of the network, summing to 1.

    ``strength`` in 0..1 fades from the layer to the pastiche. ``stroke_size`` in 0.25..4 is a
    factor of the strokes' native size. Raises ValueError, naming the field, out of these ranges.
    """

    mix: tuple[float, ...]
    strength: float = 1.0
    preserve_colors: bool = False
    stroke_size: float = 1.0

    def __post_init__(self) -> None:
        if not self.mix or any(not w >= 0 for w in self.mix):
            raise ValueError("mix: every weight must be a number of at least 0")
        if not math.isclose(sum(self.mix), 1.0, rel_tol=1e-5):
            raise ValueError(f"mix: the weights must sum to 1, not {sum(self.mix)}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength: must be in 0..1, not {self.strength}")
        low, high = STROKE_SIZES
        if not low <= self.stroke_size <= high:
            raise ValueError(f"stroke_size: must be in {low}..{high}, not {self.stroke_size}")


@dataclass(frozen=True)
class Stylized:
    """The result for one layer.

    ``color`` is float32, 3 x H x W, in 0..1 wherever ``changed`` (bool, H x W) is true; elsewhere
    the layer's own samples stand. ``notes`` tell the user what was done to unusual values.
    """

    color: Tensor
    changed: Tensor
    notes: tuple[str, ...] = ()


@torch.inference_mode()
def stylize(
    network: TransformerNetwork, layer: LayerTensors, options: StylizeOptions, report: Report
) -> Stylized:
    """Stylize a layer of any size from 1 x 1.

    Nothing changes outside the mask, under fully transparent pixels and at strength 0; the colours
    under fully transparent pixels have no influence either. What ``report`` raises stops the work.
    """
    report(0.0)
    done = blend(layer, options.strength, lambda color: _pastiche(network, color, options, report))
    report(1.0)
    return done


def blend(layer: LayerTensors, strength: float, repaint: Callable[[Tensor], Tensor]) -> Stylized:
    """Fade from a layer to its pastiche, within the mask, by ``strength`` in 0..1.

    ``repaint`` gets the layer's colours, 3 x H x W in 0..1 with those under fully transparent
    pixels replaced, and returns the pastiche, of the same size. It is not called where nothing
    would change: outside the mask, under fully transparent pixels and at strength 0.
    """
    if not bool((amount_of(layer, strength) > 0).any()):
        return Stylized(layer.color, torch.zeros_like(layer.color[0], dtype=torch.bool))
    return faded(layer, strength, repaint(visible_colors(layer)))


def faded(layer: LayerTensors, strength: float, pastiche: Tensor) -> Stylized:
    """A layer, or some of its rows, that fades to its ``pastiche``, 3 x H x W, by ``strength``."""
    color, notes = finite_colors(layer)
    amount = amount_of(layer, strength)
    # torch.lerp is exact at both ends.
    result = torch.lerp(color, pastiche, amount.expand_as(color)).clamp_(0, 1)
    return Stylized(result, amount > 0, notes)


def network_shape(shape: tuple[int, int], stroke_size: float) -> tuple[int, int]:
    """The height and width at which a network sees a layer of ``shape``."""
    return max(1, round(shape[0] / stroke_size)), max(1, round(shape[1] / stroke_size))


@torch.inference_mode()
def preview(
    network: TransformerNetwork,
    layer: LayerTensors,
    options: StylizeOptions,
    size: int,
    report: Report,
) -> tuple[Tensor, Tensor | None]:
    """The whole result at a small size: RGB 3 x h x w and alpha h x w, the longer side <= ``size``.

    The network runs at the small size, so that strokes look larger than they will be.
    """
    return preview_of(network, shrunk(layer, size), options, report)


@torch.inference_mode()
def preview_of(
    network: TransformerNetwork, small: LayerTensors, options: StylizeOptions, report: Report
) -> tuple[Tensor, Tensor | None]:
    """As `preview`, of a layer that is `shrunk`."""
    done = stylize(network, small, options, report)
    return done.color, small.alpha


def shrunk(layer: LayerTensors, size: int) -> LayerTensors:
    """The layer with a longer side of at most ``size`` px, its colours in 0..1."""
    h, w = layer.color.shape[-2:]
    shape = shrunk_shape((h, w), size)
    # Colours that cannot be seen are replaced before they mix with their neighbours.
    return LayerTensors(
        color=resize(visible_colors(layer), shape),
        alpha=None if layer.alpha is None else resize(layer.alpha[None], shape)[0],
        mask=None if layer.mask is None else resize(layer.mask[None], shape)[0],
    )


def shrunk_shape(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Height and width with a longer side of at most ``size`` px."""
    factor = min(1.0, size / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def visible_colors(layer: LayerTensors) -> Tensor:
    """The layer's colours, 3 x H x W in 0..1, those under fully transparent pixels replaced."""
    return fill_transparent(finite_colors(layer)[0], layer.alpha)


def counted_pixels(layer: LayerTensors) -> Tensor | None:
    """How much of a picture to learn from counts, H x W in 0..1: what is seen and selected."""
    if layer.mask is None or layer.alpha is None:
        return layer.alpha if layer.mask is None else layer.mask
    return layer.mask * layer.alpha


def finite_colors(layer: LayerTensors) -> tuple[Tensor, tuple[str, ...]]:
    """The layer's colours in 0..1, and notes that say so where they were not."""
    color = layer.color
    if bool(((color >= 0) & (color <= 1)).all()):
        return color, ()
    note = "sample values outside 0..1 were clamped and NaN was taken as 0 where the layer changed"
    return torch.nan_to_num(color, nan=0.0).clamp_(0, 1), (note,)


def amount_of(layer: LayerTensors, strength: float = 1.0) -> Tensor:
    """How much of the pastiche every pixel gets, H x W in 0..1."""
    shape = layer.color.shape[-2:]
    amount = layer.color.new_full(shape, strength) if layer.mask is None else layer.mask * strength
    return amount if layer.alpha is None else torch.where(layer.alpha > 0, amount, 0.0)


def _pastiche(
    network: TransformerNetwork, color: Tensor, options: StylizeOptions, report: Report
) -> Tensor:
    """The pastiche at full strength, 3 x H x W."""
    shape = (color.shape[-2], color.shape[-1])
    scaled = network_shape(shape, options.stroke_size)
    image = prepare_image(network, resize(color, scaled)[None])
    mix = torch.tensor([options.mix], dtype=torch.float32, device=image.device)
    whole = scaled[0] * scaled[1] <= _WHOLE_PIXELS
    pastiche = network(image, mix, report) if whole else stream(network, image, mix, report)
    pastiche = pastiche[0].float().to(color.device)
    pastiche = resize(pastiche, shape)
    return keep_colors(color, pastiche) if options.preserve_colors else pastiche


def fill_transparent(color: Tensor, alpha: Tensor | None) -> Tensor:
    """Give fully transparent pixels the colours of their visible neighbourhood.

    ``color`` is 3 x H x W, ``alpha`` H x W. Push-pull: colours weighted by alpha are averaged to
    ever coarser levels, and every hole takes the finest level that has any (Gortler et al., "The
    Lumigraph", 1996). Visible pixels stay as they are.
    """
    if alpha is None or bool((alpha > 0).all()):
        return color
    return torch.where(alpha > 0, color, _push_pull(color * alpha, alpha[None]))


def _push_pull(weighted: Tensor, weight: Tensor) -> Tensor:
    own = own_colors(weighted, weight)
    if bool((weight > 0).all()) or max(weight.shape[-2:]) == 1:
        return own
    coarse = _push_pull(halve(weighted), halve(weight))
    filled = resize(coarse, (weight.shape[-2], weight.shape[-1]))
    return torch.where(weight > 0, own, filled)


def own_colors(weighted: Tensor, weight: Tensor) -> Tensor:
    """A level's colours of those times their weight; anything where the weight is 0."""
    return weighted / weight.clamp_min(torch.finfo(weight.dtype).tiny)


def halve(x: Tensor) -> Tensor:
    """... x C x H x W at half the size, rounded up, as means of the pixels that there are."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


def resize(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """C x H x W to C x h x w in 0..1, smoothed where it shrinks."""
    if tuple(image.shape[-2:]) == shape:
        return image
    return interpolate(image[None], shape)[0].clamp_(0, 1)


def interpolate(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """As `resize`, for N x C x H x W, and not cut to 0..1."""
    if shape[1] == 1 and image.shape[-2] != shape[0]:
        # torch 2.x takes the weights of a single column from the wrong places: two are right.
        column = image if image.shape[-1] == 1 else interpolate(image, (image.shape[-2], 1))
        return interpolate(column.expand(-1, -1, -1, 2), (shape[0], 2))[..., :1]
    return F.interpolate(image, size=shape, mode="bicubic", align_corners=False, antialias=True)


def keep_colors(content: Tensor, pastiche: Tensor) -> Tensor:
    """The pastiche's luminance with the content's chrominance, both 3 x H x W.

    Luminance-only transfer in YIQ (Gatys et al., "Preserving Color in Neural Artistic Style
    Transfer", 2016, section 5). In YIQ that is to add the luminance's difference to all channels.
    """
    return (content + luminance(pastiche) - luminance(content)).clamp_(0, 1)


def luminance(color: Tensor) -> Tensor:
    """Y of YIQ (ITU-R BT.601), 1 x H x W, from 3 x H x W with its transfer curve."""
    weights = color.new_tensor([0.299, 0.587, 0.114])
    return (color * weights[:, None, None]).sum(dim=0, keepdim=True)
