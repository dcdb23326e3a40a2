"""Reads the pictures that a layer is painted like."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gi.repository import Gimp, Gio, GLib

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import StyleKind
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_gimp.pixels import Region, read_reduced, reduced_size, seen_buffer, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gi.repository import Gegl

    from pastiche_gimp.style_choices import StylePicture

_BABL = "R'G'B'A u8"


def read_style(picture: StylePicture, side: int) -> Layer:
    """The picture as it looks, with a longer side of at most `side` pixels; 0 is no limit.

    Raises:
        RefusalError: it is gone, or there is nothing in it.
    """
    with _buffer(picture) as (buffer, region):
        scale = min(1.0, side / max(region.width, region.height)) if side else 1.0
        data = read_reduced(buffer, region, scale, _BABL)
        width, height = reduced_size(region, scale)
    if not any(data[3::4]):
        raise refusals.style_empty(picture.choice.name)
    return Layer(width, height, PixelFormat.RGBA, SampleType.U8, data)


@contextmanager
def _buffer(picture: StylePicture) -> Iterator[tuple[Gegl.Buffer, Region]]:
    holder, choice = picture.holder, picture.choice
    if isinstance(holder, Gio.File):
        opened = _opened(holder, choice.file)
        try:
            with _seen_image(opened) as found:
                yield found
        finally:
            opened.delete()
    elif not holder.is_valid():
        if choice.kind is StyleKind.LAYER and not choice.file:
            raise refusals.style_layer_missing(choice.name)
        raise refusals.style_image_missing(choice.name)
    elif isinstance(holder, Gimp.Image):
        with _seen_image(holder) as found:
            yield found
    elif isinstance(holder, Gimp.Layer):
        size = whole(holder)
        with seen_buffer(holder) as (buffer, (x, y)):
            yield buffer, size.moved(-x, -y)
    else:
        yield holder.get_buffer(), whole(holder)


@contextmanager
def _seen_image(image: Gimp.Image) -> Iterator[tuple[Gegl.Buffer, Region]]:
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    try:
        yield seen.get_buffer(), whole(seen)
    finally:
        seen.delete()


def _opened(file: Gio.File, path: str) -> Gimp.Image:
    if not file.query_exists(None):
        raise refusals.style_file_missing(path)
    try:
        opened = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except GLib.Error as error:
        raise refusals.style_file_unreadable(path) from error
    if opened is None:
        raise refusals.style_file_unreadable(path)
    return opened
