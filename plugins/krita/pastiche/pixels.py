"""Pixels as bytes: converted, made transparent, made smaller.

Krita does the conversions, in scratch documents and a few rows at a time: generators yield between
the pieces, so that the windows stay alive.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from krita import Selection

from .scratch import scratch_document

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .color_space import ColorSpace

T = TypeVar("T")

# Converting this many pixels takes about a tenth of a second.
_PIECE_PIXELS = 2**18
# Krita converts a node between these exactly, and quicker than a document. For the others it takes
# coarse tables, which are up to 5 % off; a whole document it converts exactly.
_BY_FORMULA = frozenset({"RGBA", "GRAYA"})
_ONE = {
    "U8": lambda share: bytes([share]),
    "U16": lambda share: struct.pack("<H", share * 257),
    "F16": lambda share: struct.pack("<e", share / 255),
    "F32": lambda share: struct.pack("<f", share / 255),
}


@dataclass(frozen=True)
class Pixels:
    """A rectangle of pixels, rows from top to bottom without padding.

    Attributes:
        width, height: at least 1.
        space: what the bytes mean.
        data: `width * height * space.pixel_bytes` bytes.
    """

    width: int
    height: int
    space: ColorSpace
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        expected = self.width * self.height * self.space.pixel_bytes
        if len(self.data) != expected:  # Krita itself ignores what is too short
            raise ValueError(f"pixels must have {expected} bytes, not {len(self.data)}")

    def alpha_plane(self, byte: int) -> bytes:
        """One byte of every pixel's alpha, from `byte` 0, the least."""
        return self.data[self.space.alpha_start + byte :: self.space.pixel_bytes]

    @property
    def is_transparent(self) -> bool:
        """Whether nothing can be seen."""
        count = self.width * self.height
        return all(
            self.alpha_plane(byte).count(0) == count for byte in range(self.space.sample_bytes)
        )

    @property
    def is_opaque(self) -> bool:
        count = self.width * self.height
        one = _ONE[self.space.depth](255)
        return all(self.alpha_plane(byte).count(one[byte]) == count for byte in range(len(one)))


def finish(steps: Generator[None, None, T]) -> T:
    """Do all steps at once."""
    result: list[T] = []

    def collect() -> Iterator[None]:
        result.append((yield from steps))

    for _ in collect():
        pass
    return result[0]


def converted(pixels: Pixels, space: ColorSpace) -> Generator[None, None, Pixels]:
    """The pixels in another colour space; the same ones if it is theirs."""
    if space == pixels.space:
        return pixels
    by_formula = {space.model, pixels.space.model} <= _BY_FORMULA
    convert = _by_nodes if by_formula else _by_documents
    pieces: list[bytes] = []
    for piece in convert(pixels, space):
        pieces.append(piece)
        yield
    return Pixels(pixels.width, pixels.height, space, b"".join(pieces))


def masked(pixels: Pixels, mask: bytes | None) -> Generator[None, None, Pixels]:
    """The pixels with alpha reduced to the selection's share, `width * height` bytes."""
    if mask is None or mask.count(255) == len(mask):
        return pixels
    space = pixels.space
    alpha = [bytearray() for _ in range(space.sample_bytes)]
    opaque = pixels.is_opaque
    shares = [_ONE[space.depth](share) for share in range(256)]
    start = 0
    for piece in _pieces(pixels):
        part = mask[start : start + piece.width * piece.height]
        start += len(part)
        reduced = None if opaque else _reduced(piece, part)
        for byte, plane in enumerate(alpha):
            if reduced is None:
                plane += part.translate(bytes(share[byte] for share in shares))
            else:
                plane += reduced.alpha_plane(byte)
        yield
    data = bytearray(pixels.data)
    for byte, plane in enumerate(alpha):
        data[space.alpha_start + byte :: space.pixel_bytes] = plane
    return Pixels(pixels.width, pixels.height, space, bytes(data))


def thinned(row: bytes, pixel_bytes: int, step: int) -> bytes:
    """Every `step`th pixel of a row."""
    if step == 1:
        return row
    count = -(-len(row) // (pixel_bytes * step))
    thin = bytearray(count * pixel_bytes)
    for byte in range(pixel_bytes):
        thin[byte::pixel_bytes] = row[byte :: pixel_bytes * step]
    return bytes(thin)


def _pieces(pixels: Pixels) -> Iterator[Pixels]:
    """The pixels, a few rows at a time."""
    rows = max(1, _PIECE_PIXELS // pixels.width)
    row_bytes = pixels.width * pixels.space.pixel_bytes
    for top in range(0, pixels.height, rows):
        height = min(rows, pixels.height - top)
        data = pixels.data[top * row_bytes : (top + height) * row_bytes]
        yield Pixels(pixels.width, height, pixels.space, data)


def _by_nodes(pixels: Pixels, space: ColorSpace) -> Iterator[bytes]:
    # Nodes that are in no document's tree are converted without the document being as large.
    with scratch_document(1, 1, pixels.space) as document:
        for piece in _pieces(pixels):
            node = document.createNode("pastiche", "paintlayer")
            node.setPixelData(piece.data, 0, 0, piece.width, piece.height)
            node.setColorSpace(space.model, space.depth, space.profile)
            yield bytes(node.pixelData(0, 0, piece.width, piece.height))


def _by_documents(pixels: Pixels, space: ColorSpace) -> Iterator[bytes]:
    for piece in _pieces(pixels):
        with scratch_document(piece.width, piece.height, pixels.space) as document:
            node = document.topLevelNodes()[0]
            node.setPixelData(piece.data, 0, 0, piece.width, piece.height)
            document.setColorSpace(space.model, space.depth, space.profile)
            document.waitForDone()
            node = document.topLevelNodes()[0]
            yield bytes(node.pixelData(0, 0, piece.width, piece.height))


def _reduced(pixels: Pixels, mask: bytes) -> Pixels:
    """The pixels behind a transparency mask: alpha is exact, colours are only nearly so."""
    width, height = pixels.width, pixels.height
    with scratch_document(width, height, pixels.space) as document:
        node = document.topLevelNodes()[0]
        node.setPixelData(pixels.data, 0, 0, width, height)
        selection = Selection()
        selection.setPixelData(mask, 0, 0, width, height)
        transparency = document.createTransparencyMask("selection")
        node.addChildNode(transparency, None)
        transparency.setSelection(selection)
        document.refreshProjection()
        document.waitForDone()
        data = bytes(node.projectionPixelData(0, 0, width, height))
    return Pixels(width, height, pixels.space, data)
