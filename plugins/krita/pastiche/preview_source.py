"""The selected layer, made small for the preview."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing.preview_plan import PreviewMode, PreviewPlan, plan_preview
from pastiche_client.layer import Layer, PixelFormat, SampleType

from .color_space import SCREEN, ColorSpace
from .pictures import picture_bytes
from .pixels import Pixels, converted, finish, thinned
from .qt import QImage, QRect, QSize, Qt
from .reading import check_layer, read_pixels, readable_rect, selected_layers
from .selection import selection_of

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.editing.options import Options

_FINGERPRINT_SIDE = 48


@dataclass(frozen=True)
class LayerView:
    """The layer that a preview is of, and what tells whether it has changed.

    Attributes:
        rect: what would be stylized, in the image's pixels.
        fingerprint: differs once the layer, its place or the selection have changed.
    """

    document: Document
    node: Node
    rect: QRect
    fingerprint: tuple[object, ...] = field(repr=False)


def look() -> LayerView | None:
    """The active layer of the active document; None if there is none.

    Raises:
        RefusalError: it cannot be stylized.
    """
    document = Krita.instance().activeDocument()
    if document is None:
        return None
    node = selected_layers(document)[0]
    check_layer(node)
    selection = selection_of(document, node)
    _, rect = readable_rect(node, selection)
    small = node.thumbnail(_FINGERPRINT_SIDE, _FINGERPRINT_SIDE)
    selected = None
    if selection is not None:
        # Rows through the middle and at a quarter notice most changes of a selection's inside.
        selected = tuple(
            bytes(selection.pixelData(rect.x(), rect.y() + rect.height() * n // 4, rect.width(), 1))
            for n in (1, 2)
        )
    fingerprint = (
        node.uniqueId().toString(),
        rect.getRect(),
        picture_bytes(small),
        selected,
        document.currentTime(),
    )
    return LayerView(document, node, rect, fingerprint)


def plan(
    view: LayerView, mode: PreviewMode, options: Options, center: tuple[float, float]
) -> PreviewPlan:
    return plan_preview(mode, view.rect.width(), view.rect.height(), options, center)


def read_small(view: LayerView, plan: PreviewPlan) -> Layer:
    """The planned part of the layer, at the planned size, as sRGB with 8 bits."""
    rect = QRect(view.rect.x() + plan.x, view.rect.y() + plan.y, plan.width, plan.height)
    step = max(1, min(plan.width // (2 * plan.out_width), plan.height // (2 * plan.out_height)))
    thin = _read_thinned(view.node, rect, step)
    picture = QImage(
        finish(converted(thin, SCREEN)).data,
        thin.width,
        thin.height,
        thin.width * 4,
        QImage.Format.Format_ARGB32,
    )
    mask = _read_mask(view, rect, plan)
    return Layer(
        plan.out_width,
        plan.out_height,
        PixelFormat.BGRA,
        SampleType.U8,
        picture_bytes(_scaled(picture, plan, QImage.Format.Format_ARGB32)),
        mask=mask,
    )


def _read_thinned(node: Node, rect: QRect, step: int) -> Pixels:
    if step == 1:
        return read_pixels(node, rect)
    space = ColorSpace.of(node)
    rows = [
        thinned(
            read_pixels(node, QRect(rect.x(), y, rect.width(), 1)).data, space.pixel_bytes, step
        )
        for y in range(rect.y(), rect.y() + rect.height(), step)
    ]
    return Pixels(len(rows[0]) // space.pixel_bytes, len(rows), space, b"".join(rows))


def _read_mask(view: LayerView, rect: QRect, plan: PreviewPlan) -> bytes | None:
    selection = selection_of(view.document, view.node)
    if selection is None:
        return None
    width, height = rect.width(), rect.height()
    data = bytes(selection.pixelData(rect.x(), rect.y(), width, height))
    picture = QImage(data, width, height, width, QImage.Format.Format_Grayscale8)
    small = _scaled(picture, plan, QImage.Format.Format_Grayscale8)
    return b"".join(
        picture_bytes(small.copy(0, row, small.width(), 1))[: small.width()]
        for row in range(small.height())
    )


def _scaled(picture: QImage, plan: PreviewPlan, image_format: QImage.Format) -> QImage:
    size = QSize(plan.out_width, plan.out_height)
    if picture.size() == size:
        return picture
    small = picture.scaled(
        size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    return small.convertToFormat(image_format)
