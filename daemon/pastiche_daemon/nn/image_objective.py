"""The objective of optimizing one image: content, any number of style images, total variation.

Gatys et al., CVPR 2016, eq. 7: alpha L_content + beta L_style, plus a total variation term
(Mahendran & Vedaldi, CVPR 2015). Several styles and regions after Gatys et al., "Controlling
Perceptual Factors in Neural Style Transfer", CVPR 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class _Style:
    share: float
    region: Tensor | None
    targets: dict[str, StyleTarget]


class ImageObjective:
    """Compares images with one content image and style images, whose features are taken once.

    ``content`` is 1 x 3 x H x W in 0..1, or None where its weight is 0. Raises
    `encoder.UnknownLayerError`, and ValueError where what a positive weight asks for is missing,
    the styles' weights are no positive numbers, or an image is too small for the layers.
    """

    def __init__(
        self,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
    ) -> None:
        content_layers = _used(terms.content_layers, terms.content)
        style_layers = _used(terms.style_layers, terms.style)
        encoder.check_layers([*content_layers, *style_layers])
        if content_layers and content is None:
            raise ValueError("content_weight: is positive, but there is no content image")
        if style_layers and not styles:
            raise ValueError("style_weight: is positive, but there is no style image")
        self.terms = terms
        self._encoder = encoder
        self._content_layers, self._style_layers = content_layers, style_layers
        self._content = self._features(content, content_layers)
        self._styles = [self._style(style, styles) for style in styles] if style_layers else []

    def losses(self, image: Tensor) -> Losses:
        """The weighted terms for ``image``, 1 x 3 x H x W with 0..1 as the range of pictures."""
        terms = self.terms
        wanted = {*self._content_layers, *self._style_layers}
        features = self._encoder(self._as_input(image), wanted) if wanted else {}
        zero = torch.zeros((), device=image.device)
        content, style = zero, zero
        for layer in self._content_layers:
            content = content + terms.content_error(layer, features[layer], self._content[layer])
        for source in self._styles:
            for layer, weight in self._style_layers.items():
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
            return self._encoder(self._as_input(image), layers)

    def _style(self, style: WeightedStyle, styles: Sequence[WeightedStyle]) -> _Style:
        if not (math.isfinite(style.weight) and style.weight >= 0):
            raise ValueError(f"styles: a weight must be at least 0, not {style.weight}")
        total = sum(other.weight for other in styles)
        if not total > 0:
            raise ValueError("styles: the weights are all 0; give one of them more")
        features = self._features(style.image, self._style_layers)
        statistic = self.terms.statistic
        targets: dict[str, StyleTarget] = {}
        for layer, maps in features.items():
            found = wide(maps)
            targets[layer] = statistic.of_style(found, _fit(style.counted, found))
        return _Style(style.weight / total, style.region, targets)

    def _as_input(self, image: Tensor) -> Tensor:
        weight = self._encoder.preprocess.weight
        ready = image.to(device=weight.device, dtype=weight.dtype)
        return ready.contiguous(memory_format=torch.channels_last)


def _used(layers: Mapping[str, float], weight: float) -> dict[str, float]:
    return {layer: value for layer, value in layers.items() if value} if weight else {}


def _fit(region: Tensor | None, features: Tensor) -> Tensor | None:
    """A region as weights of the positions of feature maps."""
    if region is None:
        return None
    return F.interpolate(region.to(features), size=features.shape[-2:], mode="area")
