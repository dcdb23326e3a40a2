"""Functions that run inside Krita, in the thread of its windows, called over the tests' bridge."""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import os
import time

from krita import Krita

try:
    from PyQt6.QtCore import QObject, Qt, QTimer
    from PyQt6.QtWidgets import QDoubleSpinBox, QPushButton, QWidget
except ImportError:
    from PyQt5.QtCore import QObject, Qt, QTimer
    from PyQt5.QtWidgets import QDoubleSpinBox, QPushButton, QWidget

_TICK_MILLISECONDS = 5


def show_image(width, height):
    """An image in the window, with one opaque RGBA8 layer of noise above the background."""
    app = Krita.instance()
    document = app.createDocument(width, height, "bench", "RGBA", "U8", "", 72.0)
    row = bytearray(os.urandom(4 * width))
    row[3::4] = b"\xff" * width
    layer = document.createNode("painting", "paintlayer")
    layer.setPixelData(bytes(row) * height, 0, 0, width, height)
    document.rootNode().addChildNode(layer, None)
    document.setActiveNode(layer)
    app.activeWindow().addView(document)
    app.setActiveDocument(document)
    document.refreshProjection()
    document.waitForDone()


def add_style(width, height):
    """A layer of other colours below the painting; the docker is to paint like it."""
    app = Krita.instance()
    document = app.activeDocument()
    style = document.createNode("style", "paintlayer")
    pixels = bytearray()
    for y in range(height):
        row = bytearray(4 * width)
        row[0::4] = bytes([255 - y * 255 // height]) * width
        row[1::4] = bytes((x * y // 32) & 255 for x in range(width))
        row[2::4] = bytes(((x * x + y * y) // 64) & 255 for x in range(width))
        row[3::4] = b"\xff" * width
        pixels += row
    style.setPixelData(bytes(pixels), 0, 0, width, height)
    document.rootNode().addChildNode(style, document.topLevelNodes()[0])
    document.refreshProjection()
    document.waitForDone()
    studio = _page("PaintPage")._studio  # noqa: SLF001 - as its box with styles would
    values = studio.painting.options.to_dict()
    chosen = {"kind": "layer", "name": "style", "layer": style.uniqueId().toString()}
    options = type(studio.painting.options).from_dict({**values, "styles": [chosen]})
    studio.painting.set_options(options)


def select_painting():
    document = Krita.instance().activeDocument()
    document.setActiveNode(document.nodeByName("painting"))
    document.waitForDone()


def show_window(width, height):
    """Make the window as large as the screen, and show the docker in it."""
    app = Krita.instance()
    app.activeWindow().qwindow().setGeometry(0, 0, width, height)
    app.action("pastiche_show").trigger()


def close_image():
    document = Krita.instance().activeDocument()
    document.waitForDone()
    document.setModified(False)
    document.close()


class Ticking(QObject):
    """Looks every few milliseconds, once its timer is started; its kinds have a `tick`."""

    def __init__(self):
        super().__init__()
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(_TICK_MILLISECONDS)
        self.timer.timeout.connect(self.tick)

    def tick(self):
        raise NotImplementedError


class Watch(Ticking):
    """Measures from the action that starts a job to the new layer, and the gaps between ticks."""

    def __init__(self):
        super().__init__()
        self.document = Krita.instance().activeDocument()
        self.count = len(self.document.topLevelNodes())
        self.seconds = None
        self.gap = 0.0

    def start(self):
        self.timer.start()
        self.started = self.ticked = time.perf_counter()
        Krita.instance().action("pastiche_again").trigger()

    def tick(self):
        now = time.perf_counter()
        self.gap = max(self.gap, now - self.ticked - _TICK_MILLISECONDS / 1000)
        self.ticked = now
        if self.seconds is None and len(self.document.topLevelNodes()) > self.count:
            self.seconds = now - self.started


def start():
    """Stylize the active layer with the values of the last time."""
    global watch
    watch = Watch()
    watch.start()


def seconds():
    """How long it took until the new layer was there; None while it is not."""
    return watch.seconds


def finish():
    """Remove the new layer; returns the longest gap between two ticks in seconds."""
    watch.timer.stop()
    remove_result()
    return watch.gap


class PreviewWatch(Ticking):
    """Measures from a change of the docker's first value, the strength, to the next picture."""

    def __init__(self):
        super().__init__()
        window = Krita.instance().activeWindow().qwindow()
        (self.view,) = (
            widget
            for widget in window.findChildren(QWidget)
            if _name(widget) == "PictureView" and widget.isVisible()
        )
        docker = self.view
        while _name(docker) != "PasticheDocker":
            docker = docker.parent()
        self.strength = next(
            number for number in docker.findChildren(QDoubleSpinBox) if number.isVisible()
        )
        self.picture = self.view._picture.cacheKey()  # noqa: SLF001 - only looked at
        self.seconds = None

    def start(self):
        self.timer.start()
        self.started = time.perf_counter()
        down = self.strength.value() == self.strength.maximum()
        (self.strength.stepDown if down else self.strength.stepUp)()

    def tick(self):
        if self.view._picture.cacheKey() != self.picture:  # noqa: SLF001 - only looked at
            self.seconds = time.perf_counter() - self.started
            self.timer.stop()


def _page(name):
    window = Krita.instance().activeWindow().qwindow()
    (page,) = (widget for widget in window.findChildren(QWidget) if _name(widget) == name)
    return page


def _name(widget):
    return type(widget).__name__


def start_preview():
    """Change the strength in the docker by a step."""
    global preview_watch
    preview_watch = PreviewWatch()
    preview_watch.start()


def preview_seconds():
    """How long it took until its preview was shown; None while it is not."""
    return preview_watch.seconds


class PaintWatch(Ticking):
    """Paints the active layer; measures its steps, its pictures, and its end after a click."""

    def __init__(self):
        super().__init__()
        Krita.instance().action("pastiche_paint_show").trigger()
        self.page = _page("PaintPage")
        self.steps = []
        self.pictures = []
        self.clicked = self.ended = None

    def start(self):
        studio = self.page._studio  # noqa: SLF001 - only looked at
        count = len(studio.jobs)
        Krita.instance().action("pastiche_paint").trigger()
        if len(studio.jobs) == count:
            raise RuntimeError("it was refused")
        self.job = studio.jobs[-1]
        self.most = studio.painting.options.quality.steps
        self.job.changed.connect(self.changed)
        self.job.previewed.connect(lambda: self.pictures.append(time.perf_counter()))

    def changed(self):
        step = round(self.job.fraction * self.most)
        is_new = bool(step) and (not self.steps or self.steps[-1][1] != step)
        if is_new and not self.job.state.is_final and self.clicked is None:
            self.steps.append((time.perf_counter(), step))

    def end(self, text):
        (button,) = (
            button
            for button in self.page.findChildren(QPushButton)
            if button.text() == text and button.isVisible()
        )
        self.timer.start()
        self.clicked = time.perf_counter()
        button.click()

    def tick(self):
        # A picture that is kept is in the image by then.
        if self.job.state.is_final:
            self.ended = time.perf_counter()
            self.timer.stop()


def start_painting():
    """Paint the active layer with the values of the docker."""
    global paint_watch
    paint_watch = PaintWatch()
    paint_watch.start()


def painting():
    """When which steps were told of, and when pictures came, by the system's clock."""
    if paint_watch.job.state.is_final and paint_watch.clicked is None:
        raise RuntimeError(f"the painting ended by itself: {paint_watch.job.message}")
    return {"steps": paint_watch.steps, "pictures": paint_watch.pictures}


def click(text):
    """Click a button of the page to end the painting; returns when."""
    paint_watch.end(text)
    return paint_watch.clicked


def painting_end():
    """When it ended and how; None while it has not."""
    if paint_watch.ended is None:
        return None
    return [paint_watch.ended, paint_watch.job.state.value]


def remove_result():
    """Remove the layer that was painted, and take up the one that it was painted from."""
    document = Krita.instance().activeDocument()
    document.waitForDone()
    *_, layer, result = document.topLevelNodes()
    result.remove()
    document.setActiveNode(layer)
    document.refreshProjection()
    document.waitForDone()
