"""Encoded pictures and raw pixels as what GTK draws."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gi.repository import GdkPixbuf, Gimp, Gio, GLib

from pastiche_client.layer import Layer

_CHECK = 8
_DARK, _LIGHT = 0xFF666666, 0xFF999999


def pixbuf_of(layer: Layer) -> GdkPixbuf.Pixbuf:
    """An 8-bit RGB or RGBA layer, on a checkerboard where it is transparent."""
    pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(layer.packed()),
        GdkPixbuf.Colorspace.RGB,
        layer.format.has_alpha,
        8,
        layer.width,
        layer.height,
        layer.row_bytes,
    )
    if not layer.format.has_alpha:
        return pixbuf
    return pixbuf.composite_color_simple(
        layer.width,
        layer.height,
        GdkPixbuf.InterpType.NEAREST,
        255,
        _CHECK,
        _DARK,
        _LIGHT,
    )


def decoded(data: bytes, media_type: str, side: int) -> GdkPixbuf.Pixbuf | None:
    """An encoded picture that fits into a square; None if it cannot be read."""
    if not data:
        return None
    pixbuf = _by_gtk(data) or _by_gimp(data, media_type, side)
    if pixbuf is None:
        return None
    scale = side / max(pixbuf.get_width(), pixbuf.get_height())
    width = max(1, round(pixbuf.get_width() * scale))
    height = max(1, round(pixbuf.get_height() * scale))
    return pixbuf.scale_simple(width, height, GdkPixbuf.InterpType.BILINEAR)


def _by_gtk(data: bytes) -> GdkPixbuf.Pixbuf | None:
    stream = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(data))
    try:
        return GdkPixbuf.Pixbuf.new_from_stream(stream, None)
    except GLib.Error:  # GTK often cannot read WebP
        return None


def _by_gimp(data: bytes, media_type: str, side: int) -> GdkPixbuf.Pixbuf | None:
    suffix = "".join(letter for letter in media_type.rsplit("/", 1)[-1] if letter.isalnum())
    with tempfile.TemporaryDirectory(prefix="pastiche-") as folder:
        file = Path(folder) / f"preview.{suffix or 'png'}"
        file.write_bytes(data)
        try:
            image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(file)))
        except GLib.Error:
            return None
    if image is None:
        return None
    try:
        return image.get_thumbnail(2 * side, 2 * side, Gimp.PixbufTransparency.SMALL_CHECKS)
    finally:
        image.delete()
