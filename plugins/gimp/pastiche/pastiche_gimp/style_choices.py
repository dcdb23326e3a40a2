"""The pictures that a layer can be painted like: what is open, and what was noted of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gi.repository import GdkPixbuf, Gimp, Gio, GLib

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import RegionChoice, StyleChoice, StyleKind
from pastiche_gimp.recipes import layers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What holds a picture; a file is opened when it is read.
Holder: TypeAlias = Gimp.Drawable | Gimp.Image | Gio.File


@dataclass(frozen=True)
class StylePicture:
    """A picture, and what finds it again."""

    choice: StyleChoice
    holder: Holder

    @staticmethod
    def of_drawable(drawable: Gimp.Drawable, painted: Gimp.Image) -> StylePicture:
        """Of a layer, mask or channel; `painted` is the image of the layer that is painted."""
        image = drawable.get_image()
        choice = StyleChoice(
            StyleKind.LAYER,
            drawable.get_name(),
            layer=str(drawable.get_tattoo()),
            file="" if image == painted else _place(image),
        )
        return StylePicture(choice, drawable)

    @staticmethod
    def of_image(image: Gimp.Image) -> StylePicture:
        """Of an image, as it looks."""
        path = file_path(image)
        name = path.stem if path else image.get_name()
        choice = StyleChoice(StyleKind.IMAGE, name, file=_place(image))
        return StylePicture(choice, image)

    @staticmethod
    def of_file(file: Gio.File) -> StylePicture:
        """Of a file, which may be none."""
        path = file.get_path() or file.get_uri()
        return StylePicture(StyleChoice(StyleKind.FILE, Path(path).stem, file=path), file)

    def used(self, weight: float, where: RegionChoice | None) -> StylePicture:
        """The same with this share and place."""
        return StylePicture(replace(self.choice, weight=weight, where=where), self.holder)

    def thumbnail(self, side: int) -> GdkPixbuf.Pixbuf | None:
        """A small picture; None where there is none."""
        if not isinstance(self.holder, Gio.File):
            return self.holder.get_thumbnail(side, side, Gimp.PixbufTransparency.SMALL_CHECKS)
        try:
            return GdkPixbuf.Pixbuf.new_from_file_at_size(self.choice.file, side, side)
        except GLib.Error:  # GTK cannot read all that GIMP can
            return None


def other_pictures(layer: Gimp.Layer) -> list[StylePicture]:
    """What is open beside a layer: the image's other layers, from the top, and other images."""
    image = layer.get_image()
    inside = _itself(layer)
    layers = [
        StylePicture.of_drawable(other, image)
        for other in layers_of(image.get_layers())
        if other.get_id() not in inside
    ]
    images = [StylePicture.of_image(other) for other in Gimp.get_images() if other != image]
    return [*layers, *images]


def find_pictures(
    choices: Sequence[StyleChoice], image: Gimp.Image, *, of_this_image: bool
) -> list[StylePicture]:
    """The pictures that were noted, for a layer of `image`.

    Args:
        of_this_image: the note was made in this image, so that its layers' numbers hold.

    Raises:
        RefusalError: one is not there.
    """
    return [
        StylePicture(choice, _found(choice, image, of_this_image=of_this_image))
        for choice in choices
    ]


def is_there(choice: StyleChoice, image: Gimp.Image) -> bool:
    """Whether a picture that was noted in any image is there for a layer of this one."""
    try:
        find_pictures([choice], image, of_this_image=False)
    except refusals.RefusalError:
        return False
    return True


def _found(choice: StyleChoice, image: Gimp.Image, *, of_this_image: bool) -> Holder:
    if choice.kind is StyleKind.FILE:
        file = Gio.File.new_for_commandline_arg(choice.file)
        if not file.query_exists(None):
            raise refusals.style_file_missing(choice.file)
        return file
    if choice.kind is StyleKind.LAYER and not choice.file:
        drawable = _drawable(choice, image, any_name=of_this_image)
        if drawable is None:
            raise refusals.style_layer_missing(choice.name)
        return drawable
    others = [other for other in Gimp.get_images() if other != image]
    there = next((other for other in others if _place(other) == choice.file), None)
    holder: Holder | None = there
    if choice.kind is StyleKind.LAYER and there is not None:
        holder = _drawable(choice, there, any_name=file_path(there) is not None)
    if holder is None:
        raise refusals.style_image_missing(choice.name)
    return holder


def _drawable(choice: StyleChoice, image: Gimp.Image, *, any_name: bool) -> Gimp.Drawable | None:
    """The drawable with the number of a choice; its name may have changed where `any_name`."""
    found = None
    if choice.layer.isascii() and choice.layer.isdigit() and 0 < int(choice.layer) < 2**32:
        number = int(choice.layer)
        found = image.get_layer_by_tattoo(number) or image.get_channel_by_tattoo(number)
        masks = (layer.get_mask() for layer in layers_of(image.get_layers()))
        found = found or next((m for m in masks if m and m.get_tattoo() == number), None)
    return found if found is not None and (any_name or found.get_name() == choice.name) else None


def _place(image: Gimp.Image) -> str:
    """Where an image's file is; where it has none, its name and number, as GIMP's windows do."""
    path = file_path(image)
    return f"{image.get_name()}-{image.get_id()}" if path is None else str(path)


def file_path(image: Gimp.Image) -> Path | None:
    """The file that an image was saved to, or opened from."""
    file = image.get_file() or image.get_imported_file()
    path = file.get_path() if file is not None else None
    return Path(path) if path else None


def _itself(layer: Gimp.Layer) -> set[int]:
    """The ids of a layer, its groups and what it holds: pictures of themselves are no styles."""
    found = {layer.get_id()}
    parent = layer.get_parent()
    while parent is not None:
        found.add(parent.get_id())
        parent = parent.get_parent()
    if layer.is_group():
        found |= {child.get_id() for child in layers_of(layer.get_children())}
    return found
