"""Measuring in the real editors of the tests, which `tools.bench_editors` of the clone does."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pastiche_daemon.bench.report import BenchError

_ROOT = Path(__file__).resolve().parents[3]


def measured_runs(
    arguments: Sequence[str], report: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """What ``python -m tools.bench_editors`` measures with these arguments, as it comes.

    Raises `BenchError` where it cannot be measured.
    """
    if not (_ROOT / "tools" / "bench_editors").is_dir():
        raise BenchError("the editors are measured from a clone of Pastiche, which this is not")
    command = [sys.executable, "-m", "tools.bench_editors", *arguments]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(  # noqa: S603 - our own
            command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                if "say" in told:
                    report(told["say"])
                else:
                    yield told["run"]
        if process.returncode != 0:
            errors.seek(0)
            raise BenchError(errors.read().decode("utf-8", "replace").strip()[-4000:])
