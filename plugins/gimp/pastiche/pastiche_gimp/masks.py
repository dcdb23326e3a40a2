"""Masks of an image, which give a style its place or tell the strength: listed, found and read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing.option_values import OptionError, shown
from pastiche_client.editing.style_choice import RegionChoice
from pastiche_client.editing.told import marked
from pastiche_gimp.pixels import read
from pastiche_gimp.recipes import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pastiche_gimp.source import Source

_CHANNEL, _LAYER_MASK = "channel", "mask"


def masks_of(image: Gimp.Image) -> list[RegionChoice]:
    """The image's channels, which hold saved selections, and its layers' masks, from the top."""
    return [mask_choice(mask) for mask in _masks(image)]


def mask_choice(mask: Gimp.Channel) -> RegionChoice:
    """What finds a mask again."""
    kind = _LAYER_MASK if isinstance(mask, Gimp.LayerMask) else _CHANNEL
    return RegionChoice(mask.get_name(), f"{kind}:{mask.get_tattoo()}")


def given_mask(
    field: str, drawable: Gimp.Drawable | None, image: Gimp.Image
) -> RegionChoice | None:
    """What a script gave for a mask of this image. Raises OptionError, which names `field`."""
    if drawable is None:
        return None
    if drawable not in _masks(image):
        raise OptionError(
            field,
            marked("{field} must name a mask, not {value}."),
            value=shown(drawable.get_name()),
        )
    return mask_choice(drawable)


def find_mask(
    choice: RegionChoice, image: Gimp.Image, *, of_this_image: bool
) -> Gimp.Channel | None:
    """The mask that was noted; None where there is none.

    Args:
        of_this_image: the note was made in this image, so that the number holds whatever the
            mask is called by now.
    """
    masks = list(_masks(image))
    numbered = [mask for mask in masks if mask_choice(mask).source == choice.source]
    named = [mask for mask in masks if mask.get_name() == choice.name]
    if not of_this_image:
        numbered = [mask for mask in numbered if mask in named]
    return next(iter((*numbered, *named)), None)


def found_choice(choice: RegionChoice | None, image: Gimp.Image) -> RegionChoice | None:
    """What finds a mask in this image that was noted in any; None where there is none."""
    mask = None if choice is None else find_mask(choice, image, of_this_image=False)
    return replace(mask_choice(mask), outside=choice.outside) if choice and mask else None


def read_mask(mask: Gimp.Channel, source: Source) -> bytes:
    """A byte for each of a source's pixels, 255 is all; nothing where the mask does not reach."""
    _, x, y = source.drawable.get_offsets()
    _, mask_x, mask_y = mask.get_offsets()
    region = source.region.moved(x - mask_x, y - mask_y)
    return read(mask.get_buffer(), region, _format(mask))


def _masks(image: Gimp.Image) -> Iterator[Gimp.Channel]:
    yield from image.get_channels()
    for layer in layers_of(image.get_layers()):
        mask = layer.get_mask()
        if mask is not None:
            yield mask


def _format(mask: Gimp.Channel) -> str:
    """GEGL's name of the format that gives a mask's own values, which are shares and no colours."""
    precision = mask.get_image().get_precision()
    # Of all masks, only channels of such an image are kept with a curve.
    has_curve = precision == Gimp.Precision.U8_NON_LINEAR and not isinstance(mask, Gimp.LayerMask)
    return "Y' u8" if has_curve else "Y u8"
