"""How `pastiche bench editors` measures freezes, tried on windows that freeze on purpose."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.editors.support.display import Display, virtual_display, why_no_display
from tests.editors.support.workspace import EditorProcess, Workspace
from tests.support.daemon_process import wait_until
from tools.bench_editors.responsiveness import measured_responsiveness

FREEZE_SECONDS = 0.7
# Each freezes as often as a file "freeze" is made in the folder that it is told.
GTK = """
import os, sys, time
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
def look():
    if os.path.exists(sys.argv[1]):
        time.sleep(float(sys.argv[2]))
        os.unlink(sys.argv[1])
    return True
window = Gtk.Window(title="freezes")
window.show_all()
GLib.timeout_add(10, look)
Gtk.main()
"""
QT = """
import os, sys, time
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication, QWidget
def look():
    if os.path.exists(sys.argv[1]):
        time.sleep(float(sys.argv[2]))
        os.unlink(sys.argv[1])
application = QApplication([])
window = QWidget()
window.setWindowTitle("freezes")
window.show()
timer = QTimer()
timer.timeout.connect(look)
timer.start(10)
application.exec_()
"""


@pytest.fixture
def own_display() -> Iterator[Display]:
    """A screen without other windows."""
    reason = why_no_display()
    if reason:
        pytest.skip(f"no virtual screen: {reason}")
    with virtual_display() as display:
        yield display


def start(workspace: Workspace, display: Display, source: str) -> EditorProcess:
    python = workspace.root.find("python3")
    assert python
    arguments = [python, "-c", source, workspace.inside("freeze"), str(FREEZE_SECONDS)]
    started = workspace.start(arguments, display=display)
    try:
        display.wait_for_window("^freezes$")
    except TimeoutError as error:
        raise AssertionError(started.output) from error
    return started


def check(workspace: Workspace, display: Display, source: str) -> None:
    started = start(workspace, display, source)
    with measured_responsiveness(display.name, started.process.pid) as answers:
        (workspace.folder / "freeze").touch()
        wait_until(lambda: not (workspace.folder / "freeze").exists(), "the freeze")
    # The last ping before it may have been sent some milliseconds earlier or later.
    assert answers.longest > FREEZE_SECONDS - 0.1
    # Before and after it the window answers every ping.
    assert min(answers.seconds) < FREEZE_SECONDS / 2


@pytest.mark.gimp
def test_a_freeze_of_gtk_is_measured(gimp_workspace: Workspace, own_display: Display) -> None:
    check(gimp_workspace, own_display, GTK)


@pytest.mark.krita
def test_a_freeze_of_qt_is_measured(krita_workspace: Workspace, own_display: Display) -> None:
    check(krita_workspace, own_display, QT)


def test_a_process_without_a_window_is_told_of(own_display: Display) -> None:
    with (
        pytest.raises(RuntimeError, match="no window"),
        measured_responsiveness(own_display.name, os.getpid()),
    ):
        pass


@pytest.mark.krita
def test_a_window_that_never_answers_is_told_of(
    krita_workspace: Workspace, own_display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.bench_editors.responsiveness._LAST_ANSWER_SECONDS", 0.3)
    started = start(krita_workspace, own_display, QT)
    os.kill(started.process.pid, signal.SIGSTOP)
    with (
        pytest.raises(RuntimeError, match="not answered"),
        measured_responsiveness(own_display.name, started.process.pid),
    ):
        time.sleep(0.1)
