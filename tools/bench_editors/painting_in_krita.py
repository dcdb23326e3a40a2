"""Times the end of a painting on the docker's page in Krita, and how often its picture changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pastiche_client.client import Client
from pastiche_client.editing.presets import PaintPresetStore
from pastiche_daemon.bench.editor_run import PaintingRun
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.krita import Krita
from tools.bench_editors.in_krita import started_krita, wait_for
from tools.bench_editors.measured import (
    PAINTED_SIZE,
    PAINTING,
    STYLE_SIZE,
    PaintingTimes,
    Setup,
    seconds_until_idle,
)

_POLL_SECONDS = 0.2
_STILL_SECONDS = 2.0
_MOST_SECONDS = 300.0


def bench_krita_painting(
    root: EditorRoot, setup: Setup, say: Callable[[str], None]
) -> Iterator[PaintingRun]:
    """Paint a layer of an image that is shown in a window, and end it with the page's buttons."""
    with started_krita(
        root, setup, say, lambda paths: PaintPresetStore(paths, "krita").remember_last(PAINTING)
    ) as (krita, _, daemon):
        krita.call("show_image", width=PAINTED_SIZE[0], height=PAINTED_SIZE[1])
        krita.call("add_style", width=STYLE_SIZE[0], height=STYLE_SIZE[1])
        time.sleep(_STILL_SECONDS)  # Krita makes it the active layer a little later
        krita.call("select_painting")
        with Client(daemon.paths, start=False) as client:
            for kept in (False, True):
                for number in range(setup.rounds):
                    say(f"Krita, painting, {'keep' if kept else 'cancel'}, round {number + 1}")
                    time.sleep(_STILL_SECONDS)
                    yield _measured(krita, client, kept=kept)


def _measured(krita: Krita, client: Client, *, kept: bool) -> PaintingRun:
    krita.call("start_painting")
    times = _watched(krita)
    clicked = krita.call("click", text="Stop and keep" if kept else "Cancel")
    freed = seconds_until_idle(client, clicked)
    ended, state = wait_for(krita, "painting_end")
    if state != ("done" if kept else "cancelled"):
        raise RuntimeError(f"the painting ended as {state}")
    if kept:
        krita.call("remove_result")
    return PaintingRun(
        "Krita",
        kept,
        ended - clicked,
        freed,
        times.step_seconds,
        times.longest_without_picture(clicked),
    )


def _watched(krita: Krita) -> PaintingTimes:
    deadline = time.monotonic() + _MOST_SECONDS
    while True:
        seen = krita.call("painting")
        steps = [(when, step) for when, step in seen["steps"]]
        times = PaintingTimes(steps, seen["pictures"])
        if times.is_enough:
            return times
        if time.monotonic() > deadline:
            raise RuntimeError(f"the painting did not begin:\n{krita.process.output[-4000:]}")
        time.sleep(_POLL_SECONDS)
