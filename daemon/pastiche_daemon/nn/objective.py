"""The perceptual objective: content, style and total variation losses of one encoder, weighted.

Gatys et al., CVPR 2016, eq. 7, with the total variation term of Johnson et al., ECCV 2016.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.losses import content_loss, gram_matrix, style_loss, total_variation


def default_content_layers() -> dict[str, float]:
    """Deep enough to keep what is shown and not how: relu4_2."""
    return {"relu4_2": 1.0}


def default_style_layers() -> dict[str, float]:
    """The first layer of every block: relu1_1 to relu5_1."""
    return {f"relu{block}_1": 1.0 for block in range(1, 6)}


@dataclass(frozen=True)
class ObjectiveWeights:
    """``content`` * L_content + ``style`` * L_style + ``tv`` * L_tv.

    L_content is the sum over ``content_layers`` of layer weight times the mean squared error
    (Johnson, eq. 2); L_style the sum over ``style_layers`` of layer weight times the squared error
    of the Gram matrices over the squared norm of the style's (see `losses.style_loss`, "target").
    Raises ValueError, naming the weight, where one is negative or not a number.
    """

    content: float = 0.1
    style: float = 1.0
    tv: float = 2.0
    tv_exponent: float = 2.0
    content_layers: Mapping[str, float] = field(default_factory=default_content_layers)
    style_layers: Mapping[str, float] = field(default_factory=default_style_layers)

    def __post_init__(self) -> None:
        named = {"content": self.content, "style": self.style, "tv": self.tv}
        named |= {f"content_layers.{k}": v for k, v in self.content_layers.items()}
        named |= {f"style_layers.{k}": v for k, v in self.style_layers.items()}
        for name, value in named.items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} weight must be a number of at least 0, not {value}")
        if not any(named.values()):
            raise ValueError("content, style and tv weights are all 0; give at least one")


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

    def style_targets(self, image: Tensor) -> dict[str, Tensor]:
        """Gram matrices (1 x C x C, normalized by H W) of a style image at the style layers."""
        with torch.no_grad():
            features = self.encoder(image, self.weights.style_layers)
            return {layer: gram_matrix(f.float(), "hw") for layer, f in features.items()}

    def losses(
        self, image: Tensor, content: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> Losses:
        """Losses of ``image`` (N x 3 x H x W, 0..1), averaged over the batch.

        ``content`` has the targets of the same N images; ``style`` those of N styles, or of one
        for all. The encoder may run in half precision; the losses are taken in float32.
        """
        weights = self.weights
        features = self.encoder(image, {*weights.content_layers, *weights.style_layers})
        zero = torch.zeros((), device=image.device)
        content_term, style_term = zero, zero
        for layer, weight in weights.content_layers.items():
            error = content_loss(wide(features[layer]), wide(content[layer]))
            content_term = content_term + weight * error
        for layer, weight in weights.style_layers.items():
            gram = gram_matrix(wide(features[layer]), "hw")
            target = style[layer].expand(gram.shape)
            style_term = style_term + weight * style_loss(gram, target, "target")
        content_term = weights.content * content_term
        style_term = weights.style * style_term
        tv_term = weights.tv * total_variation(wide(image), weights.tv_exponent)
        return Losses(content_term + style_term + tv_term, content_term, style_term, tv_term)


def wide(x: Tensor) -> Tensor:
    """Half-precision values as float32; losses are never taken in less."""
    return x if x.dtype == torch.float64 else x.float()
