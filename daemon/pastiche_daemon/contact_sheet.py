"""Labelled grids of pictures: what the demo, the training samples and the README show."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont, ImageOps

_PAPER = (255, 255, 255)
_INK = (32, 32, 32)
_LABEL_LINES = 2
_ROW_LABEL_LINES = 4
_ELLIPSIS = "…"


def contact_sheet(
    rows: Sequence[Sequence[Image.Image]],
    *,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    cell: int = 256,
) -> Image.Image:
    """A grid of pictures with a label above every column and left of every row, on white.

    Pictures are scaled to fit ``cell`` x ``cell`` pixels, never cropped, and keep their aspect;
    a row is only as high as its pictures. Long labels are wrapped, then shortened. Row labels that
    are all empty take no room.

    Returns a new RGB picture; the given ones are not changed. Raises ValueError where the labels
    and the grid do not fit together, or ``cell`` is below 32.
    """
    _check_cell(cell)
    if not rows or not column_labels:
        raise ValueError("rows: there must be at least one picture")
    if len(row_labels) != len(rows):
        raise ValueError(f"row_labels: {len(rows)} rows need as many labels, not {len(row_labels)}")
    for number, row in enumerate(rows):
        if len(row) != len(column_labels):
            raise ValueError(
                f"rows: row {number} has {len(row)} pictures for {len(column_labels)} labels"
            )
    font = _font(cell)
    gap = _gap(cell)
    left = gap + (cell // 2 + gap if any(row_labels) else 0)
    fitted = [[_fit(picture, cell) for picture in row] for row in rows]
    heights = [max(picture.height for picture in row) for row in fitted]
    header = _labels_height(column_labels, font, cell)
    width = left + len(column_labels) * (cell + gap)
    height = gap + header + sum(row_height + gap for row_height in heights)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(column_labels):
        center = left + column * (cell + gap) + cell // 2
        _write(draw, (center, gap), _wrap(label, font, cell, _LABEL_LINES), font, anchor="ma")
    top = gap + header
    for row, label, row_height in zip(fitted, row_labels, heights, strict=True):
        lines = _wrap(label, font, cell // 2, _ROW_LABEL_LINES)
        middle = top + max(0, row_height - _line_height(font) * len(lines)) // 2
        _write(draw, (left - gap, middle), lines, font, anchor="ra")
        for column, picture in enumerate(row):
            _paste(sheet, picture, left + column * (cell + gap), top, cell, row_height)
        top += row_height + gap
    return sheet


def captioned_sheet(
    pictures: Sequence[tuple[str, Image.Image]], *, columns: int = 4, cell: int = 256
) -> Image.Image:
    """Pictures in reading order, ``columns`` in a row, each above its caption, on white.

    Scaling, wrapping and the result are as in `contact_sheet`. Raises ValueError without pictures,
    for less than one column, or a ``cell`` below 32.
    """
    _check_cell(cell)
    if not pictures:
        raise ValueError("pictures: there must be at least one")
    if columns < 1:
        raise ValueError(f"columns: must be at least 1, not {columns}")
    columns = min(columns, len(pictures))
    font = _font(cell)
    gap = _gap(cell)
    fitted = [(caption, _fit(picture, cell)) for caption, picture in pictures]
    rows = [fitted[start : start + columns] for start in range(0, len(fitted), columns)]
    pictures_heights = [max(picture.height for _, picture in row) for row in rows]
    captions_heights = [_labels_height([caption for caption, _ in row], font, cell) for row in rows]
    height = gap + sum(pictures_heights) + sum(captions_heights) + 2 * gap * len(rows)
    sheet = Image.new("RGB", (gap + columns * (cell + gap), height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    top = gap
    for row, row_height, caption_height in zip(
        rows, pictures_heights, captions_heights, strict=True
    ):
        for column, (caption, picture) in enumerate(row):
            left = gap + column * (cell + gap)
            _paste(sheet, picture, left, top, cell, row_height)
            lines = _wrap(caption, font, cell, _LABEL_LINES)
            _write(draw, (left + cell // 2, top + row_height + gap // 2), lines, font, anchor="ma")
        top += row_height + caption_height + 2 * gap
    return sheet


def _check_cell(cell: int) -> None:
    if cell < 32:
        raise ValueError(f"cell: must be at least 32 pixels, not {cell}")


def _gap(cell: int) -> int:
    return max(4, cell // 24)


@functools.lru_cache(maxsize=8)
def _font(cell: int) -> ImageFont.FreeTypeFont:
    # Matplotlib carries DejaVu Sans, which has the letters that painters' names need.
    file = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(file, size=max(10, cell // 15))


def _fit(picture: Image.Image, cell: int) -> Image.Image:
    """An opaque RGB copy that just fits into a cell."""
    rgba = picture.convert("RGBA")
    paper = Image.new("RGBA", rgba.size, (*_PAPER, 255))
    opaque = Image.alpha_composite(paper, rgba).convert("RGB")
    return ImageOps.contain(opaque, (cell, cell), Image.Resampling.LANCZOS)


def _paste(
    sheet: Image.Image, picture: Image.Image, left: int, top: int, width: int, height: int
) -> None:
    """Put a picture into the middle of a box."""
    at = (left + (width - picture.width) // 2, top + (height - picture.height) // 2)
    sheet.paste(picture, at)


def _line_height(font: ImageFont.FreeTypeFont) -> int:
    ascent, descent = font.getmetrics()
    return ascent + descent


def _labels_height(labels: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> int:
    lines = max(len(_wrap(label, font, width, _LABEL_LINES)) for label in labels)
    return lines * _line_height(font) + (_gap(width) // 2 if lines else 0)


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    lines: Sequence[str],
    font: ImageFont.FreeTypeFont,
    *,
    anchor: str,
) -> None:
    x, y = at
    for number, line in enumerate(lines):
        draw.text((x, y + number * _line_height(font)), line, _INK, font, anchor=anchor)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """At most ``most`` lines of at most ``width`` pixels; an ellipsis where text is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] = f"{kept[-1]}{_ELLIPSIS}"
    return [_shorten(line, font, width) for line in kept]


def _shorten(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    kept = line.removesuffix(_ELLIPSIS)
    while kept and font.getlength(kept + _ELLIPSIS) > width:
        kept = kept[:-1]
    return kept + _ELLIPSIS
