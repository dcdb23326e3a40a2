"""A convolution with few output channels, made quick by computing several columns as one.

Vector units work on 16 channels at a time, whatever the number of channels is: the network's last
convolution, which makes 3, wastes four fifths of them. Neighbouring columns of channels-last
feature maps are neighbours in memory, so that C channels at W positions are 4 C channels at W / 4
positions without a copy. The kernel that does the same there has zeros for a quarter of its
weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.split_precision import split

_FOLD = 4
# Channels that vector units make at once.
_AT_ONCE = 16


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """``F.conv2d`` of feature maps that are padded already, N x C x H x W.

    Columns are folded where that is quicker: channels-last, with stride 1, few channels in the
    result, and sides that allow it. The result is the same up to the rounding of sums. Where the
    kernel is of a narrower type, the result is of that, too, but ``x`` is not rounded to it.
    """
    if x.dtype != weight.dtype:
        x, weight = split(x, weight)
    if stride != 1 or not _pays(x, weight):
        return F.conv2d(x, weight, bias, stride=stride)
    folded = F.conv2d(_folded(x), fold_weight(weight), None if bias is None else bias.repeat(_FOLD))
    return _unfolded(folded)


def fold_weight(weight: Tensor) -> Tensor:
    """O x C x kh x kw to 4 O x 4 C x kh x k, the kernel that works on folded columns.

    Output channel ``i O + o`` is channel o of column i of four, input channel ``j C + c`` alike.
    """
    out, width, height, kernel = weight.shape
    cells = (_FOLD + kernel - 2) // _FOLD + 1
    spread = weight.new_zeros(_FOLD, out, width, height, cells * _FOLD)
    for column in range(_FOLD):
        spread[column, ..., column : column + kernel] = weight
    parted = spread.unflatten(-1, (cells, _FOLD)).permute(0, 1, 5, 2, 3, 4)
    return parted.flatten(2, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _pays(x: Tensor, weight: Tensor) -> bool:
    kernel = weight.shape[-1]
    return (
        weight.shape[0] * _FOLD <= _AT_ONCE
        and kernel > 1
        and (kernel - 1) % _FOLD == 0
        and x.shape[-1] % _FOLD == 0
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _folded(x: Tensor) -> Tensor:
    rows = x.permute(0, 2, 3, 1)
    return rows.reshape(*rows.shape[:2], -1, _FOLD * x.shape[1]).permute(0, 3, 1, 2)


def _unfolded(x: Tensor) -> Tensor:
    rows = x.permute(0, 2, 3, 1)
    return rows.reshape(*rows.shape[:2], -1, x.shape[1] // _FOLD).permute(0, 3, 1, 2)
