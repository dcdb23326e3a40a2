"""Times the end of a painting in GIMP's dialog, and looks how often its picture changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from Xlib import X
from Xlib.display import Display as Connection
from Xlib.error import XError

from pastiche_client.client import Client
from pastiche_client.editing.presets import PaintPresetStore
from pastiche_daemon.bench.editor_run import PaintingRun
from tests.editors.support.display import Display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.gimp import Gimp
from tools.bench_editors.in_gimp import started_gimp
from tools.bench_editors.measured import (
    PAINTED_SIZE,
    PAINTING,
    STYLE_SIZE,
    PaintingTimes,
    Setup,
    seconds_until_idle,
)

_DIALOG = "^Paint like another layer$"
# The dialog's picture from its upper left corner, its line of progress and its buttons from the
# lower right one: left, upper, right and lower, or across and up.
_PICTURE = (20, 20, 390, 390)
_PROGRESS = (420, 100, 190, 76)
_KEEP, _CANCEL, _PAINT = (75, 88), (146, 30), (52, 30)
_MOST_SECONDS = 300.0
_STILL_SECONDS = 2.0
# Between two looks at the screen: a look costs the X server work, and the daemon paints meanwhile.
_LOOK_SECONDS = 0.02


def bench_gimp_painting(
    root: EditorRoot, setup: Setup, say: Callable[[str], None]
) -> Iterator[PaintingRun]:
    """Paint a layer of an image that is shown in a window, and end it with the mouse."""
    with (
        started_gimp(root, setup, say) as (gimp, display, daemon),
        ThreadPoolExecutor() as threads,
        Client(daemon.paths, start=False) as client,
        closing(_Screen(display)) as screen,
    ):
        image = gimp.call("show_image", width=PAINTED_SIZE[0], height=PAINTED_SIZE[1])
        gimp.call("add_style", image=image, width=STYLE_SIZE[0], height=STYLE_SIZE[1])
        PaintPresetStore(daemon.paths, "gimp").remember_last(PAINTING)
        for kept in (False, True):
            for number in range(setup.rounds):
                say(f"GIMP, painting, {'keep' if kept else 'cancel'}, round {number + 1}")
                calling = threads.submit(gimp.call, "paint", image=image)
                dialog = _Dialog(gimp, display, screen, display.wait_for_window(_DIALOG))
                yield dialog.measured(client, calling, kept=kept)
                gimp.call("undo_all", image=image, keep=2)


@dataclass(frozen=True)
class _Dialog:
    """The open dialog of painting."""

    gimp: Gimp
    display: Display
    screen: _Screen
    window: str

    def measured(self, client: Client, calling: Future[Any], *, kept: bool) -> PaintingRun:
        time.sleep(_STILL_SECONDS)
        self.screen.point(self.window, _PAINT)
        self.display.xdotool("click", 1)
        times = self._watched(calling)
        height = self.screen.height(self.window)
        self.screen.point(self.window, _KEEP if kept else _CANCEL)
        clicked = time.perf_counter()
        self.display.xdotool("click", 1)
        if kept:
            freed = seconds_until_idle(client, clicked)
            _, ended = calling.result()
        else:
            while self.screen.height(self.window) == height:
                _check(clicked, "the painting did not end")
                time.sleep(_LOOK_SECONDS)
            ended = time.perf_counter()
            freed = seconds_until_idle(client, clicked)
            self.display.key("Escape", window=self.window)
            calling.result()
        return PaintingRun(
            "GIMP",
            kept,
            ended - clicked,
            freed,
            times.step_seconds,
            times.longest_without_picture(clicked),
        )

    def _watched(self, calling: Future[Any]) -> PaintingTimes:
        """What is seen until there is enough; a change of the line of progress is a step."""
        times = PaintingTimes([], [])
        started = time.perf_counter()
        picture = line = None
        while not times.is_enough:
            _check(started, "the painting did not begin")
            if calling.done():
                raise RuntimeError(f"the painting ended by itself: {calling.result()}")
            shown = self.screen.area(self.window, _PICTURE, from_end=False)
            if picture not in {None, shown}:
                times.pictures.append(time.perf_counter())
            picture = shown
            shown = self.screen.area(self.window, _PROGRESS, from_end=True)
            if line not in {None, shown}:
                times.steps.append((time.perf_counter(), len(times.steps)))
            line = shown
            time.sleep(_LOOK_SECONDS)
        return times


class _Screen:
    """Looks at a small part of the screen in less than a millisecond."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._connection = Connection(display.name)
        self._root = self._connection.screen().root

    def close(self) -> None:
        self._connection.close()

    def height(self, window: str) -> int:
        """0 once it has gone."""
        with suppress(XError):
            found = self._connection.create_resource_object("window", int(window))
            return int(found.get_geometry().height)
        return 0

    def area(self, window: str, area: tuple[int, int, int, int], *, from_end: bool) -> bytes:
        """A window's part: left, upper, right, lower, from its upper left corner; or, `from_end`,
        left from the left side, right from the right one, upper and lower from the lower one."""
        x, y, width, height = self._place(window)
        left, upper, right, lower = area
        if from_end:
            upper, right, lower = height - upper, width - right, height - lower
        size = right - left, lower - upper
        shown = self._root.get_image(x + left, y + upper, *size, X.ZPixmap, 0xFFFFFFFF)
        return bytes(shown.data)

    def point(self, window: str, place: tuple[int, int]) -> None:
        """Move the mouse to a place from the lower right corner."""
        x, y, width, height = self._place(window)
        self._display.xdotool("mousemove", x + width - place[0], y + height - place[1])

    def _place(self, window: str) -> tuple[int, int, int, int]:
        found = self._connection.create_resource_object("window", int(window))
        size = found.get_geometry()
        corner = found.translate_coords(self._root, 0, 0)
        return -corner.x, -corner.y, size.width, size.height


def _check(started: float, what: str) -> None:
    if time.perf_counter() > started + _MOST_SECONDS:
        raise RuntimeError(what)
