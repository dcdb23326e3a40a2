"""Previews as every toolkit can show them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pastiche_daemon.packs.archive import Pack, read_pack, write_pack
from pastiche_daemon.packs.previews import plain_preview
from tests.support.tiny_pack import tiny_files, tiny_manifest


def gradient(mode: str) -> Image.Image:
    rows, columns = np.mgrid[0:40, 0:60]
    samples = np.stack([rows * 6, columns * 4, 255 - rows * 5, columns * 3], axis=-1)
    return Image.fromarray(samples.astype(np.uint8), "RGBA").convert(mode)


def pack_with(tmp_path: Path, picture: Image.Image | None, kind: str, suffix: str) -> Pack:
    """A pack whose first style has this preview."""
    manifest = tiny_manifest()
    files = tiny_files(manifest)
    name = f"previews/one.{suffix}"
    del files["previews/one.png"]
    if picture is not None:
        buffer = io.BytesIO()
        picture.save(buffer, kind, lossless=True)
        files[name] = buffer.getvalue()
    first, *others = manifest.styles
    first = first.model_copy(update={"preview": name if picture is not None else None})
    write_pack(
        tmp_path / "a.pastiche", manifest.model_copy(update={"styles": [first, *others]}), files
    )
    return read_pack(tmp_path / "a.pastiche")


def test_an_opaque_webp_becomes_a_jpeg_that_looks_the_same(tmp_path: Path) -> None:
    found = plain_preview(pack_with(tmp_path, gradient("RGB"), "WEBP", "webp"), "one")
    assert found is not None
    data, media_type = found
    assert media_type == "image/jpeg"
    picture = Image.open(io.BytesIO(data), formats=["JPEG"])
    assert picture.size == (60, 40)
    difference = np.asarray(picture, int) - np.asarray(gradient("RGB"), int)
    assert np.abs(difference).mean() < 3


def test_a_webp_with_transparency_becomes_a_png_of_the_same_pixels(tmp_path: Path) -> None:
    found = plain_preview(pack_with(tmp_path, gradient("RGBA"), "WEBP", "webp"), "one")
    assert found is not None
    data, media_type = found
    assert media_type == "image/png"
    got = np.asarray(Image.open(io.BytesIO(data), formats=["PNG"]))
    expected = np.asarray(gradient("RGBA"))
    assert (got[..., 3] == expected[..., 3]).all()
    seen = expected[..., 3] > 0
    assert (got[seen] == expected[seen]).all()


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg")])
def test_other_pictures_stay_as_they_are(tmp_path: Path, kind: str, suffix: str) -> None:
    pack = pack_with(tmp_path, gradient("RGB"), kind, suffix)
    assert plain_preview(pack, "one") == pack.preview("one")


def test_no_preview(tmp_path: Path) -> None:
    pack = pack_with(tmp_path, None, "", "png")
    assert plain_preview(pack, "one") is None
    assert plain_preview(pack, "unknown") is None
