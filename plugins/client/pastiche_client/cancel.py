"""Switches with which one thread ends a call that another one waits for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class CancelToken:
    """Cancels the calls that it was given to. It stays cancelled; use a new one for a new call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._watchers: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher()

    @contextmanager
    def calling(self, watcher: Callable[[], object]) -> Generator[None]:
        """While inside, cancelling calls `watcher`; at once if it is cancelled already."""
        with self._lock:
            self._watchers.append(watcher)
            cancelled = self._cancelled
        try:
            if cancelled:
                watcher()
            yield
        finally:
            with self._lock:
                self._watchers.remove(watcher)


class StopToken:
    """Makes the calls that it was given to stop early and keep what they have."""

    def __init__(self) -> None:
        self._switch = CancelToken()

    @property
    def stopped(self) -> bool:
        return self._switch.cancelled

    def stop(self) -> None:
        """From any thread, at any time; also before the call."""
        self._switch.cancel()

    @contextmanager
    def calling(self, watcher: Callable[[], object]) -> Generator[None]:
        """While inside, stopping calls `watcher`; at once if it was stopped already."""
        with self._switch.calling(watcher):
            yield
