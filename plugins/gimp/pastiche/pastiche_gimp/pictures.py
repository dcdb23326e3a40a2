"""Encoded pictures and raw pixels as what GTK draws."""

from __future__ import annotations

from gi.repository import GdkPixbuf, Gio, GLib

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


def decoded(data: bytes, side: int) -> GdkPixbuf.Pixbuf | None:
    """A PNG or JPEG that fits into a square; None if it cannot be read."""
    if not data:
        return None
    stream = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(data))
    try:
        pixbuf = GdkPixbuf.Pixbuf.new_from_stream(stream, None)
    except GLib.Error:
        return None
    if pixbuf is None:
        return None
    scale = side / max(pixbuf.get_width(), pixbuf.get_height())
    width = max(1, round(pixbuf.get_width() * scale))
    height = max(1, round(pixbuf.get_height() * scale))
    return pixbuf.scale_simple(width, height, GdkPixbuf.InterpType.BILINEAR)
