"""The objective of optimizing one image, tile by tile, with the whole image's loss and gradient.

A first pass over the tiles, without gradients, gathers the means that the style statistics are
made of (`tiled_encoder`). The loss is a function of these few numbers, and so is its derivative
with respect to them. A second pass computes every tile again and carries that derivative back to
the tile's pixels, together with the content loss of the tile's own positions. What autograd keeps
is that of one tile, whatever the image's size; the price is one forward pass more.

Tiles overlap by what the layers see (`feature_tiles`), so that every position has the very features
that it has in the whole image, and its gradient reaches all the pixels that it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder, EncoderSpec
from pastiche_daemon.nn.feature_tiles import (
    FeatureGrid,
    counted_of,
    least_tile,
    part_of,
    pixels_of,
    stride_of,
)
from pastiche_daemon.nn.image_objective import ImageTerms, UsedTerms, WeightedStyle
from pastiche_daemon.nn.image_tiles import Tile
from pastiche_daemon.nn.losses import total_variation
from pastiche_daemon.nn.objective import Losses
from pastiche_daemon.nn.style_statistics import StyleTarget, Summary
from pastiche_daemon.nn.tiled_encoder import TakenStatistic, TiledEncoder

# Content features of more values than this per pixel are computed again for every tile.
_MOST_KEPT = 8


class _Key(NamedTuple):
    """A layer's statistic for one of the styles, by its place."""

    style: int
    layer: str


@dataclass(frozen=True)
class _Content:
    """What a layer is compared with: its divisor, and its feature maps where they are kept."""

    divisor: Tensor
    features: Tensor | None


@dataclass(frozen=True)
class _Fixed:
    """What stays the same for all images of one size."""

    grid: FeatureGrid
    content: dict[str, _Content]
    statistics: dict[_Key, TakenStatistic]


