"""Pixels of layers, selections and masks, out of GEGL's buffers and into them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gi.repository import Gegl, Gimp

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Region:
    """A rectangle, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, x: int, y: int) -> Region:
        return Region(self.x + x, self.y + y, self.width, self.height)

    @property
    def rectangle(self) -> Gegl.Rectangle:
        return Gegl.Rectangle.new(self.x, self.y, self.width, self.height)


def whole(drawable: Gimp.Drawable) -> Region:
    return Region(0, 0, drawable.get_width(), drawable.get_height())


def read(buffer: Gegl.Buffer, region: Region, babl: str) -> bytes:
    """The region's pixels, rows from top to bottom; outside of the buffer they are transparent."""
    return buffer.get(region.rectangle, 1.0, babl, Gegl.AbyssPolicy.NONE)


def read_reduced(buffer: Gegl.Buffer, region: Region, scale: float, babl: str) -> bytes:
    """The region at a smaller size, smoothed: each side times `scale`, rounded."""
    width, height = reduced_size(region, scale)
    if (width, height) == (region.width, region.height):
        return read(buffer, region, babl)
    reduced = Gegl.Rectangle.new(round(region.x * scale), round(region.y * scale), width, height)
    return buffer.get(reduced, scale, babl, Gegl.AbyssPolicy.CLAMP)


def reduced_size(region: Region, scale: float) -> tuple[int, int]:
    """Width and height of what `read_reduced` gives."""
    return max(1, round(region.width * scale)), max(1, round(region.height * scale))


@contextmanager
def seen_buffer(layer: Gimp.Layer) -> Iterator[tuple[Gegl.Buffer, tuple[int, int]]]:
    """A layer's pixels as they look, with its filters, and where they start in the layer.

    The layer's own mask, opacity and mode are left out. The image is not changed.
    """
    if not any(effect.get_visible() for effect in layer.get_filters()):
        yield layer.get_buffer(), (0, 0)
    elif layer.is_group():
        with _flattened_group(layer) as buffer:
            yield buffer, (0, 0)
    else:
        copy = layer.copy()
        try:
            copy.merge_filters()
            # A filter such as a shadow may have enlarged it.
            x, y = (a - b for a, b in zip(_offsets(copy), _offsets(layer), strict=True))
            yield copy.get_buffer(), (x, y)
        finally:
            copy.delete()


def _offsets(drawable: Gimp.Drawable) -> tuple[int, int]:
    _, x, y = drawable.get_offsets()
    return x, y


@contextmanager
def _flattened_group(group: Gimp.GroupLayer) -> Iterator[Gegl.Buffer]:
    """Filters of a group cannot be merged: a scratch image shows it."""
    image = group.get_image()
    size = group.get_width(), group.get_height()
    scratch = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        scratch.undo_disable()
        profile = image.get_color_profile()
        if profile is not None:
            scratch.set_color_profile(profile)
        copy = Gimp.Layer.new_from_drawable(group, scratch)
        scratch.insert_layer(copy, None, 0)
        if copy.get_mask() is not None:
            copy.remove_mask(Gimp.MaskApplyMode.DISCARD)
        copy.set_offsets(0, 0)
        copy.set_visible(True)
        copy.set_opacity(100.0)
        copy.set_mode(Gimp.LayerMode.NORMAL)
        yield Gimp.Layer.new_from_visible(scratch, scratch, "seen").get_buffer()
    finally:
        scratch.delete()
