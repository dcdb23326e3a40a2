"""Picture files to layers and back: PNG, JPEG, TIFF and WebP."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pyvips as _pyvips  # pyright: ignore[reportMissingTypeStubs]
from PIL import ImageCms

from pastiche_client.layer import Layer, PixelFormat, SampleType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pyvips = cast("Any", _pyvips)  # it makes its functions while it runs

_LOADERS = ("jpegload", "pngload", "tiffload", "webpload")
_DEEP_INTERPRETATIONS = {"rgb16", "grey16"}


class PictureFileError(Exception):
    """A file cannot be read as a picture, or a picture not be written. The message names it."""


@dataclass(frozen=True)
class Picture:
    """A picture read from a file.

    Attributes:
        layer: upright, in sRGB, RGB or RGBA of 8 or 16 bits a sample.
        resolution: pixels per millimetre, across and down.
        notes: sentences about what could not be kept as it was.
    """

    layer: Layer
    resolution: tuple[float, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputFormat:
    """What a kind of picture file can hold. `largest_side` is in pixels."""

    name: str
    save: Callable[[Any, int], bytes]
    deep: bool
    alpha: bool
    largest_side: int


def _png(image: Any, _: int) -> bytes:
    return image.pngsave_buffer(profile="srgb")


def _jpeg(image: Any, quality: int) -> bytes:
    return image.jpegsave_buffer(
        Q=quality, subsample_mode="off", optimize_coding=True, profile="srgb"
    )


def _tiff(image: Any, _: int) -> bytes:
    return image.tiffsave_buffer(compression="deflate", predictor="horizontal", profile="srgb")


def _webp(image: Any, quality: int) -> bytes:
    return image.webpsave_buffer(Q=quality, smart_subsample=True, profile="srgb")


_PNG = OutputFormat("PNG", _png, deep=True, alpha=True, largest_side=2**31 - 1)
_JPEG = OutputFormat("JPEG", _jpeg, deep=False, alpha=False, largest_side=65535)
_TIFF = OutputFormat("TIFF", _tiff, deep=True, alpha=True, largest_side=2**31 - 1)
_WEBP = OutputFormat("WebP", _webp, deep=False, alpha=True, largest_side=16383)

_SUFFIXES = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".webp": _WEBP,
}


def is_picture_name(path: Path) -> bool:
    """Whether the name ends like that of a picture that can be written."""
    return path.suffix.lower() in _SUFFIXES


def output_format(path: Path) -> OutputFormat:
    """The format that a file's name asks for.

    Raises:
        PictureFileError: there is no such format.
    """
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise PictureFileError(
            f"{path}: the name must end in one of {' '.join(_SUFFIXES)}, not {path.suffix!r}"
        )
    return found


def read_picture(path: Path) -> Picture:
    """Read a picture: turned upright as its EXIF data say, converted to sRGB, 16 bits kept.

    Grey pictures become RGB, so that a style can colour them.

    Raises:
        PictureFileError: the file is missing, damaged, or no PNG, JPEG, TIFF or WebP.
    """
    try:
        # Not by name: libvips takes brackets in a file name for options.
        content = path.read_bytes()
    except OSError as error:
        raise PictureFileError(f"{path}: {error.strerror or error}") from error
    notes: list[str] = []
    try:
        image = pyvips.Image.new_from_buffer(content, "", fail_on="truncated")
        if not str(image.get("vips-loader")).startswith(_LOADERS):
            raise PictureFileError(f"{path}: only PNG, JPEG, TIFF and WebP can be read")
        if image.get_typeof("n-pages") and image.get("n-pages") > 1:
            notes.append("only its first page was used")
        image = _to_srgb(image.autorot(), notes)
        image = _to_rgb_bands(image, notes)
        deep = image.format == "ushort"
        pixels = cast("bytes", image.write_to_memory())
    except pyvips.Error as error:
        raise PictureFileError(f"{path}: not a readable picture: {_reason(error)}") from error
    return Picture(
        layer=Layer(
            width=image.width,
            height=image.height,
            format=PixelFormat.RGBA if image.bands == 4 else PixelFormat.RGB,
            sample_type=SampleType.U16 if deep else SampleType.U8,
            data=pixels,
        ),
        resolution=(image.xres, image.yres),
        notes=tuple(notes),
    )


def write_picture(
    path: Path,
    layer: Layer,
    *,
    resolution: tuple[float, float] = (1.0, 1.0),
    quality: int = 92,
) -> tuple[str, ...]:
    """Write a layer of `read_picture`'s kinds, whole or not at all; replaces what is there.

    Args:
        resolution: pixels per millimetre, across and down.
        quality: of JPEG and WebP, 1 to 100.

    Returns:
        sentences about what the format cannot keep.

    Raises:
        PictureFileError: the format cannot hold it, or it cannot be written.
    """
    chosen = output_format(path)
    check_size(path, layer.width, layer.height)
    notes: list[str] = []
    deep = layer.sample_type is SampleType.U16
    try:
        image = pyvips.Image.new_from_memory(
            layer.packed(),
            layer.width,
            layer.height,
            layer.format.channels,
            "ushort" if deep else "uchar",
        ).copy(interpretation="rgb16" if deep else "srgb", xres=resolution[0], yres=resolution[1])
        if layer.format.has_alpha and not chosen.alpha:
            opaque = 65535 if deep else 255
            if image[3].min() < opaque:
                notes.append(f"{chosen.name} has no transparency: it became white")
            image = image.flatten(background=opaque, max_alpha=opaque)
            image = image.cast("ushort" if deep else "uchar")
        if deep and not chosen.deep:
            notes.append(f"{chosen.name} has 8 bits: they were rounded")
            image = (image / 257).rint().cast("uchar").copy(interpretation="srgb")
        content = chosen.save(image, quality)
    except pyvips.Error as error:
        raise PictureFileError(f"{path}: {_reason(error)}") from error
    try:
        _write_atomically(path, content)
    except OSError as error:
        raise PictureFileError(f"{path}: {error.strerror or error}") from error
    return tuple(notes)


def read_mask(path: Path, layer: Layer) -> bytes:
    """A byte for each of a layer's pixels: the picture's red, which is grey's grey.

    Raises:
        PictureFileError: the file cannot be read, or the picture has another size.
    """
    from pastiche_client.images import layer_to_array

    mask = read_picture(path).layer
    if (mask.width, mask.height) != (layer.width, layer.height):
        raise PictureFileError(
            f"{path}: has {mask.width} x {mask.height} pixels; it must have the content's "
            f"{layer.width} x {layer.height}"
        )
    red = layer_to_array(mask)[:, :, 0]
    return (red >> 8 if mask.sample_type is SampleType.U16 else red).astype("uint8").tobytes()


def check_size(path: Path, width: int, height: int) -> None:
    """Raises PictureFileError if the format of that file cannot hold so many pixels."""
    chosen = output_format(path)
    if max(width, height) > chosen.largest_side:
        raise PictureFileError(
            f"{path}: {chosen.name} holds at most {chosen.largest_side} pixels a side, "
            f"and the picture has {width} x {height}; use PNG or TIFF"
        )


def _to_srgb(image: Any, notes: list[str]) -> Any:
    """sRGB of 8 or 16 bits a sample, with whatever extra bands there were."""
    deep = image.format != "uchar"
    if image.get_typeof("icc-profile-data") and image.format in {"uchar", "ushort"}:
        description = _profile_description(cast("bytes", image.get("icc-profile-data")))
        if description is None:
            notes.append("its colour profile is damaged and was ignored")
        elif not description.lower().startswith("srgb"):  # that would only add rounding errors
            return image.icc_transform(
                "srgb",
                embedded=True,
                intent="relative",
                black_point_compensation=True,
                depth=16 if deep else 8,
            )
    if image.interpretation == "cmyk":
        notes.append("it is CMYK without a usable profile: the colours are a guess")
        return image.icc_transform("srgb", input_profile="cmyk", depth=8)
    if image.format in {"uchar", "ushort"} and image.interpretation in {
        "srgb",
        "b-w",
        *_DEEP_INTERPRETATIONS,
    }:
        return image
    if image.format not in {"uchar", "ushort"}:
        notes.append("its samples were converted to 16 bits")
    return image.colourspace("rgb16" if deep else "srgb")


def _to_rgb_bands(image: Any, notes: list[str]) -> Any:
    """Three bands, or four with alpha."""
    if image.bands in {1, 2}:
        grey = image[0]
        rgb = grey.bandjoin([grey, grey])
        return rgb.bandjoin(image[1]) if image.bands == 2 else rgb
    if image.bands > 4:
        notes.append("channels after the fourth were dropped")
        return image.extract_band(0, n=4)
    return image


def _profile_description(profile: bytes) -> str | None:
    """What a profile calls itself, or None if it is damaged (libvips would not say so)."""
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.getProfileDescription(parsed)
    except (OSError, ImageCms.PyCMSError):
        return None


def _reason(error: Exception) -> str:
    """The telling line of libvips's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "libvips could not process it"


def _write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
