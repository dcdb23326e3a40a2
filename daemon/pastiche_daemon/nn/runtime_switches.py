"""The names of what networks can run on; `runtime.choose_runtimes` explains them.

Without torch, so that the daemon can read its settings before it is loaded.
"""

from __future__ import annotations

from typing import Literal

Precision = Literal["float32", "bfloat16"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
PrecisionChoice = Literal["auto", "float32", "bfloat16"]
