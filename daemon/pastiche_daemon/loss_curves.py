"""Loss curves of a training, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure


class Report(Protocol):
    """The losses of one finished step."""

    @property
    def step(self) -> int: ...

    def terms(self) -> Mapping[str, float]:
        """By name; the same names in every step."""
        ...


def draw_loss_curves(reports: Sequence[Report], path: Path, *, window: int = 100) -> None:
    """Draw the terms' moving averages over ``window`` steps, on a logarithmic axis."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    steps = np.array([report.step for report in reports])
    width = max(1, min(window, len(reports) // 4))
    kernel = np.ones(width) / width
    for term in reports[0].terms() if reports else ():
        values = np.array([report.terms()[term] for report in reports])
        if len(values) and values.max() > 0:
            axes.plot(steps[width - 1 :], np.convolve(values, kernel, "valid"), label=term)
    axes.set(xlabel="step", ylabel=f"loss (mean of {width} steps)", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    if axes.lines:
        axes.legend()
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(path)
