"""Measures, and writes a line of JSON for everything that there is to say."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

from pastiche_daemon.bench.editor_run import EditorRun, PaintingRun
from tests.editors.support.display import why_no_display
from tests.editors.support.editor_root import EditorRoot, find_editors
from tests.editors.support.ending import interrupted_by_sigterm
from tools.bench_editors.in_gimp import bench_gimp
from tools.bench_editors.in_krita import bench_krita
from tools.bench_editors.in_wire import bench_wire
from tools.bench_editors.measured import Setup
from tools.bench_editors.painting_in_gimp import bench_gimp_painting
from tools.bench_editors.painting_in_krita import bench_krita_painting

Measure: TypeAlias = Callable[
    [EditorRoot, Setup, Callable[[str], None]], Iterator[EditorRun | PaintingRun]
]
_WORKS: dict[str, dict[str, Measure]] = {
    "stylizing": {"gimp": bench_gimp, "krita": bench_krita},
    "painting": {"gimp": bench_gimp_painting, "krita": bench_krita_painting},
}


def main() -> int:
    """Returns the exit code: 1, with the reason on stderr, where it cannot be measured."""
    options = _options()
    editors = find_editors()
    reason = why_no_display()
    chosen: list[tuple[Measure, EditorRoot]] = []
    for name in options.editors:
        root = {"gimp": editors.gimp, "krita": editors.krita}[name]
        if root is None:
            reason = reason or f"there is no {name.capitalize()}: {editors.reason}"
        else:
            chosen.append((_WORKS[options.work][name], root))
    if reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    if options.work == "stylizing":
        chosen.insert(0, (bench_wire, chosen[0][1]))
    setup = Setup(options.rounds, options.threads, options.style)
    with interrupted_by_sigterm():
        for measure, root in chosen:
            for run in measure(root, setup, lambda text: _write({"say": text})):
                _write({"run": dataclasses.asdict(run)})
    return 0


def _write(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench_editors", description=__doc__)
    parser.add_argument("work", choices=list(_WORKS))
    parser.add_argument("editors", nargs="+", choices=["gimp", "krita"])
    parser.add_argument("--style", default="", help="for stylizing")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
