"""The objective of optimizing one image: content, any number of style images, total variation.

Gatys et al., CVPR 2016, eq. 7: alpha L_content + beta L_style, plus a total variation term
(Mahendran & Vedaldi, CVPR 2015). Several styles and regions after Gatys et al., "Controlling
Perceptual Factors in Neural Style Transfer", CVPR 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.loss_switches import ContentNormalization
from pastiche_daemon.nn.losses import total_variation
from pastiche_daemon.nn.objective import Losses, ObjectiveWeights, wide
from pastiche_daemon.nn.style_statistics import StyleTarget


@dataclass(frozen=True)
class ImageTerms(ObjectiveWeights):
    """As `ObjectiveWeights`, with the content's weight for one image.

    L_style is the mean over the style images, by their weights. Content and style are compared
    relative to their targets, so that the same weights mean the same with every encoder.
    """

    content: float = 0.05
    content_normalization: ContentNormalization = "target"


@dataclass(frozen=True)
class WeightedStyle:
    """A style image, 1 x 3 x H x W in 0..1, its weight, and the region that it shall fill.

    ``region`` is 1 x 1 x h x w in 0..1 over the optimized image, of any size; None: everywhere.
    ``counted`` is the same over the style image itself: how much each of its pixels counts.
    """

    image: Tensor
    weight: float = 1.0
    region: Tensor | None = None
    counted: Tensor | None = None


class Objective(Protocol):
    """What one image is compared with."""

    def losses(self, image: Tensor) -> Losses:
        """The weighted terms for ``image``, 1 x 3 x H x W with 0..1 as the range of pictures."""
        ...


class UsedTerms:
    """The terms that count, checked against an encoder and the images that are there.

    Raises `encoder.UnknownLayerError`, and ValueError where what a positive weight asks for is
    missing, or the styles' weights are no positive numbers.
    """

    def __init__(
        self,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
    ) -> None:
        self.content_layers = _used(terms.content_layers, terms.content)
        self.style_layers = _used(terms.style_layers, terms.style)
        encoder.check_layers(self.layers)
        if self.content_layers and content is None:
            raise ValueError("content_weight: is positive, but there is no content image")
        if self.style_layers and not styles:
            raise ValueError("style_weight: is positive, but there is no style image")
        self.styles = list(styles) if self.style_layers else []
        for style in self.styles:
            if not (math.isfinite(style.weight) and style.weight >= 0):
                raise ValueError(f"styles: a weight must be at least 0, not {style.weight}")
        self._total = sum(style.weight for style in self.styles)
        if self.styles and not self._total > 0:
            raise ValueError("styles: the weights are all 0; give one of them more")

    @property
    def layers(self) -> set[str]:
        return {*self.content_layers, *self.style_layers}

    def share(self, style: WeightedStyle) -> float:
        """The style's part of all."""
        return style.weight / self._total


@dataclass(frozen=True)
class _Content:
    features: Tensor
    divisor: Tensor


@dataclass(frozen=True)
class _Style:
    share: float
    region: Tensor | None
    targets: dict[str, StyleTarget]


class ImageObjective:
    """Compares images with one content image and style images, whose features are taken once.

    ``content`` is 1 x 3 x H x W in 0..1, or None where its weight is 0. Raises what `UsedTerms`
    does, and ValueError where an image is too small for the layers.
    """

    def __init__(
        self,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
    ) -> None:
        self.terms = terms
        self._encoder = encoder
        self._used = used = UsedTerms(encoder, terms, content, styles)
        self._content = {
            layer: _Content(found, terms.content_divisor(found))
            for layer, found in self._features(content, used.content_layers).items()
        }
        self._styles = [self._style(style) for style in used.styles]

    def losses(self, image: Tensor) -> Losses:
        """As `Objective.losses`."""
        terms, used = self.terms, self._used
        layers = used.layers
        features = self._encoder(encoder_input(self._encoder, image), layers) if layers else {}
        zero = torch.zeros((), device=image.device)
        content, style = zero, zero
        for layer, kept in self._content.items():
            content = content + terms.content_error(
                layer, features[layer], kept.features, kept.divisor
            )
        for source in self._styles:
            for layer, weight in used.style_layers.items():
                found = wide(features[layer])
                positions = _fit(source.region, found)
                error = source.targets[layer].loss(found, positions)
                style = style + source.share * weight * error
        content, style = terms.content * content, terms.style * style
        tv = zero
        if terms.tv:
            tv = terms.tv * total_variation(image, terms.tv_exponent)
        return Losses(content + style + tv, content, style, tv)

    def _features(self, image: Tensor | None, layers: Mapping[str, float]) -> dict[str, Tensor]:
        if image is None or not layers:
            return {}
        with torch.no_grad():
            return self._encoder(encoder_input(self._encoder, image), layers)

    def _style(self, style: WeightedStyle) -> _Style:
        statistic = self.terms.statistic
        targets: dict[str, StyleTarget] = {}
        for layer, maps in self._features(style.image, self._used.style_layers).items():
            found = wide(maps)
            targets[layer] = statistic.of_style(found, _fit(style.counted, found))
        return _Style(self._used.share(style), style.region, targets)


def encoder_input(encoder: Encoder, image: Tensor) -> Tensor:
    """An image on the encoder's device, in its type and layout."""
    weight = encoder.preprocess.weight
    ready = image.to(device=weight.device, dtype=weight.dtype)
    return ready.contiguous(memory_format=torch.channels_last)


def fit_region(region: Tensor, like: Tensor, shape: tuple[int, int]) -> Tensor:
    """A region as weights of the positions of feature maps of a ``shape``, of the type of some."""
    return F.interpolate(region.to(like), size=shape, mode="area")


def _fit(region: Tensor | None, features: Tensor) -> Tensor | None:
    if region is None:
        return None
    return fit_region(region, features, (features.shape[-2], features.shape[-1]))


def _used(layers: Mapping[str, float], weight: float) -> dict[str, float]:
    return {layer: value for layer, value in layers.items() if value} if weight else {}
