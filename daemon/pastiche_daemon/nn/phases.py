"""Resizing to twice the size and a 3x3 convolution, as convolutions at the small size.

Both are linear, and every second row and column is computed alike: its phase. The kernels of the
four phases, 3x3 each, have the arithmetic of the convolution alone; what is spared is the large
resized copy, and there are more channels at once for the vector units to work on. This is the
inside: at the border of the result, where the resized maps are padded, it is another sum.

The decomposition is that of Odena et al., "Deconvolution and Checkerboard Artifacts", 2016,
figure "resize-convolution", read backwards: a resize and a convolution are a transposed one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.transformer_switches import Upsampling

# What a tap on the large maps, at -1, 0, 1 around an even or an odd position, takes of the small
# ones, at -1, 0, 1 around the position that both lie in.
_TAPS = {
    "nearest": (
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0)),
        ((0.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    ),
    "bilinear": (
        ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25)),
        ((0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75)),
    ),
}


class PhaseConvolution:
    """The four phases of a 3x3 convolution of maps resized to twice the size."""

    def __init__(self, weight: Tensor, bias: Tensor | None, upsampling: Upsampling) -> None:
        """``weight`` is O x C x 3 x 3. Raises ValueError for another kernel or ``transposed``."""
        if upsampling == "transposed" or weight.shape[-2:] != (3, 3):
            raise ValueError(f"no phases: {upsampling}, kernel {tuple(weight.shape[-2:])}")
        # Rounded once more in half precision, so that the sums are made in a wider type.
        wide = torch.promote_types(weight.dtype, torch.float32)
        taps = torch.tensor(_TAPS[upsampling], dtype=wide, device=weight.device)
        # Row phase, column phase, output and input channel, small row, small column.
        folded = torch.einsum("ocyx,iyv,jxu->ijocvu", weight.to(wide), taps, taps)
        self._weights = [
            row.flatten(0, 1).to(weight.dtype).contiguous(memory_format=torch.channels_last)
            for row in folded
        ]
        self._bias = None if bias is None else bias.repeat(2)

    def __call__(self, x: Tensor) -> Tensor:
        """1 x C x (h + 2) x (w + 2), one position around what is asked for, to 1 x O x 2h x 2w."""
        phases = [F.conv2d(x, weight, self._bias) for weight in self._weights]
        # Two columns of O channels are 2 O channels of one, channels-last.
        rows = [phase.permute(0, 2, 3, 1) for phase in phases]
        both = torch.stack(rows, dim=2)
        n, h, _, w, channels = both.shape
        return both.view(n, 2 * h, 2 * w, channels // 2).permute(0, 3, 1, 2)
