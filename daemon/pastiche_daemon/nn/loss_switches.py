"""The names of the losses' switches; `losses` and `style_statistics` explain them.

Without torch, so that packs can be listed before it is loaded.
"""

from __future__ import annotations

from typing import Literal

ContentNormalization = Literal["gatys", "johnson", "target"]
Distance = Literal["l2", "l1"]
StatisticKind = Literal[
    "gram", "mmd-linear", "mmd-polynomial", "mmd-gaussian", "moments", "wasserstein"
]
StatisticNormalization = Literal["gatys", "johnson", "none", "target"]
