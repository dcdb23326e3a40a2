"""The pixels of a layer, as they travel between an editor and the daemon."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

#: Anything that holds plain bytes. The client never writes to it.
Pixels: TypeAlias = bytes | bytearray | memoryview


class PixelFormat(IntEnum):
    """The order of a pixel's samples; alpha is straight. The values are those of the API."""

    GREY = 1
    GREYA = 2
    RGB = 3
    RGBA = 4
    BGRA = 5

    @property
    def channels(self) -> int:
        return {
            PixelFormat.GREY: 1,
            PixelFormat.GREYA: 2,
            PixelFormat.RGB: 3,
            PixelFormat.RGBA: 4,
            PixelFormat.BGRA: 4,
        }[self]

    @property
    def has_alpha(self) -> bool:
        return self in {PixelFormat.GREYA, PixelFormat.RGBA, PixelFormat.BGRA}


class SampleType(IntEnum):
    """The type of a sample, little-endian; U8 and U16 cover 0..1 with their whole range."""

    U8 = 1
    U16 = 2
    F32 = 3

    @property
    def size(self) -> int:
        """Bytes of one sample."""
        return {SampleType.U8: 1, SampleType.U16: 2, SampleType.F32: 4}[self]


@dataclass(frozen=True)
class Layer:
    """Pixels in sRGB with its transfer curve, rows from top to bottom.

    Attributes:
        width: pixels in a row, at least 1.
        height: rows, at least 1.
        format: the order of a pixel's samples.
        sample_type: the type of each sample.
        data: `row_stride * height` bytes.
        row_stride: bytes from one row to the next; 0 stands for rows without padding.
        offset: x and y of the upper left corner in its image, in pixels; comes back as it went.
        mask: the selection, `width * height` bytes, 255 is selected; None selects everything.

    Raises:
        ValueError: sizes and bytes do not fit together; the message names the field.
        TypeError: the bytes are not bytes.
    """

    width: int
    height: int
    format: PixelFormat
    sample_type: SampleType
    data: Pixels = field(repr=False)
    row_stride: int = 0
    offset: tuple[int, int] = (0, 0)
    mask: Pixels | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f"width and height must be at least 1, not {self.width} x {self.height}"
            )
        if self.row_stride != 0 and self.row_stride < self.row_bytes:
            raise ValueError(
                f"row_stride must be 0 or at least the {self.row_bytes} bytes of a row, "
                f"not {self.row_stride}"
            )
        self._check_length("data", self.data, self.stride * self.height)
        if self.mask is not None:
            self._check_length("mask", self.mask, self.width * self.height)
        for coordinate in self.offset:
            if not -(2**31) <= coordinate < 2**31:
                raise ValueError(f"offset must fit into 32 bits, not {self.offset}")

    @property
    def row_bytes(self) -> int:
        """Bytes of a row's pixels, without padding."""
        return self.width * self.format.channels * self.sample_type.size

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        return self.row_stride or self.row_bytes

    def packed(self) -> bytes:
        """The pixels without padding between rows, `row_bytes * height` bytes."""
        view = memoryview(self.data).cast("B")
        if self.stride == self.row_bytes:
            return bytes(view)
        return b"".join(
            view[start : start + self.row_bytes]
            for start in range(0, self.stride * self.height, self.stride)
        )

    @staticmethod
    def _check_length(name: str, data: Pixels, expected: int) -> None:
        try:
            view = memoryview(data)
        except TypeError as error:
            raise TypeError(f"{name} must be bytes, not {type(data).__name__}") from error
        if not view.c_contiguous:
            raise ValueError(f"{name} must be contiguous")
        if view.nbytes != expected:
            raise ValueError(f"{name} must have {expected} bytes, not {view.nbytes}")
