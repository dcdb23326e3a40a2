"""What is measured in every place, and how the daemon's own share of it is found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: The layer that is measured, RGBA with 8 bits a sample.
WIDTH, HEIGHT = 3840, 2160
#: At 0 the network does not run, and all the rest does.
STRENGTHS = (0.0, 1.0)

_DONE = re.compile(rf"stylized {WIDTH} x {HEIGHT} .* in ([0-9.]+) s after ([0-9.]+) s in the queue")


@dataclass(frozen=True)
class Setup:
    """What is measured.

    Attributes:
        style: its name, such as "masters/starry_night".
        rounds: how often at each strength.
        threads: of the daemon's operations.
    """

    style: str
    rounds: int
    threads: int

    @property
    def daemon_arguments(self) -> list[str]:
        """Arguments of `pastiche serve`."""
        return ["--threads", str(self.threads), "--idle-exit", "0"]


class DaemonLog:
    """Reads what the daemon says of its jobs for layers of the measured size."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._taken = len(self._jobs())

    def take(self, count: int = 1) -> list[float]:
        """The seconds of the jobs since the last call. Raises RuntimeError if they are not `count`.

        A job is logged once its client has read the whole answer.
        """
        jobs = self._jobs()[self._taken :]
        self._taken += len(jobs)
        if len(jobs) != count:
            raise RuntimeError(f"the daemon's log tells of {len(jobs)} layers instead of {count}")
        return jobs

    def _jobs(self) -> list[float]:
        if not self._file.exists():
            return []
        return [float(found[1]) for found in _DONE.finditer(self._file.read_text("utf-8"))]