class TiledObjective:
    """As `image_objective.ImageObjective`, in tiles of at most ``tile`` x ``tile`` pixels.

    Memory beside the images' own is that of one tile, and of content features where these take no
    more than a few images do. Loss and gradient are those of the whole image, up to the rounding
    of sums. The targets are gathered when they are first needed.

    ``before_tile`` is called before every tile. Where it returns False, `losses` raises
    `pixel_optimizer.Stopped`; what it raises is passed on. Raises what `UsedTerms` does, and
    ValueError where ``tile`` is less than `feature_tiles.least_tile`.
    """

    def __init__(
        self,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
        *,
        tile: int,
        before_tile: Callable[[], bool] = lambda: True,
    ) -> None:
        self.terms = terms
        self._used = used = UsedTerms(encoder, terms, content, styles)
        least = least_tile(encoder.spec, used.layers)
        if tile < least:
            raise ValueError(f"tile: must be at least {least} pixels for these layers, not {tile}")
        self._encoder = TiledEncoder(encoder, tile, before_tile)
        self._content = content if used.content_layers else None
        self._targets: dict[_Key, StyleTarget] | None = None
        self._fixed: _Fixed | None = None

    def losses(self, image: Tensor) -> Losses:
        """As `image_objective.Objective.losses`; of the terms only the total has a gradient."""
        terms = self.terms
        zero = torch.zeros((), device=image.device)
        content, style, compared = zero, zero, zero
        if self._used.layers:
            whole = image.detach()
            fixed = self._fixed_for(whole)
            style, slopes = self._style(whole, fixed)
            if image.requires_grad and torch.is_grad_enabled():
                content, gradient = self._content_and_gradient(whole, fixed, slopes)
                compared = _known(image, content + style, gradient)
            else:
                content = self._content_alone(whole, fixed)
                compared = content + style
        tv = zero
        if terms.tv:
            tv = terms.tv * total_variation(image, terms.tv_exponent)
        return Losses(compared + tv, content, style, tv)

    def _style(self, image: Tensor, fixed: _Fixed) -> tuple[Tensor, dict[_Key, Summary]]:
        """The style term, and its derivative with respect to the means that it is made of."""
        used = self._used
        style = torch.zeros((), device=image.device)
        slopes: dict[_Key, Summary] = {}
        targets = self._style_targets()
        for key, means in self._encoder.gathered(image, fixed.grid, fixed.statistics).items():
            taken = fixed.statistics[key]
            with torch.enable_grad():
                leaves = {name: value.requires_grad_() for name, value in means.items()}
                summary = taken.statistic.finished(leaves, taken.center)
                share = used.share(used.styles[key.style]) * used.style_layers[key.layer]
                error = self.terms.style * share * targets[key].distance(summary)
            found = torch.autograd.grad(error, list(leaves.values()))
            slopes[key] = dict(zip(leaves, found, strict=True))
            style = style + error.detach().to(style.device)
        return style, slopes

    def _content_and_gradient(
        self, image: Tensor, fixed: _Fixed, slopes: Mapping[_Key, Summary]
    ) -> tuple[Tensor, Tensor]:
        """The content term, and the gradient of it and of the style term, 1 x 3 x H x W."""
        encoder = self._encoder
        gradient = torch.zeros_like(image)
        total = 0.0
        for tile in encoder.each(fixed.grid):
            targets = self._content_features(tile, fixed)
            pixels = encoder.pixels(image, tile).requires_grad_()
            features = encoder.encoder(pixels, self._used.layers)
            content = self._content_error(features, targets, tile, fixed)
            pulled = content
            for key, slope in slopes.items():
                means = fixed.statistics[key].means(features, tile, fixed.grid)
                for name, value in means.items():
                    pulled = pulled + (slope[name] * value).sum()
            del features
            total += content.item()
            if pulled.requires_grad:
                (found,) = torch.autograd.grad(pulled, pixels)
                pixels_of(gradient, tile).add_(found.to(gradient))
        return torch.tensor(total, dtype=encoder.wide_dtype, device=image.device), gradient

    @torch.no_grad()
    def _content_alone(self, image: Tensor, fixed: _Fixed) -> Tensor:
        total = 0.0
        for tile in self._encoder.each(fixed.grid) if fixed.content else ():
            targets = self._content_features(tile, fixed)
            features = self._encoder.features(image, tile, fixed.content)
            total += self._content_error(features, targets, tile, fixed).item()
        return torch.tensor(total, dtype=self._encoder.wide_dtype, device=image.device)

    def _content_error(
        self,
        features: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        tile: Tile,
        fixed: _Fixed,
    ) -> Tensor:
        """The content term of a tile's positions."""
        error = torch.zeros((), device=self._encoder.device)
        for layer, target in targets.items():
            found = counted_of(features[layer], tile, layer)
            divisor = fixed.content[layer].divisor
            error = error + self.terms.content_error(layer, found, target, divisor)
        return self.terms.content * error

    def _content_features(self, tile: Tile, fixed: _Fixed) -> dict[str, Tensor]:
        """The target's features that count in a tile, by layer."""
        found = {
            layer: part_of(content.features, tile, layer)
            for layer, content in fixed.content.items()
            if content.features is not None
        }
        missing = set(fixed.content) - set(found)
        if missing and self._content is not None:
            features = self._encoder.features(self._content, tile, missing)
            found |= {layer: counted_of(features[layer], tile, layer) for layer in missing}
        return found

    def _fixed_for(self, image: Tensor) -> _Fixed:
        shape = (image.shape[-2], image.shape[-1])
        if self._fixed is None or (self._fixed.grid.height, self._fixed.grid.width) != shape:
            grid = self._encoder.grid(image, self._used.layers)
            self._fixed = _Fixed(grid, self._content_targets(grid), self._statistics(grid))
        return self._fixed

    def _content_targets(self, grid: FeatureGrid) -> dict[str, _Content]:
        if self._content is None:
            return {}
        if tuple(self._content.shape[-2:]) != (grid.height, grid.width):
            raise ValueError(
                f"shapes differ: {(grid.height, grid.width)} and {tuple(self._content.shape[-2:])}"
            )
        encoder, layers = self._encoder, self._used.content_layers
        kept: dict[str, Tensor] = {}
        divisors: dict[str, Tensor] = {}
        for tile in encoder.each(grid):
            features = encoder.features(self._content, tile, layers)
            for layer in layers:
                found = counted_of(features[layer], tile, layer)
                divisor = self.terms.content_divisor(found).cpu().double()
                if self.terms.content_normalization != "gatys":  # whose is no sum over positions
                    divisor = divisor + divisors.get(layer, 0.0)
                divisors[layer] = divisor
                if is_kept(encoder.encoder.spec, layer):
                    whole = kept.get(layer)
                    if whole is None:
                        whole = kept[layer] = found.new_empty(
                            (1, found.shape[1], *grid.shape(layer))
                        )
                    part_of(whole, tile, layer).copy_(found)
            del features
        return {
            layer: _Content(divisor.to(encoder.device, encoder.wide_dtype), kept.get(layer))
            for layer, divisor in divisors.items()
        }

    def _statistics(self, grid: FeatureGrid) -> dict[_Key, TakenStatistic]:
        statistic = self.terms.statistic
        return {
            key: TakenStatistic(
                statistic,
                key.layer,
                self._encoder.shares(self._used.styles[key.style].region, key.layer, grid),
                target.frequencies,
                # The image's mean comes near the style's.
                target.summary["mean"] if statistic.kind == "moments" else None,
            )
            for key, target in self._style_targets().items()
        }

    def _style_targets(self) -> dict[_Key, StyleTarget]:
        if self._targets is None:
            self._targets = {
                _Key(place, layer): target
                for place, style in enumerate(self._used.styles)
                for layer, target in self._encoder.style_targets(
                    style, self._used.style_layers, self.terms.statistic
                ).items()
            }
        return self._targets


def is_kept(spec: EncoderSpec, layer: str) -> bool:
    """Whether a content layer's features are kept, instead of computed again for every tile."""
    return spec.channels(layer) <= _MOST_KEPT * stride_of(layer) ** 2


class _Known(torch.autograd.Function):
    """A value whose gradient with respect to an image is there already."""

    @staticmethod
    def forward(
        ctx: Any,
        image: Tensor,  # noqa: ARG004 - what the gradient belongs to
        value: Tensor,
        gradient: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outward: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return outward[0] * gradient, None, None


def _known(image: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    found = _Known.apply(image, value, gradient)
    assert isinstance(found, Tensor)
    return found
