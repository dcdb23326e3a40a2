"""Measures, and writes a line of JSON for everything that there is to say."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator

from pastiche_daemon.bench.editor_run import EditorRun
from tests.editors.support.display import why_no_display
from tests.editors.support.editor_root import EditorRoot, find_editors
from tests.editors.support.ending import interrupted_by_sigterm
from tools.bench_editors.in_gimp import bench_gimp
from tools.bench_editors.in_krita import bench_krita
from tools.bench_editors.in_wire import bench_wire
from tools.bench_editors.measured import Setup


def main() -> int:
    """Returns the exit code: 1, with the reason on stderr, where it cannot be measured."""
    options = _options()
    editors = find_editors()
    reason = why_no_display()
    chosen: list[tuple[Callable[..., Iterator[EditorRun]], EditorRoot]] = []
    for name in options.editors:
        root, bench = {
            "gimp": (editors.gimp, bench_gimp),
            "krita": (editors.krita, bench_krita),
        }[name]
        if root is None:
            reason = reason or f"there is no {name.capitalize()}: {editors.reason}"
        else:
            chosen.append((bench, root))
    if reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    setup = Setup(options.style, options.rounds, options.threads)
    with interrupted_by_sigterm():
        for bench, root in [(bench_wire, chosen[0][1]), *chosen]:
            for run in bench(root, setup, lambda text: _write({"say": text})):
                _write({"run": dataclasses.asdict(run)})
    return 0


def _write(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench_editors", description=__doc__)
    parser.add_argument("editors", nargs="+", choices=["gimp", "krita"])
    parser.add_argument("--style", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
