"""Loss curves of a training, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pastiche_daemon.train import StepReport


def draw_loss_curves(reports: Sequence[StepReport], path: Path, *, window: int = 100) -> None:
    """Draw the terms' moving averages over ``window`` steps, on a logarithmic axis."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    steps = np.array([report.step for report in reports])
    width = max(1, min(window, len(reports) // 4))
    kernel = np.ones(width) / width
    for term in ("total", "style", "content", "tv", "grid"):
        values = np.array([getattr(report, term) for report in reports])
        if len(values) and values.max() > 0:
            axes.plot(steps[width - 1 :], np.convolve(values, kernel, "valid"), label=term)
    axes.set(xlabel="step", ylabel=f"loss (mean of {width} steps)", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    if axes.lines:
        axes.legend()
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(path)
