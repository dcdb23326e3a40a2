"""Times the wire alone: the plug-ins' client in the editors' Python, without an editor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pastiche_daemon.bench.editor_run import CLIENT_ALONE, EditorRun
from plugins.bundling.bundle import ROOT, project_version
from plugins.bundling.vendoring import write_vendor_package
from plugins.bundling.wheels import fetch_wheels
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import make_workspace
from tools.bench_editors.measured import HEIGHT, STRENGTHS, WIDTH, DaemonLog, Setup

_INSIDE = Path(__file__).with_name("inside_wire.py")
_SECONDS = 3600.0


def bench_wire(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[EditorRun]:
    """Stylize from a process with nothing but the client."""
    with (
        make_workspace(root) as workspace,
        running_outside(workspace, arguments=setup.daemon_arguments) as daemon,
    ):
        package = workspace.folder / "pastiche_vendor"
        wheels = fetch_wheels(ROOT / "build" / "wheels")
        write_vendor_package(package, package.name, wheels, project_version())
        shutil.copyfile(_INSIDE, workspace.folder / _INSIDE.name)
        python = root.find("python3")
        assert python
        log = DaemonLog(daemon.paths.log_file)
        strengths = [strength for strength in STRENGTHS for _ in range(setup.rounds)]
        say("the wire alone")
        done = workspace.run(
            [python, workspace.inside(_INSIDE.name), str(WIDTH), str(HEIGHT), setup.style]
            + [str(strength) for strength in strengths],
            seconds=_SECONDS,
        )
        assert done.code == 0, done.output
        seconds = [json.loads(line) for line in done.output.splitlines()]
        jobs = log.take(len(strengths))
        for strength, taken, job in zip(strengths, seconds, jobs, strict=True):
            yield EditorRun(CLIENT_ALONE, strength, taken, job)
