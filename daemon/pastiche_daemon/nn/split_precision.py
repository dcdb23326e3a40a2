"""A picture in full precision through a convolution in half precision.

bfloat16 has eight significant bits: it rounds a picture as coarsely as a file of eight bits does,
and instance norm lifts the grain that this makes in smooth areas. The sum of two has sixteen: a
picture x is split into ``high = bfloat16(x)`` and ``low = bfloat16(x - high)``, six channels that
meet the same weights twice, and the kernel adds up in float32. As in Henry, Tang and Heinecke,
"Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations", 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor


def split(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """``x``, N x C x H x W, and a kernel in a narrower type, both with 2 C channels of that type.

    The convolution of both is that of the whole ``x`` with the kernel.
    """
    high = x.to(weight.dtype)
    low = (x - high).to(weight.dtype)
    doubled = torch.cat([weight, weight], dim=1)
    return (
        torch.cat([high, low], dim=1).contiguous(memory_format=torch.channels_last),
        doubled.contiguous(memory_format=torch.channels_last),
    )
