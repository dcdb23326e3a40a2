"""Variants of one computation, each in a process of its own, that take turns.

Allocator settings, thread pools and peak memory then belong to one variant alone, and a machine
whose speed drifts is fair to all.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pastiche_daemon.bench.peak_memory import PeakMemory
from pastiche_daemon.memory import release_freed_memory

if TYPE_CHECKING:
    from torch import Tensor

_JOIN_SECONDS = 10


class UnavailableError(Exception):
    """A variant that cannot run on this machine; the message says why."""


@dataclass(frozen=True)
class Work:
    """What a variant does once: gives a picture, N x 3 x H x W in 0..1, or None.

    ``seconds`` tells the last one's time where the work measures a part of itself; else all of it
    is timed.
    """

    run: Callable[[], Tensor | None]
    seconds: Callable[[], float] | None = None


class Turns:
    """A variant in a process of its own, ready for its turns once it is made."""

    def __init__(self, make: Callable[..., Work], *arguments: object, picture: Path) -> None:
        """``make(*arguments)`` is called in the process, and its work done once to warm up.

        Its picture is written to the file ``picture``. Raises `UnavailableError` where it cannot
        run.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, make, arguments, picture), daemon=True
        )
        self._process.start()
        there.close()
        self._answer()

    def run(self) -> float:
        """Seconds of one more turn. Raises `UnavailableError` where it fails."""
        self._connection.send("run")
        return self._answer()

    def peak_bytes(self) -> int:
        """The most resident memory so far, above what the process had before its work."""
        self._connection.send("peak")
        return int(self._answer())

    def _answer(self) -> float:
        try:
            answer = self._connection.recv()
        except EOFError:
            self._process.join(_JOIN_SECONDS)
            answer = f"its process ended with code {self._process.exitcode}"
        if isinstance(answer, str):
            self.close()
            raise UnavailableError(answer)
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.join(0.1)
        self._process.kill()
        self._process.join(_JOIN_SECONDS)


def _serve(
    connection: Connection, make: Callable[..., Work], arguments: tuple[object, ...], picture: Path
) -> None:
    try:
        work = make(*arguments)
        release_freed_memory()  # what making it took does not count
        peak = PeakMemory()
        with peak:
            made = work.run()
            if made is not None:
                np.save(picture, made.float().numpy())
            del made
            connection.send(0.0)
            while (asked := connection.recv()) != "stop":
                if asked == "peak":
                    connection.send(peak.bytes)
                    continue
                started = time.perf_counter()
                work.run()
                passed = time.perf_counter() - started
                connection.send(work.seconds() if work.seconds else passed)
    except (EOFError, BrokenPipeError):
        return  # nobody asks any more
    except UnavailableError as error:
        connection.send(str(error))
    except Exception as error:  # noqa: BLE001 - told to whoever started the process
        connection.send(f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.300}")
