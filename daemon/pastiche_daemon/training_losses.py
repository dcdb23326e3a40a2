"""The log of a training's losses: `losses.csv` in its folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Self

LOSSES = "losses.csv"


class StepReport(NamedTuple):
    """The weighted losses of one finished step; ``total`` is their sum."""

    step: int
    total: float
    content: float
    style: float
    tv: float
    grid: float
    seconds: float

    def terms(self) -> dict[str, float]:
        """The losses by name."""
        return {name: getattr(self, name) for name in ("total", "content", "style", "tv", "grid")}


class LossLog:
    """Appends to the log."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, report: StepReport) -> None:
        self._writer.writerow(report)

    def flush(self) -> None:
        self._file.flush()


def read_losses(path: Path) -> list[StepReport]:
    """The losses that a run has logged; a last line cut short by a crash is left out."""
    reports: list[StepReport] = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            report = _parse_row(row)
            if report is not None:
                reports.append(report)
    return reports


def keep_losses_up_to(path: Path, step: int) -> None:
    """Drop losses that were logged after the checkpoint of ``step``: those steps run again."""
    kept = [row for row in read_losses(path) if row.step <= step] if path.exists() else []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(StepReport._fields)
        writer.writerows(kept)


def _parse_row(row: Mapping[str, str | None]) -> StepReport | None:
    try:
        total, content, style, tv, seconds = (
            float(row[name] or "") for name in ("total", "content", "style", "tv", "seconds")
        )
        grid = float(row.get("grid") or 0)
        return StepReport(int(row["step"] or ""), total, content, style, tv, grid, seconds)
    except (ValueError, KeyError):
        return None
