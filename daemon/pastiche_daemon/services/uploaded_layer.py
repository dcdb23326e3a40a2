"""An uploaded layer, read and written by rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_daemon.spool import PlaneBytes
from pastiche_daemon.wire import LayerLayout, LayerUpload, decode_layer, encode_layer, encode_part

if TYPE_CHECKING:
    from torch import Tensor

    from pastiche_daemon.stylize import LayerTensors, Stylized


@dataclass(frozen=True)
class UploadedLayer:
    """A layer whose bytes are in memory or in a file."""

    layout: LayerLayout
    upload: LayerUpload

    @property
    def height(self) -> int:
        return self.layout.height

    @property
    def width(self) -> int:
        return self.layout.width

    def rows(self, start: int, stop: int) -> LayerTensors:
        """Rows `start` to `stop`, within 0..height."""
        return decode_layer(self.layout.cut(start, stop), *self._bytes(start, stop))

    def put(self, start: int, stylized: Stylized) -> None:
        """Write the changed pixels of some rows over the layer's own."""
        part = self.layout.cut(start, start + stylized.changed.shape[0])
        data, _ = self._bytes(start, start + part.height)
        encode_layer(part, data, stylized)
        if not self.upload.layer.in_memory:
            self.upload.layer.overwrite(start * part.row_stride, data)

    def _bytes(self, start: int, stop: int) -> tuple[memoryview, memoryview]:
        """Of the layer and of its mask."""
        stride, across = self.layout.row_stride, self.layout.width
        layer = self.upload.layer.read(start * stride, stop * stride)
        if not self.layout.header.has_mask:
            return layer, memoryview(b"")
        return layer, self.upload.mask.read(start * across, stop * across)


class BandedLayer:
    """A layer that is made of rectangles which come from left to right, and then from the top."""

    def __init__(self, layout: LayerLayout, data: PlaneBytes) -> None:
        """`data` is empty, and filled with the layer's bytes."""
        self._layout = layout
        self._data = data
        self._top = 0
        self._band = bytearray()

    def put(self, top: int, left: int, color: Tensor, alpha: Tensor | None) -> None:
        """Write a rectangle; those beside it are as high. See `wire.encode_part`."""
        if top != self._top:
            self._data.extend(self._band)
            self._top, self._band = top, bytearray()
        band = self._layout.cut(top, top + color.shape[-2])
        if not self._band:
            self._band = bytearray(band.layer_bytes)
        encode_part(band, self._band, 0, left, color, alpha)

    def finish(self) -> PlaneBytes:
        """The bytes, once all rectangles are there."""
        self._data.extend(self._band)
        self._band = bytearray()
        return self._data
