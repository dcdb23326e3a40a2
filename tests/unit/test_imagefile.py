"""Reading and writing picture files, against files made by other libraries."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_daemon.cli.imagefile import (
    PictureFileError,
    check_size,
    read_picture,
    write_picture,
)

ORIENTATION = 0x0112


def deep_gradient(channels: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Every channel another ramp, with values that 8 bits cannot hold."""
    ramp = np.arange(40 * 30, dtype=np.uint32).reshape(30, 40, 1) * 53 + 1
    return ((ramp * np.arange(1, channels + 1)) % 65536).astype(np.uint16)


def photo(width: int = 40, height: int = 30) -> np.ndarray[Any, np.dtype[np.uint8]]:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 6 % 256, y * 8 % 256, (x + y) * 3 % 256], axis=2).astype(np.uint8)


def pixels_of(path: Path) -> np.ndarray[Any, Any]:
    return layer_to_array(read_picture(path).layer)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_come_back_bit_for_bit(tmp_path: Path, name: str, channels: int) -> None:
    pixels = deep_gradient(channels)
    file = tmp_path / name
    if name.endswith("tif"):
        extra: dict[str, Any] = {} if channels == 3 else {"extrasamples": ["unassalpha"]}
        tifffile.imwrite(file, pixels, photometric="rgb", **extra)
    else:
        image = pyvips.Image.new_from_array(pixels)  # Pillow has no 16-bit RGB
        image.copy(interpretation="rgb16").pngsave(str(file))
    picture = read_picture(file)
    assert picture.layer.sample_type is SampleType.U16
    np.testing.assert_array_equal(layer_to_array(picture.layer), pixels)

    again = tmp_path / f"again-{name}"
    assert write_picture(again, picture.layer, resolution=picture.resolution) == ()
    np.testing.assert_array_equal(pixels_of(again), pixels)
    if name.endswith("tif"):  # another reader sees them, too
        np.testing.assert_array_equal(tifffile.imread(again), pixels)


def test_a_deep_picture_is_rounded_for_jpeg_and_webp_and_that_is_said(tmp_path: Path) -> None:
    layer = layer_from_array(np.full((16, 16, 3), 128 * 257 + 140, np.uint16))
    for name in ("out.jpg", "out.webp"):
        notes = write_picture(tmp_path / name, layer, quality=100)
        assert any("8 bits" in note for note in notes)
        written = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        assert written.dtype == np.uint8
        assert np.abs(written.astype(int) - 129).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    file = tmp_path / "turned.jpg"
    image = Image.fromarray(np.kron(photo(5, 4), np.ones((16, 16, 1), np.uint8)))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(file, exif=exif, quality=100, subsampling=0)
    from PIL import ImageOps

    with Image.open(file) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    read = pixels_of(file)
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).max() <= 2

    written = tmp_path / "out.jpg"
    write_picture(written, read_picture(file).layer)
    with Image.open(written) as opened:
        assert opened.getexif().get(ORIENTATION, 1) == 1
        assert opened.size == (upright.shape[1], upright.shape[0])


def wide_gamut_profile() -> bytes:
    """Display P3, which libvips carries."""
    blob = pyvips.Operation.call("profile_load", "p3")
    return bytes(blob)


@pytest.mark.parametrize("name", ["wide.jpg", "wide.png", "wide.tif", "wide.webp"])
def test_another_profile_is_converted_to_srgb(tmp_path: Path, name: str) -> None:
    profile = wide_gamut_profile()
    colors = np.random.default_rng(0).integers(40, 215, (4, 4, 3)).astype(np.uint8)
    pixels = np.kron(colors, np.ones((16, 16, 1), np.uint8))
    image = Image.fromarray(pixels)
    options: dict[str, Any] = {"icc_profile": profile}
    if name.endswith("jpg"):
        options |= {"quality": 100, "subsampling": 0}
    if name.endswith("webp"):
        options |= {"lossless": True}
    file = tmp_path / name
    image.save(file, **options)

    transform = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert transform is not None
    expected = np.asarray(transform).astype(int)
    read = pixels_of(file).astype(int)
    assert np.abs(expected - pixels).max() > 8, "the profile must matter for this test"
    assert np.abs(read - expected).max() <= 3


