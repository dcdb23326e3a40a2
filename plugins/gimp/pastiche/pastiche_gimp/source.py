"""A layer that is to be stylized, read as it is at that moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.layer import Layer
from pastiche_gimp.pixels import Region, read, seen_buffer, whole
from pastiche_gimp.wire_format import WireFormat, mask_format, wire_format

if TYPE_CHECKING:
    from collections.abc import Sequence


# Pixels at a time where a layer is searched for something to be seen.
_LOOKED_AT = 2**16


@dataclass(frozen=True)
class MaskPixels:
    """Samples of a selection or mask within a source's region."""

    babl: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Source:
    """A layer as it was when it was asked for.

    Attributes:
        image, drawable: GIMP's own objects; either may be gone later.
        name: the layer's name.
        size: its width and height.
        region: what is stylized, in the layer's coordinates: the selection's bounds.
        as_seen: whether filters are in the pixels.
        wire: the format of the pixels.
        layer: the pixels within the region.
        selection: the selection within the region; None if there is none.
        mask: the layer's own mask within the region, None if it has none that is in effect.
    """

    image: Gimp.Image
    drawable: Gimp.Layer
    name: str
    size: tuple[int, int]
    region: Region
    as_seen: bool
    wire: WireFormat
    layer: Layer
    selection: MaskPixels | None
    mask: MaskPixels | None

    def is_as_it_was(self) -> bool:
        """Whether pixels and selection still are the same."""
        return (
            (self.drawable.get_width(), self.drawable.get_height()) == self.size
            and _selection(self.drawable, self.region) == self.selection
            and _pixels(self.drawable, self.region, self.wire, self.as_seen) == self.layer.data
        )


def check_layers(image: Gimp.Image | None, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """The selected drawables, which must be layers.

    Raises:
        RefusalError: one of them cannot be stylized, or there is none.
    """
    if image is None:
        raise refusals.no_image()
    layers = [drawable for drawable in drawables if isinstance(drawable, Gimp.Layer)]
    if not layers or len(layers) < len(drawables):
        raise refusals.no_layer()  # masks and channels are not stylized
    for layer in layers:
        _check(layer)
    return layers


def check_in_place(layers: Sequence[Gimp.Layer]) -> None:
    """Raises RefusalError for layers whose pixels cannot be replaced."""
    for layer in layers:
        # Groups, text and vector layers are of subclasses.
        if type(layer) is not Gimp.Layer:
            raise refusals.not_in_place(layer.get_name())


def read_source(layer: Gimp.Layer, *, in_place: bool, selected: bool = True) -> Source:
    """Read a layer that `check_layers` has passed; all of it if not `selected`.

    Raises:
        RefusalError: nothing is there to be stylized.
    """
    region = selected_region(layer) if selected else whole(layer)
    wire = wire_format(layer)
    # In place, filters stay on top of what is written: they must not be in it, too.
    data = _pixels(layer, region, wire, as_seen=not in_place)
    if wire.has_alpha and is_transparent(data, wire):
        if region == whole(layer):
            raise refusals.layer_empty(layer.get_name())
        raise refusals.selection_on_nothing(layer.get_name())
    _, x, y = layer.get_offsets()
    return Source(
        image=layer.get_image(),
        drawable=layer,
        name=layer.get_name(),
        size=(layer.get_width(), layer.get_height()),
        region=region,
        as_seen=not in_place,
        wire=wire,
        layer=Layer(
            region.width,
            region.height,
            wire.pixel_format,
            wire.sample_type,
            data,
            offset=(x + region.x, y + region.y),
        ),
        selection=_selection(layer, region) if selected else None,
        mask=_own_mask(layer, region),
    )


def selected_region(layer: Gimp.Layer) -> Region:
    """The selection's bounds within a layer. Raises RefusalError if it does not touch it."""
    touches, x, y, width, height = layer.mask_intersect()
    if not touches:
        raise refusals.selection_outside(layer.get_name())
    return Region(x, y, width, height)


def is_transparent(data: bytes, wire: WireFormat) -> bool:
    """Whether no pixel can be seen. Looks no further than the first one that can."""
    size = wire.sample_type.size
    pixel = wire.pixel_format.channels * size
    alpha = range(pixel - size, pixel)
    pieces = range(0, len(data), _LOOKED_AT * pixel)
    return not any(
        data[start : start + _LOOKED_AT * pixel][byte::pixel].strip(b"\0")
        for start in pieces
        for byte in alpha
    )


def _check(layer: Gimp.Layer) -> None:
    name = layer.get_name()
    chain = [layer, *_parents(layer)]
    if any(item.get_lock_content() for item in chain):
        raise refusals.layer_locked(name)
    if not all(item.get_visible() for item in chain):
        raise refusals.layer_invisible(name)
    if layer.is_floating_sel():
        raise refusals.floating_selection()


def _parents(item: Gimp.Item) -> list[Gimp.Item]:
    parent = item.get_parent()
    return [parent, *_parents(parent)] if parent is not None else []


def _pixels(layer: Gimp.Layer, region: Region, wire: WireFormat, as_seen: bool) -> bytes:
    if not as_seen:
        return read(layer.get_buffer(), region, wire.babl)
    with seen_buffer(layer) as (buffer, (x, y)):
        return read(buffer, region.moved(-x, -y), wire.babl)


def _selection(layer: Gimp.Layer, region: Region) -> MaskPixels | None:
    image = layer.get_image()
    if Gimp.Selection.is_empty(image):
        return None
    babl = mask_format(image)
    _, x, y = layer.get_offsets()
    return MaskPixels(babl, read(image.get_selection().get_buffer(), region.moved(x, y), babl))


def _own_mask(layer: Gimp.Layer, region: Region) -> MaskPixels | None:
    mask = layer.get_mask()
    if mask is None or not layer.get_apply_mask():
        return None
    babl = mask_format(layer.get_image())
    return MaskPixels(babl, read(mask.get_buffer(), region, babl))
