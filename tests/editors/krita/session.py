"""What tests do with a running Krita."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.editors.support.display import Display
from tests.editors.support.krita import Krita

_SECONDS = 120.0
_TYPES = {"U8": "<u1", "U16": "<u2", "F16": "<f2", "F32": "<f4"}
CHANNELS = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5, "LABA": 4}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Rect:
    """A rectangle of an image, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def values(self) -> dict[str, int]:
        return {"x": self.x, "y": self.y, "width": self.width, "height": self.height}

    @property
    def bounds(self) -> list[int]:
        return [self.x, self.y, self.width, self.height]


@dataclass(frozen=True)
class Space:
    """A colour space of Krita."""

    model: str = "RGBA"
    depth: str = "U8"
    profile: str = ""

    @property
    def names(self) -> list[str]:
        return [self.model, self.depth, self.profile]

    @property
    def largest(self) -> float:
        """The value of opaque alpha."""
        return {"U8": 255.0, "U16": 65535.0}.get(self.depth, 1.0)

    def array(self, data: bytes, rect: Rect) -> Array:
        """Bytes as rows, columns and samples, alpha last."""
        values = np.frombuffer(data, _TYPES[self.depth])
        return values.reshape(rect.height, rect.width, CHANNELS[self.model])

    def bytes(self, samples: Array) -> bytes:
        """Samples of 0..1 as Krita keeps them."""
        scaled = samples * self.largest
        if self.depth in {"U8", "U16"}:
            scaled = np.rint(scaled)
        return scaled.astype(_TYPES[self.depth]).tobytes()


@dataclass
class KritaSession:
    """A running Krita; `begin` starts another one, and ends the one before."""

    krita: Krita
    display: Display
    begin: Callable[[], Krita] | None = None

    def restart(self) -> None:
        """Start another Krita, with its docker shown and the styles loaded."""
        assert self.begin is not None
        self.krita = self.begin()
        self.prepare()

    def prepare(self) -> None:
        """Show the docker and wait for the styles."""
        self.call("prepare")
        self.wait_until(lambda: self.call("ready"), "the styles")

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of `inside.py`."""
        return self.krita.call(function, **arguments)

    def reset(self) -> None:
        """Close all documents, forget all jobs, and choose the usual values."""
        for index in range(self.krita.run("result = len(studio().jobs)")):
            if not self.call("job", index=index)["final"]:
                self.call("cancel", index=index)
                self.finished(index)
        self.call("close_documents")
        self.krita.run("studio().jobs.clear()")
        self.call("set_preview", on=False)
        self.call("set_all_frames", on=False)
        self.call("set_paint_frames", on=False)
        self.call("set_options", style="tiny/one")
        self.call("set_paint", encoder="vgg19-quarter", quality="quick")
        self.call("set_factor", factor=2)
        self.call("show_page", page="Stylize")
        self.call("clear_message")

    def add(self, name: str, data: bytes, rect: Rect, parent: str | None = None) -> None:
        """A paint layer with these pixels; Krita makes it the active one a little later."""
        self.call("add", name=name, data=data, parent=parent, **rect.values)
        self.wait_until(lambda: self.call("active") == name, "the layer's activation")

    def wait_until(
        self, condition: Callable[[], bool], what: str, seconds: float = _SECONDS
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen"
            time.sleep(0.03)

    def stylize(self, action: str = "pastiche_stylize") -> dict[str, Any]:
        """Stylize the selected layers, and wait; returns the job."""
        return self.finished(self.start(action))

    def start(self, action: str = "pastiche_stylize") -> int:
        """Start a job; returns its place in the list."""
        index = self.call("stylize", action=action)
        assert index is not None, f"it was refused: {self.call('message')}"
        return index

    def refusal(self, action: str = "pastiche_stylize") -> str:
        """What is told where no job can be started."""
        assert self.call("stylize", action=action) is None
        return self.call("message")

    def finished(self, index: int) -> dict[str, Any]:
        """Wait for the end of a job."""
        self.wait_until(lambda: self.call("job", index=index)["final"], "the job's end")
        job: dict[str, Any] = self.call("job", index=index)
        return job

    def done(self, index: int | None = None) -> None:
        """The job, or a new one, ends well and has nothing to tell."""
        job = self.stylize() if index is None else self.finished(index)
        assert (job["state"], job["message"]) == ("done", ""), job

    def undo(self) -> None:
        self._move("edit_undo", -1)

    def redo(self) -> None:
        self._move("edit_redo", 1)

    def _move(self, action: str, by: int) -> None:
        wanted = self.call("history")["current"] + by
        self.call("trigger", action=action)
        self.wait_until(lambda: self.call("history")["current"] == wanted, action)
        self.call("settle")

    def pixels(self, name: str, rect: Rect, time: int | None = None) -> bytes:
        data: bytes = self.call("pixels", name=name, time=time, **rect.values)
        return data
