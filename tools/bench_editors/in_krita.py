"""Times Krita: the action that stylizes again, with the docker and its preview shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pastiche_client.editing.options import Options
from pastiche_client.editing.presets import PresetStore
from pastiche_client.paths import DataPaths
from pastiche_daemon.bench.editor_run import EditorRun
from tests.editors.support.display import HEIGHT as SCREEN_HEIGHT
from tests.editors.support.display import WIDTH as SCREEN_WIDTH
from tests.editors.support.display import Display, virtual_display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.krita import Krita, install_plugins, running_krita
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import make_workspace
from tests.support.daemon_process import DaemonProcess
from tools.bench_editors.measured import HEIGHT, STRENGTHS, WIDTH, DaemonLog, Setup
from tools.bench_editors.responsiveness import measured_responsiveness

_INSIDE = Path(__file__).with_name("inside_krita.py")
_POLL_SECONDS = 0.2
# Krita still draws the picture, in threads and pieces, when the layer is there.
_DRAWING_SECONDS = 3.0
_MOST_SECONDS = 600.0


def bench_krita(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[EditorRun]:
    """Stylize a layer of an image that is shown in Krita's window."""
    first = Options(style=setup.style)
    with started_krita(
        root, setup, say, lambda paths: PresetStore(paths, "krita").remember_last(first)
    ) as (krita, display, daemon):
        last = PresetStore(daemon.paths, "krita")
        krita.call("show_image", width=64, height=64)
        krita.call("start")
        wait_for(krita, "seconds")
        krita.call("finish")
        krita.call("close_image")
        krita.call("show_image", width=WIDTH, height=HEIGHT)
        log = DaemonLog(daemon.paths.log_file)
        for strength in STRENGTHS:
            last.remember_last(Options(style=setup.style, strength=strength))
            for number in range(setup.rounds):
                say(f"Krita, strength {strength:.0f}, round {number + 1}")
                time.sleep(_DRAWING_SECONDS)
                with measured_responsiveness(display.name, krita.process.process.pid) as answers:
                    krita.call("start")
                    seconds = wait_for(krita, "seconds")
                    time.sleep(_DRAWING_SECONDS)
                gap = krita.call("finish")
                (job,) = log.take()
                preview = None
                if strength == 1:
                    time.sleep(_DRAWING_SECONDS)
                    krita.call("start_preview")
                    preview = wait_for(krita, "preview_seconds")
                yield EditorRun(
                    "Krita",
                    strength,
                    seconds,
                    job,
                    max(answers.longest, gap),
                    preview_seconds=preview,
                )


@contextmanager
def started_krita(
    root: EditorRoot,
    setup: Setup,
    say: Callable[[str], None],
    keep: Callable[[DataPaths], None],
) -> Iterator[tuple[Krita, Display, DaemonProcess]]:
    """Krita with its window and the functions of `inside_krita`, and a daemon.

    `keep` writes what Krita is to find of the last time, into the daemon's data folder.
    """
    with (
        make_workspace(root) as workspace,
        virtual_display() as display,
        running_outside(workspace, arguments=setup.daemon_arguments) as daemon,
    ):
        install_plugins(workspace)
        keep(daemon.paths)
        say("Krita's start")
        with running_krita(workspace, _INSIDE, display=display) as krita:
            krita.call("show_window", width=SCREEN_WIDTH, height=SCREEN_HEIGHT)
            yield krita, display, daemon


def wait_for(krita: Krita, asked: str) -> Any:
    """What a function inside Krita returns, once it is not None. Raises TimeoutError."""
    deadline = time.monotonic() + _MOST_SECONDS
    while (found := krita.call(asked)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{asked}: nothing came:\n{krita.process.output[-4000:]}")
        time.sleep(_POLL_SECONDS)
    return found
