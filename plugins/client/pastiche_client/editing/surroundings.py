"""A detail amid the whole layer, so that the network sees it as it will in the result.

The network's instance norm goes by the statistics of all that it sees. A detail by itself comes out
in other colours than within its layer; with the whole layer, made small, around it, the difference
is about half as large. A layer that fits in at its own size makes the detail exact.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pastiche_client.layer import Layer, Pixels


@dataclass(frozen=True)
class Surroundings:
    """The whole layer, made small, and where the detail's upper left corner lies in it."""

    layer: Layer
    x: int
    y: int

    def around(self, detail: Layer) -> Layer:
        """The surroundings with the detail at its place.

        Raises:
            ValueError: the detail lies outside, has another format, or only one has a mask.
        """
        whole = self.layer
        self._check(detail)
        mask = None
        if whole.mask is not None and detail.mask is not None:
            mask = _pasted(whole.mask, whole.width, detail.mask, detail.width, self.x, self.y)
        pixel = whole.format.channels * whole.sample_type.size
        data = _pasted(
            whole.packed(),
            whole.width * pixel,
            detail.packed(),
            detail.width * pixel,
            self.x * pixel,
            self.y,
        )
        return dataclasses.replace(whole, data=data, row_stride=0, mask=mask)

    def detail_of(self, result: Layer, width: int, height: int) -> Layer:
        """The detail's part of what became of `around`, `width` x `height` pixels, no mask."""
        pixel = result.format.channels * result.sample_type.size
        rows = memoryview(result.packed())
        starts = (((self.y + row) * result.width + self.x) * pixel for row in range(height))
        data = b"".join(rows[start : start + width * pixel] for start in starts)
        return dataclasses.replace(
            result, width=width, height=height, data=data, row_stride=0, mask=None
        )

    def _check(self, detail: Layer) -> None:
        whole = self.layer
        fits = (
            0 <= self.x <= whole.width - detail.width
            and 0 <= self.y <= whole.height - detail.height
        )
        if not fits:
            raise ValueError("the detail must lie within its surroundings")
        if (whole.format, whole.sample_type) != (detail.format, detail.sample_type):
            raise ValueError("detail and surroundings must have the same format and sample type")
        if (whole.mask is None) != (detail.mask is None):
            raise ValueError("either both have a mask, or none")


def _pasted(into: Pixels, into_row: int, part: Pixels, part_row: int, x: int, y: int) -> bytearray:
    """Rows of bytes with a part's rows at byte `x` of rows `y` and on."""
    whole, rows = bytearray(into), memoryview(part)
    for row in range(len(rows) // part_row):
        start = (y + row) * into_row + x
        whole[start : start + part_row] = rows[row * part_row : (row + 1) * part_row]
    return whole
