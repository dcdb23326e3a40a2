"""Layers as they travel, to tensors and back.

Nothing here allocates before a header has been checked, and torch is imported only where pixels
are: checking a request must not wait for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pastiche.v1 import layer_pb2
from pastiche_daemon.spool import MemoryBytes, PlaneBytes

if TYPE_CHECKING:
    from torch import Tensor

    from pastiche_daemon.stylize import LayerTensors, Stylized

P = TypeVar("P", bytearray, PlaneBytes)

CHUNK_BYTES = 2**20


class InvalidFieldError(Exception):
    """A field of a request is wrong. `field` is its path, such as `layer.width`."""

    def __init__(self, field: str, message: str, *, reason: str = "INVALID_FIELD") -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class LayerLimits:
    """How large a layer may be: pixels of a side, pixels in all, and bytes in all."""

    max_side: int = 65535
    max_pixels: int = 2**28
    max_bytes: int = 2**32


@dataclass(frozen=True)
class _Samples:
    """Where the samples of a pixel are: the colours' places in R, G, B order, and alpha's."""

    count: int
    colors: tuple[int, ...]
    alpha: int | None = None


_FORMATS = {
    layer_pb2.PIXEL_FORMAT_GREY: _Samples(1, (0,)),
    layer_pb2.PIXEL_FORMAT_GREYA: _Samples(2, (0,), alpha=1),
    layer_pb2.PIXEL_FORMAT_RGB: _Samples(3, (0, 1, 2)),
    layer_pb2.PIXEL_FORMAT_RGBA: _Samples(4, (0, 1, 2), alpha=3),
    layer_pb2.PIXEL_FORMAT_BGRA: _Samples(4, (2, 1, 0), alpha=3),
}
# Little-endian on every machine.
_DTYPES = {
    layer_pb2.SAMPLE_TYPE_U8: np.dtype("u1"),
    layer_pb2.SAMPLE_TYPE_U16: np.dtype("<u2"),
    layer_pb2.SAMPLE_TYPE_F32: np.dtype("<f4"),
}


@dataclass(frozen=True)
class LayerLayout:
    """A checked header: what the bytes of a layer are.

    `row_stride` is the number of bytes from one row to the next, `header` what the client sent.
    """

    width: int
    height: int
    row_stride: int
    samples: _Samples
    dtype: np.dtype[np.generic]
    header: layer_pb2.LayerHeader

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def layer_bytes(self) -> int:
        return self.row_stride * self.height

    @property
    def mask_bytes(self) -> int:
        """0 where there is no mask."""
        return self.pixels if self.header.has_mask else 0

    def cut(self, start: int, stop: int) -> LayerLayout:
        """The layout of some of the rows."""
        return replace(self, height=stop - start)

    def view(self, data: bytes | bytearray | memoryview) -> NDArray[np.generic]:
        """The samples as H x W x samples, without a copy. Rows may be unaligned."""
        size = self.dtype.itemsize
        return np.ndarray(
            (self.height, self.width, self.samples.count),
            dtype=self.dtype,
            buffer=data,
            strides=(self.row_stride, self.samples.count * size, size),
        )


def parse_layer_header(
    header: layer_pb2.LayerHeader, limits: LayerLimits, field: str = "layer"
) -> LayerLayout:
    """Check a header. `field` is its place in the request, for messages.

    Raises:
        InvalidFieldError: it makes no sense, or the layer is larger than the limits.
    """
    for name, side in (("width", header.width), ("height", header.height)):
        if not 1 <= side <= limits.max_side:
            raise InvalidFieldError(
                f"{field}.{name}", f"must be 1 to {limits.max_side} pixels, not {side}"
            )
    if header.width * header.height > limits.max_pixels:
        raise InvalidFieldError(
            field,
            f"{header.width} x {header.height} pixels are too many; "
            f"{limits.max_pixels} are allowed, so stylize parts of it or scale it down",
        )
    samples = _FORMATS.get(header.format)
    if samples is None:
        raise InvalidFieldError(
            f"{field}.format", "must be GREY, GREYA, RGB, RGBA or BGRA, see PixelFormat"
        )
    dtype = _DTYPES.get(header.sample_type)
    if dtype is None:
        raise InvalidFieldError(f"{field}.sample_type", "must be U8, U16 or F32, see SampleType")
    packed = header.width * samples.count * dtype.itemsize
    row_stride = header.row_stride or packed
    if row_stride < packed:
        raise InvalidFieldError(
            f"{field}.row_stride",
            f"must be 0 or at least the {packed} bytes of a row, not {row_stride}",
        )
    if row_stride * header.height > limits.max_bytes:
        raise InvalidFieldError(
            f"{field}.row_stride",
            f"{row_stride} bytes for each of {header.height} rows are too many; "
            f"{limits.max_bytes} in all are allowed",
        )
    return LayerLayout(header.width, header.height, row_stride, samples, dtype, header)


@dataclass(frozen=True)
class PlannedPlane:
    """Bytes that a request has announced. `owner` is what they belong to, such as `styles[0]`."""

    plane: layer_pb2.Plane
    size: int
    owner: str


class _Upload(Generic[P]):
    """Puts the chunks of several planes together, one plane after the other."""

    def __init__(self, planned: Sequence[PlannedPlane], planes: Sequence[P]) -> None:
        self._planned = tuple(planned)
        self.planes = tuple(planes)

    @property
    def complete(self) -> bool:
        return self._current() is None

    def add(self, chunk: layer_pb2.Chunk) -> None:
        """Append a chunk.

        Raises:
            InvalidFieldError: it is not the piece that has to come next.
        """
        current = self._current()
        if current is None:
            raise InvalidFieldError("chunk", "all bytes of the layer have come; nothing may follow")
        planned, target = current
        if chunk.plane != planned.plane:
            raise InvalidFieldError(
                "chunk.plane",
                f"must be {layer_pb2.Plane.Name(planned.plane)}, not {_plane_name(chunk.plane)}, "
                f"for {planned.owner}; first comes all of a layer, then all of its mask",
            )
        if chunk.offset != len(target):
            raise InvalidFieldError(
                "chunk.offset",
                f"must be {len(target)}, not {chunk.offset}; chunks come in order, without gaps",
            )
        if not 1 <= len(chunk.data) <= CHUNK_BYTES:
            raise InvalidFieldError(
                "chunk.data", f"must have 1 to {CHUNK_BYTES} bytes, not {len(chunk.data)}"
            )
        if len(target) + len(chunk.data) > planned.size:
            raise InvalidFieldError(
                "chunk.data",
                f"{len(target) + len(chunk.data)} bytes came for {planned.owner}; "
                f"the header announced {planned.size}",
            )
        target.extend(chunk.data)

    def finish(self) -> None:
        """Raises InvalidFieldError if bytes are missing."""
        if (current := self._current()) is not None:
            planned, target = current
            raise InvalidFieldError(
                "chunk.data",
                f"the request ended after {len(target)} of the {planned.size} bytes of "
                f"{layer_pb2.Plane.Name(planned.plane)} of {planned.owner}",
            )

    def _current(self) -> tuple[PlannedPlane, P] | None:
        """The first plane that is not whole."""
        for planned, target in zip(self._planned, self.planes, strict=True):
            if len(target) < planned.size:
                return planned, target
        return None


class PlanesUpload(_Upload[bytearray]):
    """Puts the chunks of several planes together in memory."""

    def __init__(self, planned: Sequence[PlannedPlane]) -> None:
        super().__init__(planned, [bytearray() for _ in planned])


class LayerUpload(_Upload[PlaneBytes]):
    """Puts the chunks of a layer, and of its mask, together."""

    def __init__(
        self, layout: LayerLayout, new_plane: Callable[[int], PlaneBytes] = lambda _: MemoryBytes()
    ) -> None:
        """`new_plane` gives room for a number of bytes."""
        planned = [
            PlannedPlane(layer_pb2.PLANE_LAYER, layout.layer_bytes, "layer"),
            PlannedPlane(layer_pb2.PLANE_MASK, layout.mask_bytes, "layer"),
        ]
        with contextlib.ExitStack() as made:
            planes: list[PlaneBytes] = []
            for plane in planned:
                planes.append(new_plane(plane.size))
                made.callback(planes[-1].close)
            made.pop_all()
        super().__init__(planned, planes)
        self.layer, self.mask = self.planes

    @property
    def in_memory(self) -> bool:
        """Whether nothing is in a file."""
        return all(plane.in_memory for plane in self.planes)

    def close(self) -> None:
        """Give the room back. May be called again."""
        for plane in self.planes:
            plane.close()


def decode_layer(
    layout: LayerLayout,
    data: bytes | bytearray | memoryview,
    mask: bytes | bytearray | memoryview,
) -> LayerTensors:
    """The tensors of a whole layer.

    Integer samples are divided by their largest value. F32 colours stay as they are; alpha is
    clamped to 0..1, and NaN there is 0.
    """
    import torch

    from pastiche_daemon.stylize import LayerTensors

    pixels = layout.view(data)
    color = torch.from_numpy(_decoded(pixels, layout.samples.colors))
    alpha = None
    if layout.samples.alpha is not None:
        alpha = torch.from_numpy(_decoded(pixels, (layout.samples.alpha,))[0])
        if layout.dtype.kind == "f":
            alpha = alpha.nan_to_num_(nan=0.0, posinf=1.0, neginf=0.0).clamp_(0, 1)
    selection = None
    if layout.header.has_mask:
        selection = decode_mask(layout, mask)
    return LayerTensors(color.expand(3, -1, -1), alpha, selection)


def decode_mask(layout: LayerLayout, mask: bytes | bytearray | memoryview) -> Tensor:
    """A mask of a layer's pixels, a byte each, as H x W in 0..1."""
    import torch

    flat = np.frombuffer(mask, np.uint8).reshape(layout.height, layout.width, 1)
    return torch.from_numpy(_decoded(flat, (0,))[0])


