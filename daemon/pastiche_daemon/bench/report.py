"""What a benchmark has to say: rows, bars, and the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import psutil
import torch
from rich.table import Table

from pastiche_daemon import __version__

Cell = str | float | int


class BenchError(ValueError):
    """A benchmark that cannot run; the message says what to do."""


@dataclass(frozen=True)
class Bar:
    """A named requirement, and whether it was met."""

    name: str
    met: bool
    detail: str


@dataclass(frozen=True)
class BenchReport:
    """The outcome of one benchmark. ``rows`` are in the order of ``columns``."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    bars: Sequence[Bar] = ()
    notes: Sequence[str] = ()
    machine: dict[str, str | int] = field(default_factory=lambda: describe_machine())

    @property
    def met(self) -> bool:
        """Whether every bar was met."""
        return all(bar.met for bar in self.bars)

    def table(self) -> Table:
        """The rows for a terminal."""
        table = Table(title=f"pastiche bench {self.name}")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in self.rows:
            table.add_row(
                *(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row)
            )
        return table

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        content = {
            "benchmark": self.name,
            "pastiche": __version__,
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": self.machine,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "bars": [vars(bar) for bar in self.bars],
            "notes": list(self.notes),
        }
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def describe_machine() -> dict[str, str | int]:
    """Processor, cores, memory, threads, and the versions of what computes."""
    capabilities = torch.cpu.get_capabilities()
    return {
        "processor": str(capabilities.get("cpu_name") or platform.processor() or "unknown"),
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "bfloat16": "yes" if capabilities.get("avx512_bf16") else "no",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
