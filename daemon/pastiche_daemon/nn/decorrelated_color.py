"""Colours along the axes in which those of natural images vary independently.

Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017, section "Preconditioning and
Parameterization": an optimizer that moves every variable alike, as Adam does, moves red, green and
blue apart as easily as together, and fills a picture with hues that neither content nor style has.
In these axes lightness moves the most, then blue against yellow, then green against purple.
"""

from __future__ import annotations

import torch
from torch import Tensor

# A square root of the covariance of colours over ImageNet, as published with that article (Lucid),
# scaled so that its longest column has the length 1.
_AXES = (
    (0.5627, 0.1948, 0.0433),
    (0.5844, 0.0000, -0.1082),
    (0.5844, -0.1948, 0.0649),
)


def decorrelate(image: Tensor) -> Tensor:
    """RGB, N x 3 x H x W, in the decorrelated axes."""
    return _mapped(torch.linalg.inv(_axes(image)), image)


def correlate(image: Tensor) -> Tensor:
    """The RGB of decorrelated colours, N x 3 x H x W; linear and differentiable."""
    return _mapped(_axes(image), image)


def _axes(like: Tensor) -> Tensor:
    return torch.tensor(_AXES, dtype=like.dtype, device=like.device)


def _mapped(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,njhw->nihw", matrix, image)
