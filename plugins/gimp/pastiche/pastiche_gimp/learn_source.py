"""Reads the layer whose style is to be learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_run import LEAST_STYLE_SIDE
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_gimp.pixels import read_reduced, reduced_size, seen_buffer
from pastiche_gimp.source import selected_region

if TYPE_CHECKING:
    from gi.repository import Gegl

# Twice what is looked at in a training.
_MOST_SIDE = 1024


def read_learned(layer: Gimp.Layer) -> Layer:
    """The selected part of a layer as it looks, with a longer side of at most 1024 pixels.

    Raises:
        RefusalError: it is too small, or there is nothing in it.
    """
    region = selected_region(layer)
    name = layer.get_name()
    if min(region.width, region.height) < LEAST_STYLE_SIDE:
        raise refusals.style_too_small(name, LEAST_STYLE_SIDE)
    scale = min(1.0, _MOST_SIDE / max(region.width, region.height))
    with seen_buffer(layer) as (buffer, (x, y)):
        data = read_reduced(buffer, region.moved(-x, -y), scale, "R'G'B'A u8")
    mask = None
    image = layer.get_image()
    if not Gimp.Selection.is_empty(image):
        _, x, y = layer.get_offsets()
        selection: Gegl.Buffer = image.get_selection().get_buffer()
        mask = read_reduced(selection, region.moved(x, y), scale, "Y u8")
    if not any(data[3::4]):
        raise refusals.style_empty(name)
    width, height = reduced_size(region, scale)
    return Layer(width, height, PixelFormat.RGBA, SampleType.U8, data, mask=mask)