def encode_layer(layout: LayerLayout, data: bytearray | memoryview, stylized: Stylized) -> None:
    """Write the changed pixels' colours over the layer's own in `data`.

    Every other byte stays: alpha, pixels that did not change, and the padding of rows.
    """
    changed = stylized.changed.cpu().numpy()
    _encode(layout, layout.view(data), stylized.color, changed)


def encode_preview(
    layout: LayerLayout, color: Tensor, alpha: Tensor | None
) -> tuple[layer_pb2.LayerHeader, bytes]:
    """A preview in the layer's format and sample type, without padding.

    `color` is 3 x h x w and `alpha` h x w, in 0..1.
    """
    height, width = color.shape[-2:]
    small = resized_layout(layout, width, height)
    data = bytearray(small.layer_bytes)
    encode_part(small, data, 0, 0, color, alpha)
    return small.header, bytes(data)


def resized_layout(layout: LayerLayout, width: int, height: int) -> LayerLayout:
    """The layout of a layer of another size, of the same format, without padding and mask."""
    header = layer_pb2.LayerHeader()
    header.CopyFrom(layout.header)
    header.width, header.height, header.row_stride, header.has_mask = width, height, 0, False
    stride = width * layout.samples.count * layout.dtype.itemsize
    return LayerLayout(width, height, stride, layout.samples, layout.dtype, header)