def test_a_profile_is_converted_in_16_bits_beside_alpha(tmp_path: Path) -> None:
    pixels = np.full((4, 4, 4), [30000, 40001, 20002, 12345], np.uint16)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="rgb16")
    image.pngsave(str(tmp_path / "wide.png"), profile="p3")
    red, green, blue, alpha = pixels_of(tmp_path / "wide.png")[2, 2].tolist()
    assert alpha == 12345
    assert red < 30000
    assert green > 40001
    assert abs(blue - 20002) > 100
    assert {red % 257, green % 257, blue % 257} != {0}, "8 bits would be multiples of 257"


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = tmp_path / "srgb.png"
    Image.fromarray(photo()).save(file, icc_profile=profile)
    np.testing.assert_array_equal(pixels_of(file), photo())


def test_a_broken_profile_is_named_and_the_picture_read(tmp_path: Path) -> None:
    file = tmp_path / "broken.tif"
    Image.fromarray(photo()).save(file, icc_profile=b"not a profile" * 20)
    picture = read_picture(file)
    np.testing.assert_array_equal(layer_to_array(picture.layer), photo())
    assert picture.notes == ("its colour profile is damaged and was ignored",)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    file = tmp_path / "print.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(file, quality=100)
    picture = read_picture(file)
    assert picture.layer.format is PixelFormat.RGB
    red, green, blue = layer_to_array(picture.layer)[8, 8].tolist()
    assert red > 150
    assert max(green, blue) < 100
    assert any("CMYK" in note for note in picture.notes)


@pytest.mark.parametrize("name", ["alpha.webp", "alpha.png", "alpha.tif"])
def test_alpha_comes_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    alpha = np.arange(1200, dtype=np.uint32).reshape(30, 40, 1) % 256
    pixels = np.concatenate([photo(), alpha.astype(np.uint8)], axis=2)
    file = tmp_path / name
    options: dict[str, Any] = {"lossless": True} if "webp" in name else {}
    Image.fromarray(pixels).save(file, **options)
    layer = read_picture(file).layer
    assert layer.format is PixelFormat.RGBA
    np.testing.assert_array_equal(layer_to_array(layer)[:, :, 3:], alpha)

    again = tmp_path / f"again-{name}"
    write_picture(again, layer)
    with Image.open(again) as opened:
        np.testing.assert_array_equal(np.asarray(opened)[:, :, 3], alpha[:, :, 0])


def test_jpeg_gets_white_for_transparency_and_that_is_said(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :, 0] = 200
    notes = write_picture(tmp_path / "out.jpg", layer_from_array(pixels), quality=100)
    assert any("transparency" in note for note in notes)
    with Image.open(tmp_path / "out.jpg") as opened:
        assert np.asarray(opened).min() >= 254

    opaque = pixels.copy()
    opaque[:, :, 3] = 255
    assert write_picture(tmp_path / "opaque.jpg", layer_from_array(opaque)) == ()


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "I;16"])
def test_other_pixel_kinds_become_rgb(tmp_path: Path, mode: str) -> None:
    grey = photo()[:, :, 0]
    image = Image.fromarray(deep_gradient(1)[:, :, 0]) if mode == "I;16" else None
    image = image or Image.fromarray(grey).convert(mode)
    file = tmp_path / "kind.png"
    image.save(file)
    layer = read_picture(file).layer
    expected = PixelFormat.RGBA if mode == "LA" else PixelFormat.RGB
    assert layer.format is expected
    assert layer.sample_type is (SampleType.U16 if mode == "I;16" else SampleType.U8)
    read = layer_to_array(layer)
    for channel in range(3):
        wanted = np.asarray(image if mode == "I;16" else image.convert("L"))
        np.testing.assert_array_equal(read[:, :, channel], wanted)


