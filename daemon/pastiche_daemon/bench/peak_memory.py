"""The most memory that a stretch of work holds, seen from outside of it."""

from __future__ import annotations

import threading

import psutil


class PeakMemory:
    """The most resident memory of this process while it is open, above what it had before."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._process = psutil.Process()
        self._before = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:  # noqa: PYI034 - Self needs Python 3.11
        self._before = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            used = self._process.memory_info().rss - self._before
            self.bytes = max(self.bytes, used)