def encode_part(
    layout: LayerLayout, data: bytearray, top: int, left: int, color: Tensor, alpha: Tensor | None
) -> None:
    """Write a rectangle of a layer into its bytes, with its upper left corner there.

    `color` is 3 x h x w and `alpha` h x w, in 0..1; alpha is 1 where there is none.
    """
    height, width = color.shape[-2:]
    pixels = layout.view(data)[top : top + height, left : left + width]
    everywhere = np.ones((height, width), np.bool_)
    _encode(layout, pixels, color, everywhere)
    if layout.samples.alpha is not None:
        opaque = np.ones((height, width), np.float32)
        plane = opaque if alpha is None else alpha.cpu().numpy()
        _write_plane(pixels[..., layout.samples.alpha], plane, everywhere)


def chunks(
    plane: layer_pb2.Plane, data: bytes | bytearray | PlaneBytes
) -> Iterator[layer_pb2.Chunk]:
    """The data in pieces that fit a message, in order."""
    source = MemoryBytes(data) if isinstance(data, (bytes, bytearray)) else data
    for offset in range(0, len(source), CHUNK_BYTES):
        piece = bytes(source.read(offset, min(len(source), offset + CHUNK_BYTES)))
        yield layer_pb2.Chunk(plane=plane, offset=offset, data=piece)


def _decoded(pixels: NDArray[np.generic], places: Sequence[int]) -> NDArray[np.float32]:
    """Some of the samples of H x W x samples as planes x H x W."""
    height, width, _ = pixels.shape
    planes = np.empty((len(places), height, width), np.float32)
    for plane, place in zip(planes, places, strict=True):
        if pixels.dtype.kind == "f":
            plane[...] = pixels[..., place]
        else:
            np.divide(pixels[..., place], _largest(pixels.dtype), out=plane, dtype=np.float32)
    return planes


def _encode(
    layout: LayerLayout, pixels: NDArray[np.generic], color: Tensor, where: NDArray[np.bool_]
) -> None:
    if len(layout.samples.colors) == 1:
        from pastiche_daemon.stylize import luminance

        color = luminance(color)
    planes = color.detach().cpu().numpy()
    for plane, place in zip(planes, layout.samples.colors, strict=True):
        _write_plane(pixels[..., place], plane, where)


def _write_plane(
    target: NDArray[np.generic], plane: NDArray[np.float32], where: NDArray[np.bool_]
) -> None:
    """Quantize an H x W plane in 0..1 into samples, where `where` is true."""
    if target.dtype.kind == "f":
        np.copyto(target, plane, where=where)
        return
    # Zero elsewhere, because NaN cannot be cast.
    scaled = np.zeros(plane.shape, np.float32)
    np.multiply(plane, _largest(target.dtype), out=scaled, where=where)
    np.copyto(target, np.rint(scaled, out=scaled), casting="unsafe", where=where)


def _largest(dtype: np.dtype[np.generic]) -> np.float32:
    return np.float32(2 ** (8 * dtype.itemsize) - 1)


def _plane_name(value: int) -> str:
    return layer_pb2.Plane.Name(value) if value in layer_pb2.Plane.values() else str(value)
