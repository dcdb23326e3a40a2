"""Times GIMP: the procedure as scripts call it, and the dialog from its button on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pastiche_daemon.bench.editor_run import EditorRun
from tests.editors.support.display import virtual_display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.gimp import install_plugins, running_gimp
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import make_workspace
from tools.bench_editors.measured import HEIGHT, STRENGTHS, WIDTH, DaemonLog, Setup
from tools.bench_editors.responsiveness import measured_responsiveness

_INSIDE = Path(__file__).with_name("inside_gimp.py")
# GIMP still draws the picture, in pieces, when the layer is there: that may freeze it, too.
_DRAWING_SECONDS = 3.0


def bench_gimp(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[EditorRun]:
    """Stylize a layer of an image that is shown in a window."""
    with (
        make_workspace(root) as workspace,
        virtual_display() as display,
        running_outside(workspace, arguments=setup.daemon_arguments) as daemon,
    ):
        settings = install_plugins(workspace).parents[1] / "gimprc"
        settings.write_text("(show-welcome-dialog no)\n", "utf-8")
        say("GIMP's start")
        with running_gimp(workspace, _INSIDE, display=display) as gimp:
            # Before its own window is there, it opens none for an image.
            display.wait_for_window("^GNU Image Manipulation Program$")
            small = gimp.call("show_image", width=64, height=64)
            gimp.call("stylize", image=small, mode="NONINTERACTIVE", style=setup.style)
            image = gimp.call("show_image", width=WIDTH, height=HEIGHT)
            log = DaemonLog(daemon.paths.log_file)
            for strength in STRENGTHS:
                for number in range(setup.rounds):
                    say(f"GIMP, procedure, strength {strength:.0f}, round {number + 1}")
                    time.sleep(_DRAWING_SECONDS)
                    with measured_responsiveness(display.name, gimp.process.process.pid) as answers:
                        seconds = gimp.call(
                            "stylize",
                            image=image,
                            mode="NONINTERACTIVE",
                            style=setup.style,
                            strength=strength,
                        )
                        time.sleep(_DRAWING_SECONDS)
                    (job,) = log.take()
                    yield EditorRun("GIMP, procedure", strength, seconds, job, answers.longest)
                    gimp.call("undo_all", image=image)
