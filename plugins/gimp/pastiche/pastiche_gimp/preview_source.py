"""What the live preview shows of a layer, read small."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from gi.repository import GdkPixbuf, Gimp, GLib

from pastiche_client.editing.options import Options
from pastiche_client.editing.preview_plan import PreviewMode, plan_preview
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_gimp.pixels import Region, read_reduced, reduced_size, seen_buffer
from pastiche_gimp.source import selected_region

if TYPE_CHECKING:
    from types import TracebackType

    from gi.repository import Gegl
    from typing_extensions import Self

    from pastiche_client.editing.preview_plan import PreviewPlan

_KEPT = 32
_ANY_OPTIONS = Options("any/any")


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

    @property
    def is_there(self) -> bool:
        """Whether image and layer still exist."""
        return self._image.is_valid() and self._layer.is_valid()

    def read(self, plan: PreviewPlan) -> Layer:
        """The pixels of a plan for this part, of a layer that is there."""
        place = (plan.x, plan.y, plan.width, plan.height, plan.out_width, plan.out_height)
        found = self._read.get(place)
        if found is None:
            if len(self._read) >= _KEPT:
                self._read.clear()
            found = self._read[place] = self._pixels(plan)
        return found

    def whole(self) -> Layer:
        """The part at the size of previews, of a layer that is there."""
        return self.read(plan_preview(PreviewMode.FIT, *self.size, _ANY_OPTIONS))

    def _pixels(self, plan: PreviewPlan) -> Layer:
        part = Region(self._region.x + plan.x, self._region.y + plan.y, plan.width, plan.height)
        mask = None
        if not Gimp.Selection.is_empty(self._image):
            _, x, y = self._layer.get_offsets()
            selection = self._image.get_selection().get_buffer()
            mask = _read(selection, part.moved(x, y), plan, "RGB u8", 3)[::3]
        return Layer(
            plan.out_width,
            plan.out_height,
            PixelFormat.RGBA,
            SampleType.U8,
            _read(self._buffer, part.moved(*self._shift), plan, "R'G'B'A u8", 4),
            mask=mask,
        )


def _read(buffer: Gegl.Buffer, part: Region, plan: PreviewPlan, babl: str, channels: int) -> bytes:
    """The part at the plan's size, which may have other proportions."""
    data = read_reduced(buffer, part, plan.scale, babl)
    size, wanted = reduced_size(part, plan.scale), (plan.out_width, plan.out_height)
    if size == wanted:
        return data
    pixbuf = GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, channels == 4, 8, *size, size[0] * channels
    ).scale_simple(*wanted, GdkPixbuf.InterpType.BILINEAR)
    rows, stride, length = pixbuf.get_pixels(), pixbuf.get_rowstride(), wanted[0] * channels
    return b"".join(rows[start : start + length] for start in range(0, stride * wanted[1], stride))
