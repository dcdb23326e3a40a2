"""Functions that run inside Krita, in the thread of its windows, called over the tests' bridge."""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import os
import time

from krita import Krita

try:
    from PyQt6.QtCore import QObject, Qt, QTimer
    from PyQt6.QtWidgets import QDoubleSpinBox, QWidget
except ImportError:
    from PyQt5.QtCore import QObject, Qt, QTimer
    from PyQt5.QtWidgets import QDoubleSpinBox, QWidget

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


class Watch(QObject):
    """Measures from the action that starts a job to the new layer, and the gaps between ticks."""

    def __init__(self):
        super().__init__()
        self.document = Krita.instance().activeDocument()
        self.count = len(self.document.topLevelNodes())
        self.seconds = None
        self.gap = 0.0
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(_TICK_MILLISECONDS)
        self.timer.timeout.connect(self.tick)

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
    document = watch.document
    document.waitForDone()
    *_, layer, result = document.topLevelNodes()
    result.remove()
    document.setActiveNode(layer)
    document.refreshProjection()
    document.waitForDone()
    return watch.gap


class PreviewWatch(QObject):
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
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(_TICK_MILLISECONDS)
        self.timer.timeout.connect(self.tick)

    def start(self):
        self.timer.start()
        self.started = time.perf_counter()
        down = self.strength.value() == self.strength.maximum()
        (self.strength.stepDown if down else self.strength.stepUp)()

    def tick(self):
        if self.view._picture.cacheKey() != self.picture:  # noqa: SLF001 - only looked at
            self.seconds = time.perf_counter() - self.started
            self.timer.stop()


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
