"""Ctrl+C in two steps: stop and keep, then cancel."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from pastiche_client.cancel import StopToken


@contextmanager
def stop_on_interrupt(say: Callable[[], None]) -> Generator[StopToken]:
    """A token that the first Ctrl+C stops; ``say`` is called then. The second one interrupts.

    Outside of the main thread, where signals cannot be handled, nothing stops the token.
    """
    token = StopToken()
    if threading.current_thread() is not threading.main_thread():
        yield token
        return

    def handle(number: int, frame: Any) -> None:
        if token.stopped:
            signal.default_int_handler(number, frame)
        token.stop()
        say()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, before)
