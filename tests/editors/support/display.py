"""A virtual screen of the tests' own, with the mouse and the keyboard in their hands."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageGrab

from tests.editors.support.ending import ending_with_this_process

WIDTH, HEIGHT = 1366, 768
# 96 dpi: otherwise sizes in points depend on the screen's imaginary millimetres.
_SCREEN = ("-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-dpi", "96")
_OPTIONS = (*_SCREEN, "-ac", "-nolisten", "tcp", "-noreset")
_START_SECONDS = 60.0
_XDOTOOL_SECONDS = 60.0
_DISMISS_SECONDS = 1.0


def why_no_display() -> str:
    """Why there can be no virtual screen; an empty text if there can."""
    missing = [name for name in ("Xvfb", "xdotool") if not shutil.which(name)]
    return f"{' and '.join(missing)} not installed" if missing else ""


@dataclass(frozen=True)
class Display:
    """A running X server of 1366x768 points at 24 bits. There is no window manager."""

    name: str

    @property
    def environ(self) -> dict[str, str]:
        return {"DISPLAY": self.name}

    def xdotool(self, *arguments: str | int) -> str:
        """Run xdotool; returns what it wrote. Raises CalledProcessError where it fails."""
        done = subprocess.run(
            ["xdotool", *map(str, arguments)],
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_XDOTOOL_SECONDS,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise subprocess.CalledProcessError(
                done.returncode, done.args, done.stdout, done.stderr
            )
        return done.stdout

    def key(self, *keys: str, window: str | None = None) -> None:
        """Press keys such as "Return" or "ctrl+z", in the focused window or in `window`."""
        if window:
            self.focus(window)
        self.xdotool("key", "--clearmodifiers", "--delay", 40, *keys)

    def type(self, text: str, window: str | None = None) -> None:
        if window:
            self.focus(window)
        self.xdotool("type", "--delay", 40, text)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click at a point of the screen."""
        self.xdotool("mousemove", "--sync", x, y, "click", button)

    def focus(self, window: str) -> None:
        """Without a window manager, focusing is setting the input focus."""
        self.xdotool("windowfocus", "--sync", window)

    def windows(self, title: str) -> list[str]:
        """The visible windows whose title matches this regular expression."""
        while True:
            try:
                return self.xdotool("search", "--onlyvisible", "--name", title).split()
            except subprocess.CalledProcessError as error:
                if "BadWindow" not in error.stderr:
                    return []  # it found none
                # One that it came upon went at that moment, and it looked no further.

    def wait_for_window(self, title: str, seconds: float = 120.0) -> str:
        """The first visible window with this title. Raises TimeoutError if none appears."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.windows(title)
            if found:
                return found[0]
            time.sleep(0.1)
        raise TimeoutError(f"no window {title!r} within {seconds:.0f} s; there are {self.titles()}")

    def wait_for_no_window(self, title: str, seconds: float = 120.0) -> None:
        """Raises TimeoutError if one stays."""
        deadline = time.monotonic() + seconds
        while self.windows(title):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the window {title!r} did not go within {seconds:.0f} s")
            time.sleep(0.1)

    def dismiss(self, title: str, seconds: float = 120.0) -> None:
        """Press Escape in a window until it goes: one that was just shown may not hear it yet.

        Raises TimeoutError if it stays.
        """
        deadline = time.monotonic() + seconds
        while found := self.windows(title):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the window {title!r} did not go within {seconds:.0f} s")
            with suppress(subprocess.SubprocessError):  # it went just now
                self.key("Escape", window=found[0])
            time.sleep(_DISMISS_SECONDS)

    def titles(self) -> list[str]:
        """The titles of the visible windows, for messages."""
        names = [self.xdotool("getwindowname", window).strip() for window in self.windows(".")]
        return [name for name in names if name]

    def geometry(self, window: str) -> tuple[int, int, int, int]:
        """x, y, width and height on the screen."""
        text = self.xdotool("getwindowgeometry", "--shell", window)
        values = dict(line.split("=", 1) for line in text.split())
        return int(values["X"]), int(values["Y"]), int(values["WIDTH"]), int(values["HEIGHT"])

    def screenshot(
        self, file: Path | None = None, area: tuple[int, int, int, int] | None = None
    ) -> Image.Image:
        """The screen or a part (left, upper, right, lower); also written to `file`, if given."""
        picture = ImageGrab.grab(area, xdisplay=self.name)
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            picture.save(file)
        return picture


@contextmanager
def virtual_display(environ: Mapping[str, str] | None = None) -> Iterator[Display]:
    """An Xvfb with a number that was free, ended with the block.

    Args:
        environ: variables to add to its environment.
    """
    reader, writer = os.pipe()
    try:
        server = subprocess.Popen(
            ending_with_this_process(["Xvfb", "-displayfd", str(writer), *_OPTIONS]),
            env={**os.environ, **(environ or {})},
            pass_fds=(writer,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        with os.fdopen(reader, "rb", buffering=0) as answer:
            yield Display(f":{_read_number(answer.fileno(), server)}")
    finally:
        server.kill()
        server.wait()


def _read_number(descriptor: int, server: subprocess.Popen[bytes]) -> int:
    text = b""
    deadline = time.monotonic() + _START_SECONDS
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(descriptor, 16) if ready else b""
        if not part:
            raise AssertionError(f"Xvfb did not start (exit code {server.poll()})")
        text += part
    return int(text)
