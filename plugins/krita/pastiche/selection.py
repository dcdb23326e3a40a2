"""The user's selection, as far as it touches a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals

from .qt import QRect

if TYPE_CHECKING:
    from krita import Document, Node, Selection


def selection_of(document: Document, node: Node) -> Selection | None:
    """The selection that holds for a layer: its own, else the image's; None for everything."""
    for child in node.childNodes():
        if child.type() == "selectionmask" and child.visible():
            return child.selection()
    return document.selection()


def selection_rect(selection: Selection | None) -> QRect | None:
    """The bounds of what is selected, in the image's pixels; None for everything.

    Raises:
        RefusalError: nothing is selected.
    """
    if selection is None:
        return None
    rect = QRect(selection.x(), selection.y(), selection.width(), selection.height())
    if rect.isEmpty():
        raise refusals.selection_empty()
    return rect


def selection_mask(selection: Selection | None, rect: QRect) -> bytes | None:
    """A byte for every pixel of the rectangle, 255 is selected; None selects all of it."""
    if selection is None:
        return None
    mask = bytes(selection.pixelData(rect.x(), rect.y(), rect.width(), rect.height()))
    return None if mask.count(255) == len(mask) else mask
