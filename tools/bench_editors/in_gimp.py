"""Times GIMP: the procedure as scripts call it, and the dialog from its button on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pastiche_client.editing.presets import PresetStore
from pastiche_daemon.bench.editor_run import EditorRun
from tests.editors.support.display import Display, virtual_display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.gimp import Gimp, install_plugins, running_gimp
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import make_workspace
from tests.support.daemon_process import DaemonProcess, wait_until
from tools.bench_editors.measured import HEIGHT, STRENGTHS, WIDTH, DaemonLog, Setup
from tools.bench_editors.responsiveness import measured_responsiveness

_INSIDE = Path(__file__).with_name("inside_gimp.py")
_MAIN_WINDOW = "^GNU Image Manipulation Program$"
_DIALOG = "^Pastiche$"
# Where its buttons are, from the lower right corner.
_OK = (56, 30)
_RESET = (240, 30)
_LESS_STRENGTH, _MORE_STRENGTH = (65, 275), (30, 275)
# The preview, from the upper left corner: left, upper, right and lower.
_PREVIEW = (12, 12, 396, 396)
_PREVIEW_SECONDS = 60.0
# GIMP still draws the picture, in pieces, when the layer is there: that may freeze it, too.
_DRAWING_SECONDS = 3.0


def bench_gimp(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[EditorRun]:
    """Stylize a layer of an image that is shown in a window."""
    with _session(root, setup, say) as session:
        for place, measure in (("procedure", session.procedure), ("dialog", session.dialog)):
            for strength in STRENGTHS:
                for number in range(setup.rounds):
                    say(f"GIMP, {place}, strength {strength:.0f}, round {number + 1}")
                    time.sleep(_DRAWING_SECONDS)
                    yield measure(f"GIMP, {place}", strength)
                    session.gimp.call("undo_all", image=session.image)


@contextmanager
def started_gimp(
    root: EditorRoot, setup: Setup, say: Callable[[str], None]
) -> Iterator[tuple[Gimp, Display, DaemonProcess]]:
    """GIMP with its windows and the functions of `inside_gimp`, and a daemon."""
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
            display.wait_for_window(_MAIN_WINDOW)
            yield gimp, display, daemon


@contextmanager
def _session(root: EditorRoot, setup: Setup, say: Callable[[str], None]) -> Iterator[_Session]:
    with (
        started_gimp(root, setup, say) as (gimp, display, daemon),
        ThreadPoolExecutor() as threads,
    ):
        small = gimp.call("show_image", width=64, height=64)
        gimp.call("stylize", image=small, mode="NONINTERACTIVE", style=setup.style)
        image = gimp.call("show_image", width=WIDTH, height=HEIGHT)
        log = DaemonLog(daemon.paths.log_file)
        yield _Session(setup, display, daemon, gimp, image, log, threads)


@dataclass(frozen=True)
class _Session:
    """A running GIMP with the image."""

    setup: Setup
    display: Display
    daemon: DaemonProcess
    gimp: Gimp
    image: int
    log: DaemonLog
    threads: ThreadPoolExecutor

    def procedure(self, place: str, strength: float) -> EditorRun:
        with measured_responsiveness(self.display.name, self._process) as answers:
            started, ended = self._call("NONINTERACTIVE", strength).result()
            time.sleep(_DRAWING_SECONDS)
        (job,) = self.log.take()
        return EditorRun(place, strength, ended - started, job, answers.longest)

    def dialog(self, place: str, strength: float) -> EditorRun:
        shown = self.daemon.log.count("stylized")
        calling = self._call("INTERACTIVE", strength)
        window = self.display.wait_for_window(_DIALOG)
        # With the preview everything else is there, too.
        wait_until(lambda: self.daemon.log.count("stylized") > shown, "the preview")
        x, y, width, height = self.display.geometry(window)
        if strength == 1:  # GIMP shows the values of the last time instead of the call's
            self.display.click(x + width - _RESET[0], y + height - _RESET[1])
        preview = self._preview(window) if strength == 1 else None
        # A key would do, but GTK shows the button pressed for a quarter of a second first.
        self.display.xdotool("mousemove", x + width - _OK[0], y + height - _OK[1])
        time.sleep(_DRAWING_SECONDS)
        dialog = int(self.display.xdotool("getwindowpid", window))
        with (
            measured_responsiveness(self.display.name, self._process) as answers,
            measured_responsiveness(self.display.name, dialog) as dialog_answers,
        ):
            started = time.perf_counter()
            self.display.xdotool("click", 1)
            _, ended = calling.result()
            time.sleep(_DRAWING_SECONDS)
        (job,) = self.log.take()
        used = PresetStore(self.daemon.paths, "gimp").last()
        if used is None or (used.style, used.strength) != (self.setup.style, strength):
            raise RuntimeError(f"the dialog used {used}")
        return EditorRun(
            place,
            strength,
            ended - started,
            job,
            answers.longest,
            dialog_answers.longest,
            preview,
        )

    def _preview(self, window: str) -> float:
        """The seconds to the preview of a little less strength; the strength is put back."""
        x, y, width, height = self.display.geometry(window)
        area = (x + _PREVIEW[0], y + _PREVIEW[1], x + _PREVIEW[2], y + _PREVIEW[3])
        seconds: list[float] = []
        for button in (_LESS_STRENGTH, _MORE_STRENGTH):
            self.display.xdotool("mousemove", x + width - button[0], y + height - button[1])
            time.sleep(_DRAWING_SECONDS)
            before = self.display.screenshot(area=area).tobytes()
            started = time.perf_counter()
            self.display.xdotool("click", 1)
            while self.display.screenshot(area=area).tobytes() == before:
                if time.perf_counter() > started + _PREVIEW_SECONDS:
                    raise RuntimeError("the preview did not follow the strength")
            seconds.append(time.perf_counter() - started)
        return max(seconds)

    @property
    def _process(self) -> int:
        return self.gimp.process.process.pid

    def _call(self, mode: str, strength: float) -> Future[list[float]]:
        return self.threads.submit(
            self.gimp.call,
            "stylize",
            image=self.image,
            mode=mode,
            style=self.setup.style,
            strength=strength,
        )
