"""What the live preview shows of a layer, read small."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_gimp.pixels import read_reduced, seen_buffer
from pastiche_gimp.source import selected_region

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from pastiche_client.editing.preview_plan import PreviewPlan

_KEPT = 8


class PreviewSource:
    """The selected part of a layer. A context manager: it may hold a copy of the layer."""

    def __init__(self, layer: Gimp.Layer) -> None:
        """Raises RefusalError if the selection does not touch the layer."""
        self._layer = layer
        self._image = layer.get_image()
        self._region = selected_region(layer)
        self._stack = ExitStack()
        self._buffer, (x, y) = self._stack.enter_context(seen_buffer(layer))
        self._shift = (-x, -y)
        self._read: dict[tuple[int, ...], Layer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the part, in the layer's pixels."""
        return self._region.width, self._region.height

    def read(self, plan: PreviewPlan) -> Layer | None:
        """The pixels of a plan for this part; None if the layer is gone."""
        place = (plan.x, plan.y, plan.width, plan.height, plan.out_width, plan.out_height)
        found = self._read.get(place)
        if found is None and self._image.is_valid() and self._layer.is_valid():
            if len(self._read) >= _KEPT:
                self._read.clear()
            found = self._read[place] = self._pixels(plan)
        return found

    def _pixels(self, plan: PreviewPlan) -> Layer:
        part = type(self._region)(
            self._region.x + plan.x, self._region.y + plan.y, plan.width, plan.height
        )
        size = (plan.out_width, plan.out_height)
        mask = None
        if not Gimp.Selection.is_empty(self._image):
            _, x, y = self._layer.get_offsets()
            selection = self._image.get_selection().get_buffer()
            mask = read_reduced(selection, part.moved(x, y), size, "Y u8")
        return Layer(
            *size,
            PixelFormat.RGBA,
            SampleType.U8,
            read_reduced(self._buffer, part.moved(*self._shift), size, "R'G'B'A u8"),
            mask=mask,
        )
