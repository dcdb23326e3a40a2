"""The way into the thread of windows, and what is done there bit by bit."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from .qt import QObject, Qt, QTimer, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Steps: TypeAlias = "Generator[None, None, None]"


class Poster(QObject):
    """Runs callbacks of any thread, and generators a step at a time, in the thread of windows.

    Everything runs in the order given, callbacks before steps. Many of Krita's calls let the event
    loop turn while they wait: nothing of this runs inside of something else of it.
    """

    _posted = pyqtSignal(object)

    def __init__(self, report: Callable[[Exception], None], parent: QObject | None = None) -> None:
        """`report` is told what a callback raises: beyond it there is only Krita."""
        super().__init__(parent)
        self._report = report
        self._callbacks: deque[Callable[[], None]] = deque()
        self._steps: deque[tuple[Steps, Callable[[Exception], None]]] = deque()
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._turn)
        self._posted.connect(self._received, Qt.ConnectionType.QueuedConnection)

    def post(self, callback: Callable[[], None]) -> None:
        """Run it soon. From any thread."""
        self._posted.emit(callback)

    def do(self, steps: Steps, fail: Callable[[Exception], None]) -> None:
        """Run the generator, a step for each turn of the event loop.

        `fail` gets what it raises.
        """
        self._steps.append((steps, fail))
        self._timer.start()

    def _received(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)
        self._timer.start()

    def _turn(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            if self._callbacks:
                self._callbacks.popleft()()
            elif self._steps:
                self._step()
            else:
                self._timer.stop()
        except Exception as error:  # noqa: BLE001 - the outermost boundary: it is reported
            self._report(error)
        finally:
            self._busy = False

    def _step(self) -> None:
        steps, fail = self._steps[0]
        try:
            next(steps)
        except StopIteration:
            self._steps.popleft()
        except Exception as error:  # noqa: BLE001 - the outermost boundary: it is reported
            self._steps.popleft()
            fail(error)
