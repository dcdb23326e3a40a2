"""Loss curves of a training, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
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
    width = max(1, min(window, len(reports) // 4))
    for term in reports[0].terms() if reports else ():
        _plot(axes, reports, term, width, term)
    _finish(axes, f"loss (mean of {width} steps)")
    _save(figure, path)


def draw_comparison(runs: Mapping[str, Sequence[Report]], path: Path, *, window: int = 50) -> None:
    """Draw several trainings' moving averages by their labels, a panel for each term.

    Raises ValueError where there is no training, or one without a step.
    """
    if not runs or not all(runs.values()):
        raise ValueError("runs: every training must have a step")
    terms = [term for term in next(iter(runs.values()))[0].terms() if _counts(runs, term)]
    figure = Figure(figsize=(11, 3.5 * -(-len(terms) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(terms) // 2), 2, squeeze=False).flat
    width = max(1, min(window, min(len(reports) for reports in runs.values()) // 4))
    for term in terms:
        axes = next(panels)
        for label, reports in runs.items():
            _plot(axes, reports, term, width, label)
        axes.set_title(term)
        _finish(axes, f"loss (mean of {width} steps)")
    for axes in panels:
        axes.set_axis_off()
    _save(figure, path)


def _counts(runs: Mapping[str, Sequence[Report]], term: str) -> bool:
    return any(report.terms()[term] > 0 for reports in runs.values() for report in reports)


def _plot(axes: Axes, reports: Sequence[Report], term: str, width: int, label: str) -> None:
    steps = np.array([report.step for report in reports])
    values = np.array([report.terms()[term] for report in reports])
    if len(values) and values.max() > 0:
        mean = np.convolve(values, np.ones(width) / width, "valid")
        axes.plot(steps[width - 1 :], mean, label=label)


def _finish(axes: Axes, what: str) -> None:
    axes.set(xlabel="step", ylabel=what, yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    if axes.lines:
        axes.legend()


def _save(figure: Figure, path: Path) -> None:
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(path)
