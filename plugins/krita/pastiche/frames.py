"""All frames of an animated layer: read one by one, written into a copy, added in one undo step.

The copy is filled in a scratch document, whose time can be moved without a trace: in the user's
own document every change of the time would be an undo step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals

from .color_space import ColorSpace
from .insertion import add_above
from .reading import check_layer, read_pixels
from .scratch import close_scratch, open_scratch
from .selection import selection_of, selection_rect

if TYPE_CHECKING:
    from collections.abc import Generator

    from krita import Document, Node

    from .pixels import Pixels
    from .qt import QRect

_OPAQUE = 255
_LEAST_LENGTH = 10_000


class AnimatedLayer:
    """A copy of an animated layer for its results. `close` it in the end."""

    def __init__(self, document: Document, node: Node) -> None:
        """Copy the layer; `prepare` must follow.

        Raises:
            RefusalError: it cannot be stylized, or has no frames.
        """
        check_layer(node)
        self.node_id = node.uniqueId()
        self.name = node.name()
        self._keys = key_times(document, node)
        if not self._keys:
            raise refusals.no_frames(self.name)
        selection = selection_of(document, node)
        self._selected = selection_rect(selection)
        self._selection = selection.duplicate() if selection is not None else None
        self._rects: dict[int, QRect] = {}
        scratch = open_scratch(document.width(), document.height(), ColorSpace.of(document))
        self._scratch: Document | None = scratch
        # Frames may share their pixels: what is read must not have been written to before.
        self._original = _copy_into(scratch, node)
        self._result = _copy_into(scratch, node)
        self.space = ColorSpace.of(self._result)

    @property
    def times(self) -> list[int]:
        """The times of the frames that have something to stylize."""
        return list(self._rects)

    def prepare(self) -> Generator[None, None, None]:
        """Look at all frames, and make those of the copy transparent.

        Raises:
            RefusalError: there is nothing to stylize.
        """
        for time in self._keys:
            self._go_to(time)
            rect = self._original.bounds()
            if self._selected is not None:
                rect = rect.intersected(self._selected)
            if not rect.isEmpty() and not read_pixels(self._original, rect).is_transparent:
                self._rects[time] = rect
            self._clear()
            yield
        if not self._rects:
            raise refusals.layer_empty(self.name)

    def rect(self, time: int) -> QRect:
        """What is read of a frame, in the image's pixels."""
        return self._rects[time]

    def read(self, time: int) -> Pixels:
        """The pixels of a frame, within the selection's bounds."""
        self._go_to(time)
        return read_pixels(self._original, self._rects[time])

    def mask(self, time: int) -> bytes | None:
        """The selection's share of every pixel of a frame; None for all of it."""
        if self._selection is None:
            return None
        rect = self._rects[time]
        return bytes(self._selection.pixelData(rect.x(), rect.y(), rect.width(), rect.height()))

    def write(self, time: int, pixels: Pixels) -> None:
        """Put a frame's result into the copy; the pixels are of `space`."""
        rect = self._rects[time]
        self._go_to(time)
        self._result.setPixelData(pixels.data, rect.x(), rect.y(), rect.width(), rect.height())

    def insert(self, document: Document, node: Node, name: str) -> Generator[None, None, Node]:
        """Add the copy right above `node`, as one undo step. Raises RefusalError."""
        # Here, where it makes no undo steps of the user's.
        result = self._result
        result.setName(name)
        result.setOpacity(_OPAQUE)
        result.setBlendingMode("normal")
        result.setAlphaLocked(False)
        result.setInheritAlpha(False)
        new = result.duplicate()
        yield from add_above(document, node, new)
        return new

    def close(self) -> None:
        """Forget the copies. May be called twice."""
        if self._scratch is not None:
            # Krita's layers must not outlive their document.
            del self._original, self._result
            close_scratch(self._scratch)
            self._scratch = None

    def _clear(self) -> None:
        rect = self._result.bounds()
        empty = bytes(rect.width() * rect.height() * self.space.pixel_bytes)
        self._result.setPixelData(empty, rect.x(), rect.y(), rect.width(), rect.height())

    def _go_to(self, time: int) -> None:
        assert self._scratch is not None
        self._scratch.setCurrentTime(time)
        self._scratch.waitForDone()


def _copy_into(document: Document, node: Node) -> Node:
    copy = node.duplicate()
    document.rootNode().addChildNode(copy, None)
    # `copy` itself would go on to put undo steps into the document that it was made from.
    return document.nodeByUniqueID(copy.uniqueId())


def key_times(document: Document, node: Node) -> list[int]:
    """The times of the layer's keyframes; none if it is not animated."""
    if not node.animated():
        return []
    # A keyframe may lie beyond the clip's end.
    end = max(document.animationLength(), document.fullClipRangeEndTime(), _LEAST_LENGTH)
    return [time for time in range(end + 1) if node.hasKeyframeAtTime(time)]
