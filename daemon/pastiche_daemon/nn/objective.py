"""The perceptual objective: content, style and total variation losses of one encoder, weighted.

Gatys et al., CVPR 2016, eq. 7, with the total variation term of Johnson et al., ECCV 2016
(Mahendran & Vedaldi, CVPR 2015).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.losses import (
    ContentNormalization,
    Distance,
    content_divisor,
    content_loss,
    total_variation,
)
from pastiche_daemon.nn.style_statistics import StyleStatistic, StyleTarget


def default_content_layers() -> dict[str, float]:
    """Deep enough to keep what is shown and not how: relu4_2."""
    return {"relu4_2": 1.0}


def default_style_layers() -> dict[str, float]:
    """The first layer of every block: relu1_1 to relu5_1."""
    return {f"relu{block}_1": 1.0 for block in range(1, 6)}


@dataclass(frozen=True)
class ObjectiveWeights:
    """What counts, and how much: ``content`` L_content + ``style`` L_style + ``tv`` L_tv.

    ``content`` is alpha, ``style`` beta. L_content is the sum over ``content_layers`` of layer
    weight times `losses.content_loss`; L_style the sum over ``style_layers`` of layer weight times
    ``statistic``; L_tv is `losses.total_variation` with ``tv_exponent``, which is beta of
    Mahendran & Vedaldi.

    Raises ValueError, naming the field, where a weight is negative or no number, or all are 0.
    """

    content: float = 0.1
    style: float = 1.0
    tv: float = 2.0
    tv_exponent: float = 2.0
    content_layers: Mapping[str, float] = field(default_factory=default_content_layers)
    style_layers: Mapping[str, float] = field(default_factory=default_style_layers)
    content_distance: Distance = "l2"
    content_normalization: ContentNormalization = "johnson"
    statistic: StyleStatistic = field(default_factory=StyleStatistic)

    def __post_init__(self) -> None:
        named = {
            "content_weight": self.content,
            "style_weight": self.style,
            "tv_weight": self.tv,
            **{f"content_layers.{layer}": w for layer, w in self.content_layers.items()},
            **{f"style_layers.{layer}": w for layer, w in self.style_layers.items()},
        }
        for name, value in named.items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name}: must be a number of at least 0, not {value}")
        if not (math.isfinite(self.tv_exponent) and self.tv_exponent > 0):
            raise ValueError(f"tv_exponent: must be positive, not {self.tv_exponent}")
        if self.content == self.style == self.tv == 0:
            raise ValueError("content_weight: content, style and TV weights are all 0; give one")
        if self.content and not any(self.content_layers.values()):
            raise ValueError("content_layers: none has a weight; give one or set the weight to 0")
        if self.style and not any(self.style_layers.values()):
            raise ValueError("style_layers: none has a weight; give one or set the weight to 0")

    def content_error(
        self, layer: str, features: Tensor, target: Tensor, divisor: Tensor | None = None
    ) -> Tensor:
        """The weighted content loss of one layer's feature maps, before ``content``.

        ``divisor`` as in `losses.content_loss`.
        """
        error = content_loss(
            wide(features),
            wide(target),
            self.content_normalization,
            self.content_distance,
            divisor,
        )
        return self.content_layers[layer] * error

    def content_divisor(self, target: Tensor) -> Tensor:
        """What `losses.content_divisor` gives for a target's feature maps."""
        return content_divisor(wide(target), self.content_normalization, self.content_distance)


class Losses(NamedTuple):
    """The weighted terms, scalars, and their sum."""

    total: Tensor
    content: Tensor
    style: Tensor
    tv: Tensor


class PerceptualObjective:
    """Compares images with content and style targets through one encoder."""

    def __init__(self, encoder: Encoder, weights: ObjectiveWeights) -> None:
        encoder.check_layers([*weights.content_layers, *weights.style_layers])
        self.encoder = encoder
        self.weights = weights

    def content_targets(self, image: Tensor) -> dict[str, Tensor]:
        """Feature maps of the content image (N x 3 x H x W) at the content layers."""
        with torch.no_grad():
            return self.encoder(image, self.weights.content_layers)

    def style_targets(self, image: Tensor) -> dict[str, StyleTarget]:
        """What a style image (1 x 3 x H x W) has at the style layers, by layer."""
        with torch.no_grad():
            features = self.encoder(image, self.weights.style_layers)
            statistic = self.weights.statistic
            return {layer: statistic.of_style(wide(f)) for layer, f in features.items()}

    def losses(
        self, image: Tensor, content: Mapping[str, Tensor], style: Mapping[str, StyleTarget]
    ) -> Losses:
        """Losses of ``image`` (N x 3 x H x W, 0..1), averaged over the batch.

        ``content`` has the targets of the same N images; ``style`` those of N styles, or of one
        for all. The encoder may run in half precision; the losses are taken in float32.
        """
        weights = self.weights
        features = self.encoder(image, {*weights.content_layers, *weights.style_layers})
        zero = torch.zeros((), device=image.device)
        content_term, style_term = zero, zero
        for layer in weights.content_layers:
            error = weights.content_error(layer, features[layer], content[layer])
            content_term = content_term + error
        for layer, weight in weights.style_layers.items():
            style_term = style_term + weight * style[layer].loss(wide(features[layer]))
        content_term = weights.content * content_term
        style_term = weights.style * style_term
        tv_term = weights.tv * total_variation(wide(image), weights.tv_exponent)
        return Losses(content_term + style_term + tv_term, content_term, style_term, tv_term)


def wide(x: Tensor) -> Tensor:
    """Half-precision values as float32; losses are never taken in less."""
    return x if x.dtype == torch.float64 else x.float()
