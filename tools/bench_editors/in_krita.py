"""Times Krita: the action that stylizes again, with the docker and its preview shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pastiche_client.editing.options import Options
from pastiche_client.editing.presets import PresetStore
from pastiche_daemon.bench.editor_run import EditorRun
from tests.editors.support.display import HEIGHT as SCREEN_HEIGHT
from tests.editors.support.display import WIDTH as SCREEN_WIDTH
from tests.editors.support.display import virtual_display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.krita import Krita, install_plugins, running_krita
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import make_workspace
from tools.bench_editors.measured import HEIGHT, STRENGTHS, WIDTH, DaemonLog, Setup
from tools.bench_editors.responsiveness import measured_responsiveness

_INSIDE = Path(__file__).with_name("inside_krita.py")
_POLL_SECONDS = 0.2
# Krita still draws the picture, in threads and pieces, when the layer is there.
_DRAWING_SECONDS = 3.0
_MOST_SECONDS = 600.0


def bench_krita(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[EditorRun]:
    """Stylize a layer of an image that is shown in Krita's window."""
    with (
        make_workspace(root) as workspace,
        virtual_display() as display,
        running_outside(workspace, arguments=setup.daemon_arguments) as daemon,
    ):
        install_plugins(workspace)
        last = PresetStore(workspace.data, "krita")
        last.remember_last(Options(style=setup.style))
        say("Krita's start")
        with running_krita(workspace, _INSIDE, display=display) as krita:
            krita.call("show_window", width=SCREEN_WIDTH, height=SCREEN_HEIGHT)
            krita.call("show_image", width=64, height=64)
            krita.call("start")
            _wait_for(krita, "seconds")
            krita.call("finish")
            krita.call("close_image")
            krita.call("show_image", width=WIDTH, height=HEIGHT)
            log = DaemonLog(daemon.paths.log_file)
            for strength in STRENGTHS:
                last.remember_last(Options(style=setup.style, strength=strength))
                for number in range(setup.rounds):
                    say(f"Krita, strength {strength:.0f}, round {number + 1}")
                    time.sleep(_DRAWING_SECONDS)
                    with measured_responsiveness(
                        display.name, krita.process.process.pid
                    ) as answers:
                        krita.call("start")
                        seconds = _wait_for(krita, "seconds")
                        time.sleep(_DRAWING_SECONDS)
                    gap = krita.call("finish")
                    (job,) = log.take()
                    preview = None
                    if strength == 1:
                        time.sleep(_DRAWING_SECONDS)
                        krita.call("start_preview")
                        preview = _wait_for(krita, "preview_seconds")
                    yield EditorRun(
                        "Krita",
                        strength,
                        seconds,
                        job,
                        max(answers.longest, gap),
                        preview_seconds=preview,
                    )


def _wait_for(krita: Krita, asked: str) -> float:
    deadline = time.monotonic() + _MOST_SECONDS
    while (seconds := krita.call(asked)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{asked}: nothing came:\n{krita.process.output[-4000:]}")
        time.sleep(_POLL_SECONDS)
    return seconds