def test_a_float_tiff_is_linear_light_and_becomes_16_bits(tmp_path: Path) -> None:
    file = tmp_path / "linear.tif"
    tifffile.imwrite(file, np.full((8, 8, 3), 0.5, np.float32), photometric="rgb")
    picture = read_picture(file)
    assert picture.layer.sample_type is SampleType.U16
    encoded = (1.055 * 0.5 ** (1 / 2.4) - 0.055) * 65535
    assert np.abs(layer_to_array(picture.layer).astype(float) - encoded).max() < 200
    assert any("16 bits" in note for note in picture.notes)


def test_the_resolution_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "print.png"
    Image.fromarray(photo()).save(file, dpi=(300, 300))
    picture = read_picture(file)
    for name in ("out.png", "out.jpg", "out.tif"):
        write_picture(tmp_path / name, picture.layer, resolution=picture.resolution)
        with Image.open(tmp_path / name) as opened:
            assert opened.info["dpi"][0] == pytest.approx(300, abs=0.6)


def test_written_files_say_that_they_are_srgb(tmp_path: Path) -> None:
    for name in ("out.png", "out.jpg", "out.tif", "out.webp"):
        write_picture(tmp_path / name, layer_from_array(photo()))
        with Image.open(tmp_path / name) as opened:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        assert "srgb" in ImageCms.getProfileDescription(profile).lower()


def test_only_the_first_page_of_a_tiff_is_used_and_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "pages.tif"
    pages = [Image.fromarray(photo()), Image.fromarray(photo(8, 8))]
    pages[0].save(file, save_all=True, append_images=pages[1:])
    picture = read_picture(file)
    assert (picture.layer.width, picture.layer.height) == (40, 30)
    assert picture.notes == ("only its first page was used",)


def test_brackets_in_a_name_are_no_options(tmp_path: Path) -> None:
    file = tmp_path / "photo.png[page=1].png"
    Image.fromarray(photo()).save(file)
    np.testing.assert_array_equal(pixels_of(file), photo())
    again = tmp_path / "again[Q=1].png"
    write_picture(again, layer_from_array(photo()))
    np.testing.assert_array_equal(pixels_of(again), photo())


def damaged(tmp_path: Path, kind: str) -> Path:
    file = tmp_path / "bad.png"
    if kind == "missing":
        return file
    if kind == "folder":
        file.mkdir()
        return file
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "GIF" if kind == "gif" else "JPEG")
    content = {"empty": b"", "text": b"hello", "half": buffer.getvalue()[:2000]}
    file.write_bytes(content.get(kind, buffer.getvalue()))
    return file


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "half", "gif"])
def test_what_is_no_picture_is_named(tmp_path: Path, kind: str) -> None:
    file = damaged(tmp_path, kind)
    with pytest.raises(PictureFileError) as caught:
        read_picture(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(PictureFileError, match=r"must end in one of \.png"):
        write_picture(tmp_path / "out.bmp", layer_from_array(photo()))
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_is_too_small_is_named() -> None:
    with pytest.raises(PictureFileError, match="WebP holds at most 16383"):
        check_size(Path("out.webp"), 16384, 10)
    with pytest.raises(PictureFileError, match="JPEG holds at most 65535"):
        check_size(Path("out.jpg"), 10, 65536)
    check_size(Path("out.png"), 65536, 65536)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.png"
    file.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PictureFileError, match="No space left on device"):
        write_picture(file, layer_from_array(photo()))
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    layer = Layer(1, 1, PixelFormat.RGB, SampleType.U8, bytes(3))
    with pytest.raises(PictureFileError, match="No such file or directory"):
        write_picture(tmp_path / "missing" / "out.png", layer)
