"""How far apart feature maps are, as a larger network that they were learned from would see it.

A small network's channels predict a large one's by a linear map H. Distances between H f, and Gram
matrices of H f, are those of the large network, as well as the small one knows them. They need no
more than C channels: with A the symmetric root of H^T H,

    |H f - H g| = |A (f - g)|  and  ||H G H^T||_F = ||A G A||_F,

so that A f takes the place of H f in every loss of squares.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def feature_metric(head: Tensor, mean_activation: float) -> Tensor:
    """The symmetric matrix A, C x C in float32, of a ``head``, T x C.

    It counts per channel: squared distances are divided by T / C, so that losses that are divided
    by the number of channels agree, too; and in units of ``mean_activation``, the mean of the
    features that the head predicts, so that layers weigh alike (Gatys et al., CVPR 2016,
    section 2). Raises ValueError where that is not positive.
    """
    if not mean_activation > 0:
        raise ValueError(f"mean_activation: must be positive, not {mean_activation}")
    teacher, student = head.shape
    wide = head.double() / mean_activation * math.sqrt(student / teacher)
    values, vectors = torch.linalg.eigh(wide.T @ wide)
    return ((vectors * values.clamp_min(0).sqrt()) @ vectors.T).float()
