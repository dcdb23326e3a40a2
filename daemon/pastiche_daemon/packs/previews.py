"""Previews for programs that cannot read every kind of picture that packs may hold."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack

_WEBP = "image/webp"
_JPEG_QUALITY = 92


def plain_preview(pack: Pack, style_id: str) -> tuple[bytes, str] | None:
    """A style's preview as PNG or JPEG, with its media type; None if it has none.

    The toolkits of the editors read WebP only where a plug-in of theirs is installed. Such a
    preview becomes JPEG, or PNG if it has transparent pixels; that takes a few milliseconds.

    Raises:
        what `Pack.preview` raises.
    """
    found = pack.preview(style_id)
    if found is None or found[1] != _WEBP:
        return found
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(found[0]), formats=["WEBP"]) as picture:
        if picture.mode == "RGBA":
            picture.save(buffer, "PNG")
            return buffer.getvalue(), "image/png"
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        return buffer.getvalue(), "image/jpeg"
