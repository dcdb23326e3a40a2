"""The pictures that a layer can be painted like: listed, found and read."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import StyleChoice, StyleKind

from .color_space import SCREEN, ColorSpace
from .pictures import layer_of
from .pixels import converted
from .qt import QFileInfo, QIcon, QImage, QPixmap, QUuid
from .reading import is_readable, nodes_below, read_pixels
from .scratch import close_scratch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from krita import Document, Node

    from pastiche_client.layer import Layer

    from .pixels import Pixels

_ICON_SIDE = 32


def other_pictures(document: Document, painted: Node | None) -> list[StyleChoice]:
    """What is open beside a layer: the document's other layers, from the top, and other images."""
    layers = [
        StyleChoice(StyleKind.LAYER, node.name() or "?", layer=node.uniqueId().toString())
        for node in nodes_below(document.rootNode())
        if is_readable(node) and (painted is None or not _are_related(node, painted))
    ]
    images = [
        StyleChoice(StyleKind.IMAGE, _title(other), file=other.fileName())
        for other in Krita.instance().documents()
        if other != document
    ]
    return [*layers, *images]


def choice_of_file(path: str) -> StyleChoice:
    """What finds a file again."""
    return StyleChoice(StyleKind.FILE, Path(path).stem, file=path)


def is_file(path: str) -> bool:
    """Whether there is such a file."""
    # Krita runs in the C locale, in which Python finds only files with names in ASCII.
    return QFileInfo(path).isFile()


def icon_of(choice: StyleChoice, document: Document | None) -> QIcon:
    """A small picture; none where the style is not there."""
    try:
        if choice.kind is StyleKind.FILE:
            return QIcon(QPixmap(choice.file))  # one that Qt cannot read has none
        if document is None:
            return QIcon()
        if choice.kind is StyleKind.LAYER:
            small = _find_node(choice, document).thumbnail(_ICON_SIDE, _ICON_SIDE)
        else:
            small = _find_image(choice).thumbnail(_ICON_SIDE, _ICON_SIDE)
    except refusals.RefusalError:
        return QIcon()
    return QIcon(QPixmap.fromImage(small))


def check_there(choice: StyleChoice, document: Document) -> None:
    """Raises RefusalError where a style cannot be found from this document."""
    if choice.kind is StyleKind.LAYER:
        _find_node(choice, document)
    elif choice.kind is StyleKind.IMAGE:
        _find_image(choice)
    elif not is_file(choice.file):
        raise refusals.style_file_missing(choice.file)


def is_there(choice: StyleChoice, document: Document) -> bool:
    """Whether `check_there` has nothing against it."""
    try:
        check_there(choice, document)
    except refusals.RefusalError:
        return False
    return True


def is_painted(choice: StyleChoice, document: Document, painted: Node) -> bool:
    """Whether a style that is there is the painted layer itself, or shows it."""
    if choice.kind is not StyleKind.LAYER:
        return False
    return _are_related(_find_node(choice, document), painted)


def read_style(choice: StyleChoice, document: Document, side: int) -> Generator[None, None, Layer]:
    """The picture as it looks, with a longer side of at most `side` pixels; 0 is no limit.

    Args:
        document: that of the layer that is painted.

    Raises:
        RefusalError: it is gone, or there is nothing in it.
    """
    check_there(choice, document)
    yield
    if choice.kind is StyleKind.LAYER:
        picture = yield from _read_layer(choice, document)
    elif choice.kind is StyleKind.IMAGE:
        picture = _read_image(_find_image(choice))
    else:
        picture = _read_file(choice.file)
    yield
    layer = layer_of(picture, side)
    if not any(layer.packed()[3::4]):
        raise refusals.style_empty(choice.name or choice.file)
    return layer


def _read_layer(choice: StyleChoice, document: Document) -> Generator[None, None, QImage]:
    node = _find_node(choice, document)
    if not ColorSpace.of(node).is_known:
        raise refusals.color_unsupported(node.name(), str(ColorSpace.of(node)))
    owner = _owner(choice, document)
    rect = node.bounds().intersected(owner.bounds())
    if rect.isEmpty():
        raise refusals.style_empty(choice.name)
    owner.waitForDone()
    seen: Pixels = yield from converted(read_pixels(node, rect), SCREEN)
    kind = QImage.Format.Format_ARGB32
    return QImage(seen.data, seen.width, seen.height, seen.width * 4, kind).copy()


def _read_image(document: Document) -> QImage:
    document.waitForDone()
    return document.projection(0, 0, document.width(), document.height())


def _read_file(path: str) -> QImage:
    """Read by Krita, which knows more formats than Qt does, and their profiles."""
    with _without_dialogs():
        document = Krita.instance().openDocument(path)
    if document is None:
        raise refusals.style_file_unreadable(path)
    try:
        return _read_image(document)
    finally:
        close_scratch(document)


@contextlib.contextmanager
def _without_dialogs() -> Iterator[None]:
    krita = Krita.instance()
    before = krita.batchmode()
    krita.setBatchmode(True)
    try:
        yield
    finally:
        krita.setBatchmode(before)


def _owner(choice: StyleChoice, document: Document) -> Document:
    """The document of a style that is a layer."""
    return _find_document(choice.file, choice.name) if choice.file else document


def _find_node(choice: StyleChoice, document: Document) -> Node:
    owner = _owner(choice, document)
    wanted = QUuid(choice.layer)
    # A layer that was replaced has another id.
    found = None if wanted.isNull() else owner.nodeByUniqueID(wanted)
    found = found or owner.nodeByName(choice.name)
    if found is None:
        raise refusals.style_layer_missing(choice.name)
    return found


def _find_image(choice: StyleChoice) -> Document:
    return _find_document(choice.file or choice.name, choice.name)


def _find_document(place: str, name: str) -> Document:
    for document in Krita.instance().documents():
        if place in {document.fileName(), _title(document)}:
            return document
    raise refusals.style_image_missing(name)


def _title(document: Document) -> str:
    return document.name() or Path(document.fileName()).stem or "?"


def _are_related(one: Node, other: Node) -> bool:
    """Whether they are the same, or one holds the other."""
    return one in _with_parents(other) or other in _with_parents(one)


def _with_parents(node: Node) -> list[Node]:
    found = [node]
    while (parent := found[-1].parentNode()) is not None:
        found.append(parent)
    return found
