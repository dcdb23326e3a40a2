"""What is measured in every place, and what both editors' measurements share."""

from __future__ import annotations

import re
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pastiche_client.editing.paint_options import PaintOptions, Quality

if TYPE_CHECKING:
    from pastiche_client.client import Client

#: The layer that is measured, RGBA with 8 bits a sample.
WIDTH, HEIGHT = 3840, 2160
#: At 0 the network does not run, and all the rest does.
STRENGTHS = (0.0, 1.0)

#: The layer that is painted, RGBA with 8 bits a sample, and the one it is painted like.
PAINTED_SIZE, STYLE_SIZE = (1280, 960), (640, 480)
#: With the built-in encoder.
PAINTING = PaintOptions(quality=Quality.GOOD)
#: A painting is ended after that many steps and pictures.
LEAST_STEPS, LEAST_PICTURES = 10, 3

_MOST_SECONDS = 120.0
# Between two questions to the daemon, which has to end its work meanwhile.
_ASK_SECONDS = 0.02
_DONE = re.compile(rf"stylized {WIDTH} x {HEIGHT} .* in ([0-9.]+) s after ([0-9.]+) s in the queue")


@dataclass(frozen=True)
class Setup:
    """What is measured.

    Attributes:
        rounds: how often at each strength, or in each way to end a painting.
        threads: of the daemon's operations.
        style: for stylizing: its name, such as "masters/starry_night".
    """

    rounds: int
    threads: int
    style: str = ""

    @property
    def daemon_arguments(self) -> list[str]:
        """Arguments of `pastiche serve`."""
        return ["--threads", str(self.threads), "--idle-exit", "0"]


@dataclass(frozen=True)
class PaintingTimes:
    """What was seen of a painting, by the system's clock.

    Attributes:
        steps: when which step was told of, in their order; some may be left out.
        pictures: when pictures came.
    """

    steps: list[tuple[float, int]]
    pictures: list[float]

    @property
    def is_enough(self) -> bool:
        """Whether there is enough to tell how long a step takes, and how often pictures come."""
        return (
            bool(self.steps)
            and self.steps[-1][1] >= LEAST_STEPS
            and len(self.pictures) >= LEAST_PICTURES
        )

    @property
    def step_seconds(self) -> float:
        """The median time of a step."""
        return statistics.median(
            (later - sooner) / (after - before)
            for (sooner, before), (later, after) in pairwise(self.steps)
        )

    def longest_without_picture(self, until: float) -> float:
        """The longest time without a new picture, from the first step on."""
        times = [self.steps[0][0], *self.pictures, until]
        return max(later - sooner for sooner, later in pairwise(times))


def seconds_until_idle(client: Client, since: float) -> float:
    """Wait until the daemon runs nothing; the seconds from `since`, by `time.perf_counter`."""
    while client.info().running:
        if time.perf_counter() > since + _MOST_SECONDS:
            raise RuntimeError("the daemon did not end what it did")
        time.sleep(_ASK_SECONDS)
    return time.perf_counter() - since


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
