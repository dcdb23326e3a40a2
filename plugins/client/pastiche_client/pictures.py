"""Layers as they travel, in headers and chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2
from pastiche_client.errors import InternalError
from pastiche_client.layer import Layer, PixelFormat, SampleType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pastiche_client.layer import Pixels
    from pastiche_client.optimize_options import Texture

_CHUNK_BYTES = 2**20


def layer_header(layer: Layer) -> layer_pb2.LayerHeader:
    """What says what a layer's bytes mean."""
    return layer_pb2.LayerHeader(
        width=layer.width,
        height=layer.height,
        format=layer_pb2.PixelFormat.Name(layer.format),
        sample_type=layer_pb2.SampleType.Name(layer.sample_type),
        row_stride=layer.row_stride,
        offset_x=layer.offset[0],
        offset_y=layer.offset[1],
        has_mask=layer.mask is not None,
    )


def layer_chunks(layer: Layer) -> Iterator[layer_pb2.Chunk]:
    """The layer's bytes, then its mask's."""
    yield from plane_chunks(layer_pb2.PLANE_LAYER, layer.data)
    if layer.mask is not None:
        yield from plane_chunks(layer_pb2.PLANE_MASK, layer.mask)


def plane_chunks(plane: layer_pb2.Plane, data: Pixels) -> Iterator[layer_pb2.Chunk]:
    """The data in pieces that fit a message, in order."""
    view = memoryview(data).cast("B")
    for offset in range(0, len(view), _CHUNK_BYTES):
        piece = bytes(view[offset : offset + _CHUNK_BYTES])
        yield layer_pb2.Chunk(plane=plane, offset=offset, data=piece)


def check_same_kind(layer: Layer, sent: Layer | Texture, times: int = 1) -> None:
    """Raises InternalError if the answer has another size or type than what was asked for.

    `times` is how many times as wide and high as what was sent it has to be.
    """
    asked = (times * sent.width, times * sent.height, sent.format, sent.sample_type)
    if (layer.width, layer.height, layer.format, layer.sample_type) != asked:
        raise InternalError("The daemon answered with another kind of layer than it was asked for.")


class Picture:
    """Collects the chunks of one picture of an answer."""

    def __init__(self, header: layer_pb2.LayerHeader, plane: layer_pb2.Plane) -> None:
        self.plane = plane
        self._header = header
        try:
            self._format = PixelFormat(header.format)
            self._sample_type = SampleType(header.sample_type)
        except ValueError as error:
            raise InternalError("The daemon answered in an unknown pixel format.") from error
        packed = header.width * self._format.channels * self._sample_type.size
        self._expected = (header.row_stride or packed) * header.height
        self._received = 0
        self._pieces: list[bytes] = []

    def add(self, chunk: layer_pb2.Chunk) -> Layer | None:
        """The picture, once this was its last chunk.

        Raises:
            InternalError: the chunk does not follow the one before it.
        """
        wrong_place = chunk.plane != self.plane or chunk.offset != self._received
        if wrong_place or self._received + len(chunk.data) > self._expected:
            raise InternalError("The daemon's answer has pixels in the wrong place.")
        self._pieces.append(chunk.data)
        self._received += len(chunk.data)
        if self._received < self._expected:
            return None
        header = self._header
        return Layer(
            width=header.width,
            height=header.height,
            format=self._format,
            sample_type=self._sample_type,
            data=b"".join(self._pieces),
            row_stride=header.row_stride,
            offset=(header.offset_x, header.offset_y),
        )
