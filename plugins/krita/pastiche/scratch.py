"""Documents that nobody sees, in which pixels are converted and copied.

What is done in them leaves no trace in the user's document, nor in its undo history.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from krita import Krita

if TYPE_CHECKING:
    from collections.abc import Iterator

    from krita import Document

    from .color_space import ColorSpace


@contextmanager
def scratch_document(width: int, height: int, space: ColorSpace) -> Iterator[Document]:
    """A document of this size and colour space, gone at the end of the block."""
    document = open_scratch(width, height, space)
    try:
        yield document
    finally:
        close_scratch(document)


def open_scratch(width: int, height: int, space: ColorSpace) -> Document:
    """A document that `close_scratch` must be given."""
    return Krita.instance().createDocument(
        width, height, "pastiche", space.model, space.depth, space.profile, 72.0
    )


def close_scratch(document: Document) -> None:
    document.waitForDone()
    document.setModified(False)  # or Krita asks whether to save it
    document.close()
