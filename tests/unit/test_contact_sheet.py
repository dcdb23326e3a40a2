"""The labelled grids of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pastiche_daemon.contact_sheet import captioned_sheet, contact_sheet

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def flat(color: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.new("RGB", size, color)


def box_of(sheet: Image.Image, color: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of the pixels that have exactly this colour."""
    y, x = np.nonzero((np.asarray(sheet) == color).all(axis=2))
    if not len(x):
        return None
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def is_blank(image: Image.Image) -> bool:
    return bool((np.asarray(image) == WHITE).all())


def test_pictures_stand_in_the_order_of_the_grid() -> None:
    sheet = contact_sheet(
        [[flat(RED), flat(GREEN)], [flat(BLUE), flat(RED)]],
        row_labels=["one", "two"],
        column_labels=["a", "b"],
        cell=64,
    )
    green, blue = box_of(sheet, GREEN), box_of(sheet, BLUE)
    assert green is not None
    assert blue is not None
    assert green[2] - green[0] == green[3] - green[1] == 64
    assert blue[0] < green[0]
    assert blue[1] > green[3] - 1


@pytest.mark.parametrize("size", [(400, 100), (100, 400), (64, 16)])
def test_a_picture_is_fitted_and_not_cropped(size: tuple[int, int]) -> None:
    picture = flat(RED, size)
    end = size[0] // 4
    picture.paste(flat(GREEN, (end, size[1])), (0, 0))
    picture.paste(flat(BLUE, (end, size[1])), (size[0] - end, 0))
    sheet = contact_sheet([[picture]], row_labels=[""], column_labels=[""], cell=128)
    left, right = box_of(sheet, GREEN), box_of(sheet, BLUE)
    assert left is not None
    assert right is not None
    width, height = right[2] - left[0], left[3] - left[1]
    assert max(width, height) == 128
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)


def test_labels_are_drawn_above_columns_and_left_of_rows() -> None:
    def sheet(row: str, column: str) -> Image.Image:
        return contact_sheet([[flat(RED)]], row_labels=[row], column_labels=[column], cell=128)

    labelled = sheet("row", "column")
    box = box_of(labelled, RED)
    assert box is not None
    assert not is_blank(labelled.crop((box[0], 0, box[2], box[1])))
    assert not is_blank(labelled.crop((0, box[1], box[0], box[3])))
    bare = sheet("", "")
    red = (np.asarray(bare) == RED).all(axis=2)
    assert is_blank(Image.fromarray(np.where(red[:, :, None], 255, np.asarray(bare))))
    assert bare.width < labelled.width


def test_a_long_label_stays_above_its_own_column() -> None:
    long = "Donaudampfschifffahrtsgesellschaft in the harbour of Ploërmel, a very long story"
    sheet = contact_sheet(
        [[flat(RED), flat(GREEN)]], row_labels=[""], column_labels=[long, ""], cell=96
    )
    red, green = box_of(sheet, RED), box_of(sheet, GREEN)
    assert red is not None
    assert green is not None
    assert not is_blank(sheet.crop((red[0], 0, red[2], red[1])))
    assert is_blank(sheet.crop((red[2], 0, sheet.width, red[1])))
    assert is_blank(sheet.crop((0, 0, red[0], sheet.height)))


def test_transparent_pixels_are_shown_as_paper_and_pictures_stay_as_they_were() -> None:
    picture = Image.new("RGBA", (64, 64), (*RED, 0))
    before = picture.tobytes()
    sheet = contact_sheet([[picture]], row_labels=[""], column_labels=[""], cell=64)
    assert is_blank(sheet)
    assert picture.tobytes() == before
    assert picture.mode == "RGBA"


@pytest.mark.parametrize(
    ("row_labels", "column_labels", "cell", "named"),
    [
        ([], ["a"], 64, "row_labels"),
        (["one"], ["a", "b"], 64, "rows"),
        (["one"], ["a"], 8, "cell"),
    ],
)
def test_what_does_not_fit_together_is_named(
    row_labels: list[str], column_labels: list[str], cell: int, named: str
) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        contact_sheet([[flat(RED)]], row_labels=row_labels, column_labels=column_labels, cell=cell)


def test_captions_stand_below_their_pictures_in_reading_order() -> None:
    sheet = captioned_sheet(
        [("red", flat(RED)), ("", flat(GREEN)), ("blue", flat(BLUE, (64, 32)))],
        columns=2,
        cell=64,
    )
    red, green, blue = (box_of(sheet, color) for color in (RED, GREEN, BLUE))
    assert red is not None
    assert green is not None
    assert blue is not None
    assert red[0] < green[0]
    assert red[1] == green[1]
    assert blue[0] == red[0]
    assert blue[1] > red[3]
    assert not is_blank(sheet.crop((red[0], red[3], red[2], blue[1])))
    assert is_blank(sheet.crop((green[0], green[3], green[2], sheet.height)))


def test_a_sheet_of_few_pictures_is_no_wider_than_they_are() -> None:
    one = captioned_sheet([("", flat(RED))], columns=4, cell=64)
    assert one.width < 2 * 64


def test_captions_need_pictures_and_columns() -> None:
    with pytest.raises(ValueError, match=r"^pictures:"):
        captioned_sheet([])
    with pytest.raises(ValueError, match=r"^columns:"):
        captioned_sheet([("a", flat(RED))], columns=0)
