"""Masks of a document that tell where a style goes, or how strong it is: listed, found and read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import RegionChoice
from pastiche_client.editing.paint_series import PaintItem

from .qt import QUuid
from .reading import nodes_below

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.editing.paint_options import PaintOptions, StyleChoice
    from pastiche_client.editing.run_states import RunItem

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


class PaintMasks:
    """The masks of a painting's options as they are now."""

    def __init__(self, options: PaintOptions, document: Document) -> None:
        """Raises RefusalError if one is gone."""
        self._regions = [
            None if style.where is None else _Mask(_require_region(style, document))
            for style in options.styles
        ]
        strength = options.strength_mask
        self._strength = (
            None if strength is None else _Mask(_require_strength_mask(strength, document))
        )

    def item(self, item: RunItem, rect: QRect) -> PaintItem:
        """The item with what the masks are for it, read when it is its turn.

        Args:
            rect: what is painted, in the image's pixels.
        """
        regions = [region and partial(region.read, rect) for region in self._regions]
        return PaintItem(item, regions, self._strength and partial(self._strength.read, rect))


class _Mask:
    def __init__(self, node: Node) -> None:
        selection = node.selection()
        self._selection = selection.duplicate() if selection is not None else None

    def read(self, rect: QRect) -> bytes:
        """A byte for every pixel of the rectangle, 255 is inside."""
        if self._selection is None:  # a transparency mask that hides nothing
            return b"\xff" * (rect.width() * rect.height())
        place = rect.x(), rect.y(), rect.width(), rect.height()
        return bytes(self._selection.pixelData(*place))


def _require_region(style: StyleChoice, document: Document) -> Node:
    assert style.where is not None
    mask = find_region(style.where, document)
    if mask is None:
        raise refusals.region_missing(style.where.name, style.name or style.file)
    return mask


def _require_strength_mask(choice: RegionChoice, document: Document) -> Node:
    mask = find_region(choice, document)
    if mask is None:
        raise refusals.strength_mask_missing(choice.name)
    return mask


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
