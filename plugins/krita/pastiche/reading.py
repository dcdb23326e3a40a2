"""From the layers of a document to pixels, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing import refusals
from pastiche_client.layer import Layer

from .color_space import ColorSpace
from .pixels import Pixels, converted
from .qt import QRect
from .selection import selection_mask, selection_of, selection_rect

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from krita import Document, Node, Selection

    from .qt import QUuid

# Kinds of layers that show something of their own.
_KINDS = frozenset(
    {"paintlayer", "grouplayer", "vectorlayer", "filllayer", "clonelayer", "filelayer"}
)


@dataclass(frozen=True)
class Source:
    """A layer as it was when the user asked.

    Attributes:
        node_id: names the layer in its document.
        name: the layer's name.
        rect: what was read, in the image's pixels.
        layer_rect: the bounds of the whole layer.
        pixels: of `rect`, in the layer's own colour space.
        mask: the selection within `rect`; None if all of it is selected.
    """

    node_id: QUuid
    name: str
    rect: QRect
    layer_rect: QRect
    pixels: Pixels
    mask: bytes | None = field(repr=False)


def active_document() -> Document:
    """The document that the user works on. Raises RefusalError where there is none."""
    document = Krita.instance().activeDocument()
    if document is None:
        raise refusals.no_image()
    return document


def selected_layers(document: Document) -> list[Node]:
    """The layers that the user has selected, from the top; masks stand for their layers.

    Raises:
        RefusalError: none is selected.
    """
    window = Krita.instance().activeWindow()
    view = window.activeView() if window else None
    chosen = view.selectedNodes() if view else []
    active = document.activeNode()
    if active is not None and all(node != active for node in chosen):
        chosen = [active]
    layers: list[Node] = []
    for node in chosen:
        layer = _layer_of(node)
        if layer is not None and all(layer != other for other in layers):
            layers.append(layer)
    if not layers:
        raise refusals.no_layer()
    return layers


def check_layer(node: Node) -> None:
    """Raises RefusalError, saying what to do, where a layer cannot be stylized."""
    name = node.name()
    if not is_readable(node):
        raise refusals.layer_unsupported(name, node.type())
    if not ColorSpace.of(node).is_known:
        raise refusals.color_unsupported(name, str(ColorSpace.of(node)))
    if node.locked():
        raise refusals.layer_locked(name)
    for group in _with_parents(node):
        if not group.visible():
            raise refusals.layer_invisible(group.name())
    parent = node.parentNode()
    if parent is not None and parent.locked():
        raise refusals.parent_locked(parent.name())


def is_readable(node: Node) -> bool:
    """Whether it is a layer that shows something of its own."""
    return node.type() in _KINDS


def nodes_below(parent: Node) -> Iterator[Node]:
    """All layers and masks below, from the top."""
    for node in reversed(parent.childNodes()):
        yield node
        yield from nodes_below(node)


def read_source(document: Document, node: Node, *, selected: bool = True) -> Source:
    """The layer's pixels within the selection, or all of them if not only what is `selected`.

    Raises:
        RefusalError: there is nothing to stylize.
    """
    check_layer(node)
    document.waitForDone()  # what the user did last may still be on its way
    selection = selection_of(document, node) if selected else None
    layer_rect, rect = readable_rect(node, selection)
    pixels = read_pixels(node, rect)
    mask = selection_mask(selection, rect)
    if pixels.is_transparent:
        if rect == layer_rect:
            raise refusals.layer_empty(node.name())
        raise refusals.selection_on_nothing(node.name())
    return Source(node.uniqueId(), node.name(), rect, layer_rect, pixels, mask)


def readable_rect(node: Node, selection: Selection | None) -> tuple[QRect, QRect]:
    """The bounds of a layer, and those of its selected part.

    Raises:
        RefusalError: one of them is empty.
    """
    layer_rect = node.bounds()
    if layer_rect.isEmpty():
        raise refusals.layer_empty(node.name())
    selected = selection_rect(selection)
    rect = layer_rect if selected is None else layer_rect.intersected(selected)
    if rect.isEmpty():
        raise refusals.selection_outside(node.name())
    return layer_rect, rect


def read_pixels(node: Node, rect: QRect) -> Pixels:
    """The pixels of a rectangle as the layer looks, in its own colour space."""
    # A paint layer's projection would show its onion skins, too.
    plain = node.type() == "paintlayer" and not _has_masks(node)
    read = node.pixelData if plain else node.projectionPixelData
    data = read(rect.x(), rect.y(), rect.width(), rect.height()).data()
    return Pixels(rect.width(), rect.height(), ColorSpace.of(node), data)


def wire_layer(pixels: Pixels, rect: QRect) -> Generator[None, None, Layer]:
    """The pixels as they are sent to the daemon."""
    sent = yield from converted(pixels, pixels.space.sent)
    assert sent.space.wire is not None
    pixel_format, sample_type = sent.space.wire
    return Layer(
        sent.width, sent.height, pixel_format, sample_type, sent.data, offset=(rect.x(), rect.y())
    )


def _layer_of(node: Node) -> Node | None:
    """The layer itself, or the one that a mask belongs to; None for the image's own selection."""
    if not node.type().endswith("mask"):
        return node
    parent = node.parentNode()
    return None if parent is None or parent.parentNode() is None else parent


def _with_parents(node: Node) -> Generator[Node, None, None]:
    current: Node | None = node
    while current is not None:
        yield current
        current = current.parentNode()


def _has_masks(node: Node) -> bool:
    return any(child.type() != "selectionmask" for child in node.childNodes())
