"""Perceptual losses as pure functions over feature maps.

Papers normalize the same losses differently; where they differ, the difference is a parameter.
Feature maps have the shape N x C x H x W. With Gatys' symbols, C is ``N_l`` and H*W is ``M_l``.

Sources: Gatys et al., "A Neural Algorithm of Artistic Style", 2015, and "Image Style Transfer
Using Convolutional Neural Networks", CVPR 2016; Johnson et al., "Perceptual Losses for Real-Time
Style Transfer and Super-Resolution", ECCV 2016; Mahendran & Vedaldi, CVPR 2015 (total variation).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from pastiche_daemon.nn.loss_switches import ContentNormalization, Distance

GramNormalization = Literal["none", "hw", "chw"]
StyleNormalization = Literal["gatys", "johnson", "target"]


def content_loss(
    features: Tensor,
    target: Tensor,
    normalization: ContentNormalization = "johnson",
    distance: Distance = "l2",
    divisor: Tensor | None = None,
) -> Tensor:
    """Error between feature maps of one layer, a scalar averaged over the batch.

    - ``gatys``: 1/2 sum_ij (F_ij - P_ij)^2 (CVPR 2016, eq. 1);
    - ``johnson``: 1/(C H W) ||F - P||^2 (ECCV 2016, eq. 2);
    - ``target``: ||F - P||^2 / ||P||^2, which weighs alike whatever the encoder's scale. Not in
      the papers.

    ``distance`` l1 takes absolute instead of squared differences (and values). ``divisor`` is what
    `content_divisor` gives, for targets that are compared with again and again, or of which these
    are a part. Raises ValueError where the shapes differ.
    """
    _check_same_shape(features, target)
    if divisor is None:
        divisor = content_divisor(target, normalization, distance)
    return (_powers(features - target, distance).sum(dim=(1, 2, 3)) / divisor).mean()


def content_divisor(
    target: Tensor, normalization: ContentNormalization, distance: Distance
) -> Tensor:
    """What `content_loss` divides the sum of differences by, for each of N targets."""
    if normalization == "gatys":
        return target.new_full((target.shape[0],), 2.0)
    if normalization == "johnson":
        return target.new_full((target.shape[0],), target[0].numel())
    size = _powers(target, distance).sum(dim=(1, 2, 3))
    return size.clamp_min(torch.finfo(size.dtype).tiny)


def _powers(values: Tensor, distance: Distance) -> Tensor:
    return values.square() if distance == "l2" else values.abs()


def gram_matrix(features: Tensor, normalization: GramNormalization = "chw") -> Tensor:
    """Gram matrices, N x C x C, of feature maps N x C x H x W.

    G_ij = sum_k F_ik F_jk over the positions k (Gatys CVPR 2016, eq. 3): ``none``; divided by
    H W: ``hw``; divided by C H W (Johnson, eq. 3): ``chw``.
    """
    n, c, h, w = features.shape
    # Positions first: channels-last feature maps are read as they lie in memory.
    flat = features.permute(0, 2, 3, 1).reshape(n, h * w, c)
    gram = flat.transpose(1, 2) @ flat
    if normalization == "none":
        return gram
    return gram / (h * w if normalization == "hw" else c * h * w)


def style_loss(
    gram: Tensor, target: Tensor, normalization: StyleNormalization = "gatys", positions: int = 1
) -> Tensor:
    """Squared error between Gram matrices (N x C x C), a scalar averaged over the batch.

    - ``gatys``: 1/(4 C^2 M^2) sum_ij (G_ij - A_ij)^2 for Gram matrices without normalization and
      M = ``positions`` of the generated image's feature maps (CVPR 2016, eq. 4);
    - ``johnson``: ||G - A||_F^2 (ECCV 2016, eq. 4), for Gram matrices normalized by C H W;
    - ``target``: ||G - A||_F^2 / ||A||_F^2, so that every layer starts near 1 whatever its scale;
      for Gram matrices normalized by H W or C H W. Not in the papers.

    Raises ValueError where the shapes differ or ``positions`` is not positive.
    """
    _check_same_shape(gram, target)
    if positions < 1:
        raise ValueError(f"positions must be at least 1, not {positions}")
    squared = (gram - target).square().sum(dim=(-2, -1))
    if normalization == "gatys":
        channels = gram.shape[-1]
        squared = squared / (4 * channels**2 * positions**2)
    elif normalization == "target":
        norm = target.square().sum(dim=(-2, -1))
        squared = squared / norm.clamp_min(torch.finfo(norm.dtype).tiny)
    return squared.mean()


def total_variation(image: Tensor, exponent: float = 2.0) -> Tensor:
    """Total variation of images N x C x H x W, a scalar averaged over all their samples.

    With d_x and d_y the differences to the right and lower neighbour:

    - ``exponent`` 1: anisotropic, sum |d_x| + |d_y|;
    - any other: sum (d_x^2 + d_y^2)^(exponent / 2) over the positions that have both neighbours
      (Mahendran & Vedaldi 2015, eq. 4, whose beta this is; 2 is the common squared variant).

    The sum is divided by N C H W, which the papers leave in the weight.
    """
    dy = image[..., 1:, :] - image[..., :-1, :]
    dx = image[..., :, 1:] - image[..., :, :-1]
    if exponent == 1.0:
        return (dx.abs().sum() + dy.abs().sum()) / image.numel()
    squared = dx[..., :-1, :].square() + dy[..., :, :-1].square()
    if exponent == 2.0:
        return squared.sum() / image.numel()
    # The root has no finite slope at zero for exponents below 2.
    return (squared + torch.finfo(image.dtype).eps).pow(exponent / 2).sum() / image.numel()


def grid_pattern(image: Tensor, period: int = 4, repeats: int = 8) -> Tensor:
    """How much of images N x C x H x W repeats with ``period`` px in both directions, a scalar.

    The variance between the ``period``^2 phases of the grid, each averaged over ``repeats`` x
    ``repeats`` periods; the mean over these windows. Zero for what does not know the grid. A
    network that shrinks by ``period`` can draw nothing else on flat ground, and learns to: a
    checkerboard that resize-convolutions do not prevent. Not in the papers. Images smaller than
    one window have none.
    """
    n, c, h, w = image.shape
    side = period * repeats
    rows, columns = h // side, w // side
    if not rows or not columns:
        return image.new_zeros(())
    whole = image[..., : rows * side, : columns * side]
    cells = whole.reshape(n, c, rows, repeats, period, columns, repeats, period)
    phases = cells.mean(dim=(3, 6))
    return phases.var(dim=(3, 5), correction=0).mean()


def _check_same_shape(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
