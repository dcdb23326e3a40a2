"""Puts a result into the image; the caller makes one undo step of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gegl, Gimp

from pastiche_client.editing import refusals
from pastiche_gimp.pixels import read, whole

if TYPE_CHECKING:
    from pastiche_client.layer import Layer
    from pastiche_gimp.source import MaskPixels, Source

_TYPES = {
    Gimp.ImageBaseType.RGB: (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE),
    Gimp.ImageBaseType.GRAY: (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE),
    Gimp.ImageBaseType.INDEXED: (Gimp.ImageType.INDEXED_IMAGE, Gimp.ImageType.INDEXEDA_IMAGE),
}


_MASK = "Y float"


def why_no_place(source: Source) -> refusals.RefusalError | None:
    """What of the image has gone so that the source's result has no place; None if it has one."""
    if not source.image.is_valid():
        return refusals.image_closed()
    if not source.drawable.is_valid():
        return refusals.layer_deleted(source.name)
    if (source.drawable.get_width(), source.drawable.get_height()) != source.size:
        return refusals.image_resized()
    return None


def insert_above(
    source: Source, pixels: Layer, name: str, top: Gimp.Layer | None = None
) -> Gimp.Layer:
    """A new layer exactly above the source: its size, place, group and alpha.

    With `top` it goes above that one in the layers' order, if that is still there.

    The selection becomes the new layer's mask, so that its edge stays editable; behind the mask,
    outside of the selection's bounds, are the source's own pixels. A mask of the source is kept.
    """
    image, drawable = source.image, source.drawable
    # The image may have got another mode or precision meanwhile.
    kind = _TYPES[image.get_base_type()][source.wire.has_alpha]
    layer = Gimp.Layer.new(
        image, name, *source.size, kind, 100.0, image.get_default_new_layer_mode()
    )
    _, x, y = drawable.get_offsets()
    layer.set_offsets(x, y)
    buffer = layer.get_buffer()
    if source.region != whole(layer):
        rectangle = whole(layer).rectangle
        drawable.get_buffer().copy(rectangle, Gegl.AbyssPolicy.NONE, buffer, rectangle)
    buffer.set(source.region.rectangle, source.wire.babl, bytes(pixels.data))
    buffer.flush()
    masks = [mask for mask in (source.selection, source.mask) if mask is not None]
    if masks:
        layer.add_mask(_combined(layer, source, masks))
    below = top if top is not None and top.is_valid() else drawable
    image.insert_layer(layer, below.get_parent(), image.get_item_position(below))
    if masks:
        layer.set_edit_mask(False)  # what comes next is meant for the picture
    return layer


def insert_larger(source: Source, pixels: Layer, name: str, factor: int) -> Gimp.Layer:
    """A new layer above a source that was read whole, `factor` times as wide and high.

    It begins at the source's upper left corner, and may go beyond the image. A mask of the source
    is made larger, too.
    """
    image, drawable = source.image, source.drawable
    kind = _TYPES[image.get_base_type()][source.wire.has_alpha]
    size = (source.size[0] * factor, source.size[1] * factor)
    layer = Gimp.Layer.new(image, name, *size, kind, 100.0, image.get_default_new_layer_mode())
    _, x, y = drawable.get_offsets()
    layer.set_offsets(x, y)
    buffer = layer.get_buffer()
    buffer.set(whole(layer).rectangle, source.wire.babl, bytes(pixels.data))
    buffer.flush()
    if source.mask is not None:
        mask = layer.create_mask(Gimp.AddMaskType.BLACK)
        mask_buffer = mask.get_buffer()
        mask_buffer.set(whole(layer).rectangle, _MASK, _scaled(source.mask, source.size, size))
        mask_buffer.flush()
        layer.add_mask(mask)
    image.insert_layer(layer, drawable.get_parent(), image.get_item_position(drawable))
    layer.set_edit_mask(False)
    return layer


def replace_in_place(source: Source, pixels: Layer) -> Gimp.Layer:
    """Replace the source's pixels, within the selection.

    Raises:
        RefusalError: GIMP did not allow it.
    """
    layer = source.drawable
    shadow = layer.get_shadow_buffer()
    shadow.set(source.region.rectangle, source.wire.babl, bytes(pixels.data))
    shadow.flush()
    del shadow
    if not layer.merge_shadow(True):
        raise refusals.editor_failed(Gimp.get_pdb().get_last_error())
    layer.update(source.region.x, source.region.y, source.region.width, source.region.height)
    return layer


def _scaled(mask: MaskPixels, old: tuple[int, int], new: tuple[int, int]) -> bytes:
    """A mask's values in another size, as GIMP interpolates; in the format `_MASK`."""
    precision = Gimp.Precision.FLOAT_LINEAR
    scratch = Gimp.Image.new_with_precision(*old, Gimp.ImageBaseType.GRAY, precision)
    try:
        scratch.undo_disable()
        layer = Gimp.Layer.new(
            scratch, "mask", *old, Gimp.ImageType.GRAY_IMAGE, 100.0, Gimp.LayerMode.NORMAL
        )
        buffer = layer.get_buffer()
        buffer.set(whole(layer).rectangle, mask.babl, mask.data)
        buffer.flush()
        scratch.insert_layer(layer, None, 0)
        layer.scale(*new, False)
        return read(layer.get_buffer(), whole(layer), _MASK)
    finally:
        scratch.delete()


def _combined(layer: Gimp.Layer, source: Source, masks: list[MaskPixels]) -> Gimp.LayerMask:
    first, *others = [_mask(layer, source, pixels) for pixels in masks]
    for other in others:
        first.combine_masks(other, Gimp.ChannelOps.INTERSECT, 0, 0)
        other.delete()
    return first


def _mask(layer: Gimp.Layer, source: Source, pixels: MaskPixels) -> Gimp.LayerMask:
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    buffer = mask.get_buffer()
    buffer.set(source.region.rectangle, pixels.babl, pixels.data)
    buffer.flush()
    return mask
