"""How long a program's windows do not answer, as a window manager finds it out.

Every top window of GTK and Qt answers `_NET_WM_PING` (EWMH 1.3) from the loop that also handles the
mouse, the keyboard and drawing. The longest time to an answer is the longest freeze.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.error import BadWindow, XError
from Xlib.protocol.event import ClientMessage

_INTERVAL_SECONDS = 0.01
# How long to wait for the answers that are still to come.
_LAST_ANSWER_SECONDS = 30.0


class Responsiveness:
    """What was measured so far. Read it once the measuring has ended.

    Attributes:
        seconds: from every ping to its answer, in the order of the pings.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @property
    def longest(self) -> float:
        """The longest freeze in seconds."""
        return max(self.seconds, default=0.0)


@contextmanager
def measured_responsiveness(display: str, process: int) -> Iterator[Responsiveness]:
    """Ping a window of a process every ten milliseconds while the block runs.

    Args:
        display: the X server, such as ":7". No window manager may run there.
        process: its id.

    A window that is closed meanwhile has answered with that.

    Raises:
        RuntimeError: the process has no window that answers pings, or has not answered in the end.
    """
    pinger = _Pinger(display, process)
    thread = threading.Thread(target=pinger.run, name="pinger")
    thread.start()
    try:
        yield pinger.measured
    finally:
        pinger.stop.set()
        thread.join()
        pinger.close()
    if pinger.unanswered:
        raise RuntimeError(f"{pinger.unanswered} pings were not answered")


class _Pinger:
    def __init__(self, display: str, process: int) -> None:
        self.measured = Responsiveness()
        self.stop = threading.Event()
        self._display = Display(display)
        self._protocols = self._display.intern_atom("WM_PROTOCOLS")
        self._ping = self._display.intern_atom("_NET_WM_PING")
        self._pid = self._display.intern_atom("_NET_WM_PID")
        self._root = self._display.screen().root
        self._sent: dict[int, float] = {}
        self._closed = False
        # A ping may reach the server after its window has gone; nobody needs to read of that.
        self._display.set_error_handler(_ignore)
        window = self._find(self._root, process)
        if window is None:
            self.close()
            raise RuntimeError(f"the process {process} has no window that answers pings")
        self._window = window
        # GTK answers to those who listen for the one, Qt for the other.
        mask = X.SubstructureNotifyMask | X.StructureNotifyMask
        self._root.change_attributes(event_mask=mask)
        self._display.sync()

    @property
    def unanswered(self) -> int:
        return len(self._sent)

    def close(self) -> None:
        self._display.close()

    def run(self) -> None:
        number = 0
        due = time.perf_counter()
        while not self.stop.is_set() and not self._closed:
            number += 1
            self._send(number)
            due += _INTERVAL_SECONDS
            self._receive(until=due)
        deadline = time.perf_counter() + _LAST_ANSWER_SECONDS
        while self._sent and time.perf_counter() < deadline:
            self._receive(until=time.perf_counter() + _INTERVAL_SECONDS)

    def _send(self, number: int) -> None:
        data = (32, [self._ping, number, self._window.id, 0, 0])
        message = ClientMessage(window=self._window, client_type=self._protocols, data=data)
        self._sent[number] = time.perf_counter()
        # Without a mask it goes to the program whose window it is.
        self._window.send_event(message, event_mask=0)
        self._display.flush()

    def _receive(self, *, until: float) -> None:
        while True:
            rest = until - time.perf_counter()
            if not self._display.pending_events():
                if rest <= 0 or not select.select([self._display], [], [], rest)[0]:
                    return
                continue
            event: Any = self._display.next_event()
            if event.type == X.DestroyNotify and event.window == self._window:
                now = time.perf_counter()
                self.measured.seconds += [now - sent for sent in self._sent.values()]
                self._sent.clear()
                self._closed = True
            elif event.type == X.ClientMessage and event.client_type == self._protocols:
                protocol, number = event.data[1][:2]
                sent = self._sent.pop(number, None) if protocol == self._ping else None
                if sent is not None:
                    self.measured.seconds.append(time.perf_counter() - sent)

    def _find(self, window: Any, process: int) -> Any:
        """A window of the process below this one, that is on the screen and answers pings."""
        for child in window.query_tree().children:
            with suppress(BadWindow, XError):  # it has just been closed
                if self._answers(child, process):
                    return child
                found = self._find(child, process)
                if found is not None:
                    return found
        return None

    def _answers(self, window: Any, process: int) -> bool:
        if window.get_attributes().map_state != X.IsViewable:
            return False
        pid = window.get_full_property(self._pid, X.AnyPropertyType)
        protocols = window.get_full_property(self._protocols, X.AnyPropertyType)
        return (
            pid is not None
            and protocols is not None
            and pid.value[0] == process
            and self._ping in protocols.value
        )


def _ignore(*_: object) -> None:
    pass
