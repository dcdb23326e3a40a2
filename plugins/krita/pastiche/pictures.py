"""From encoded pictures to those of Qt."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from krita import Krita

from .qt import QImage

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


def decode_picture(data: bytes, media_type: str) -> QImage:
    """The picture; a null one if it cannot be read.

    Qt reads WebP only where a plug-in of its own is installed; Krita always does.
    """
    picture = QImage.fromData(data)
    if picture.isNull() and media_type in _SUFFIXES:
        return _decoded_by_krita(data, _SUFFIXES[media_type])
    return picture


def _decoded_by_krita(data: bytes, suffix: str) -> QImage:
    with tempfile.TemporaryDirectory(prefix="pastiche-") as folder, _without_dialogs():
        file = Path(folder) / f"preview{suffix}"
        file.write_bytes(data)
        document = Krita.instance().openDocument(str(file))
        if document is None:
            return QImage()
        try:
            document.waitForDone()
            return document.projection(0, 0, document.width(), document.height())
        finally:
            document.setModified(False)
            document.close()


@contextlib.contextmanager
def _without_dialogs() -> Iterator[None]:
    krita = Krita.instance()
    before = krita.batchmode()
    krita.setBatchmode(True)
    try:
        yield
    finally:
        krita.setBatchmode(before)
