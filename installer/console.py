"""What the installer shows while something takes its time."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

_PIP_LINES = (
    (r"Obtaining file:", "reading the project"),
    (r"Collecting ([A-Za-z0-9._-]+)", "looking for {0}"),
    (
        r"(?:Downloading|Using cached) ([A-Za-z0-9._]+)-([^-]+)-\S+ \((.+)\)",
        "getting {0} {1} ({2})",
    ),
    (r"(Installing build dependencies|Preparing editable metadata)", "{0}"),
    (r"Building editable for (\S+)", "building {0}"),
    (r"INFO: pip is looking at multiple versions of (\S+)", "comparing versions of {0}"),
    (r"Installing collected packages: (.+)", "unpacking packages: {count}"),
)


def describe_pip_line(line: str) -> str | None:
    """A line of pip's output in a few words; None for one that tells a user nothing."""
    for pattern, text in _PIP_LINES:
        found = re.match(r"\s*" + pattern, line)
        if found:
            groups = found.groups()
            return text.format(*groups, count=groups[0].count(",") + 1 if groups else 0)
    return None


def telling_lines(lines: Sequence[str], most: int = 15) -> str:
    """pip's errors, or the end of the output where it has none."""
    errors = [line for line in lines if line.startswith("ERROR:")]
    return "\n".join((errors or [line for line in lines if line.strip()])[-most:])


class Progress:
    """One live line on a terminal; elsewhere a line for every step and twice a minute.

    Use as a context manager.
    """

    def __init__(self, text: str, out: IO[str] | None = None) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._text = text
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if not self._live:
            self._line(self._text)
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()
        if self._live:
            self._out.write("\r\033[K")
            self._out.flush()

    def show(self, text: str) -> None:
        """Say what is being done now."""
        if text != self._text and not self._live and not text.startswith("pip: looking for"):
            self._line(text)
        self._text = text

    def _tick(self) -> None:
        count = 0
        while not self._ended.wait(0.1 if self._live else 30.0):
            seconds = int(time.monotonic() - self._started)
            elapsed = f"{seconds // 60}:{seconds % 60:02d}"
            if self._live:
                width = shutil.get_terminal_size().columns
                line = f"{'|/-' + chr(92)} "[count % 4] + f" {elapsed}  {self._text}"
                self._out.write("\r\033[K" + line[: width - 1])
                self._out.flush()
            else:
                self._line(f"{self._text} ({elapsed})")
            count += 1

    def _line(self, text: str) -> None:
        self._out.write(f"  {text}\n")
        self._out.flush()


def announce(name: str) -> None:
    print(f"\n== {name}", flush=True)
