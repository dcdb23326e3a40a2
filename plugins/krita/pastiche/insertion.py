"""Puts results into the document: one layer, one undo step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing import refusals

from .color_space import ColorSpace

if TYPE_CHECKING:
    from collections.abc import Generator

    from krita import Document, Node

    from .pixels import Pixels
    from .qt import QRect, QUuid
    from .reading import Source

# Of the event loop.
_TURNS = 5


def require_open(document: Document) -> None:
    """Raises RefusalError if the document was closed."""
    if all(document != other for other in Krita.instance().documents()):
        raise refusals.image_closed()


def require_node(document: Document, node_id: QUuid, name: str) -> Node:
    """The layer of this id. Raises RefusalError if it is not there any more."""
    require_open(document)
    node = document.nodeByUniqueID(node_id)
    if node is None:
        raise refusals.layer_deleted(name)
    return node


def result_rect(source: Source, node: Node) -> QRect:
    """Where the result goes: where it was read, or after the layer if that was moved since."""
    now = node.bounds()
    if now.size() != source.layer_rect.size():  # it was painted on
        return source.rect
    return source.rect.translated(now.topLeft() - source.layer_rect.topLeft())


def insert_above(
    document: Document, node: Node, name: str, rect: QRect, pixels: Pixels
) -> Generator[None, None, Node]:
    """Add a paint layer with these pixels right above `node`, as one undo step.

    Args:
        pixels: in the document's colour space, of the rectangle's size.

    Raises:
        RefusalError: Krita did not do it.
    """
    new = document.createNode(name, "paintlayer")
    if ColorSpace.of(new) != pixels.space:
        raise refusals.editor_failed(f"{ColorSpace.of(new)} is not {pixels.space}.")
    # Once a node is in the document, its pixels can no longer be set in the same undo step.
    new.setPixelData(pixels.data, rect.x(), rect.y(), rect.width(), rect.height())
    yield from add_above(document, node, new)
    return new


def add_above(document: Document, node: Node, new: Node) -> Generator[None, None, None]:
    """Add a layer right above `node`. Raises RefusalError: Krita did not do it."""
    parent = node.parentNode()
    active = document.activeNode()
    if parent is None or not parent.addChildNode(new, node):
        raise refusals.editor_failed(node.name())
    document.waitForDone()
    if active is None or active == node:
        return
    # The user works on something else by now, and must not paint on the new layer instead. Krita
    # makes it the active one a little later.
    for _ in range(_TURNS):
        yield
        require_open(document)
        if document.activeNode() == new:
            document.setActiveNode(active)
            return
