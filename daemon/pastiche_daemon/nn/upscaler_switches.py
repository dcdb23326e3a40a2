"""The names of an upscaling network's switches; `upscaler.UpscalerSpec` explains them.

Without torch, so that packs can be listed and requests be checked before it is loaded.
"""

from __future__ import annotations

from typing import Literal

Factor = Literal[2, 4, 8]
Upsampling = Literal["transposed", "nearest", "bilinear"]
Norm = Literal["none", "batch"]
Padding = Literal["zero", "reflect"]
Output = Literal["residual", "direct"]

TILE_PIXELS = 1 << 20
"""Pixels that a network makes at once: what its layers hold then stays below 1 GiB."""
