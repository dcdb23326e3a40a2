"""The names of a transformer network's switches; `transformer.TransformerSpec` explains them.

Without torch, so that packs can be listed before it is loaded.
"""

from __future__ import annotations

from typing import Literal

Upsampling = Literal["transposed", "nearest", "bilinear"]
Norm = Literal["batch", "instance", "conditional_instance"]
Padding = Literal["zero", "reflect"]
Output = Literal["tanh", "sigmoid", "linear"]
ValueRange = Literal["0..1", "0..255"]
