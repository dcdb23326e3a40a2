"""Masks of a document that tell where a style goes, or how strong it is: listed, found and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import RegionChoice

from .qt import QUuid
from .reading import nodes_below

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.editing.paint_options import PaintOptions, StyleChoice

    from .qt import QRect

# Both have a selection.
_KINDS = frozenset({"selectionmask", "transparencymask"})
_ID = "mask:"


def regions_of(document: Document) -> list[RegionChoice]:
    """The masks of all layers, from the top."""
    masks = _masks(document)
    names = [mask.name() for mask in masks]
    return [
        RegionChoice(
            # Krita names the masks of all layers alike.
            mask.name() if names.count(mask.name()) == 1 else _with_layer(mask),
            f"{_ID}{mask.uniqueId().toString()}",
        )
        for mask in masks
        if mask.name()
    ]


def find_region(choice: RegionChoice, document: Document) -> Node | None:
    """The mask; None where it is gone."""
    wanted = QUuid(choice.source.removeprefix(_ID))
    found = None if wanted.isNull() else document.nodeByUniqueID(wanted)
    if found is not None:
        return found
    # The same mask in another image, or one that was replaced.
    for region in regions_of(document):
        if region.name == choice.name:
            return document.nodeByUniqueID(QUuid(region.source.removeprefix(_ID)))
    return None


def require_region(style: StyleChoice, document: Document) -> Node | None:
    """The mask of a style's place; None for everywhere. Raises RefusalError if it is gone."""
    if style.where is None:
        return None
    mask = find_region(style.where, document)
    if mask is None:
        raise refusals.region_missing(style.where.name, style.name or style.file)
    return mask


def require_strength_mask(options: PaintOptions, document: Document) -> Node | None:
    """The mask of the strength; None for full strength. Raises RefusalError if it is gone."""
    if options.strength_mask is None:
        return None
    mask = find_region(options.strength_mask, document)
    if mask is None:
        raise refusals.strength_mask_missing(options.strength_mask.name)
    return mask


def read_region(mask: Node, rect: QRect) -> bytes:
    """A byte for every pixel of the rectangle, 255 is inside."""
    selection = mask.selection()
    if selection is None:  # a transparency mask that hides nothing
        return b"\xff" * (rect.width() * rect.height())
    return bytes(selection.pixelData(rect.x(), rect.y(), rect.width(), rect.height()))


def _masks(document: Document) -> list[Node]:
    return [
        node
        for node in nodes_below(document.rootNode())
        if node.type() in _KINDS and not _is_selection(node)
    ]


def _is_selection(node: Node) -> bool:
    """Whether it is what is selected in the whole image."""
    parent = node.parentNode()
    return node.visible() and (parent is None or parent.parentNode() is None)


def _with_layer(mask: Node) -> str:
    layer = mask.parentNode()
    return mask.name() if layer is None else f"{mask.name()} ({layer.name()})"
