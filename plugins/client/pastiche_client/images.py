"""Optional conveniences for scripts: layers from and to Pillow pictures and numpy arrays.

Pillow and numpy are imported when a function is called; the rest of the client needs neither.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pastiche_client.layer import Layer, PixelFormat, SampleType

if TYPE_CHECKING:
    from PIL.Image import Image

_MODES = {
    "L": PixelFormat.GREY,
    "LA": PixelFormat.GREYA,
    "RGB": PixelFormat.RGB,
    "RGBA": PixelFormat.RGBA,
}
_FORMATS = {
    1: PixelFormat.GREY,
    2: PixelFormat.GREYA,
    3: PixelFormat.RGB,
    4: PixelFormat.RGBA,
}


def layer_from_image(image: Image) -> Layer:
    """A layer of 8 bits a sample, turned upright as its EXIF data say.

    Pixels are taken as sRGB: convert pictures with another colour profile before.
    """
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode not in _MODES:
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    return Layer(
        width=upright.width,
        height=upright.height,
        format=_MODES[upright.mode],
        sample_type=SampleType.U8,
        data=upright.tobytes(),
    )


def layer_to_image(layer: Layer) -> Image:
    """A Pillow picture of a layer; deeper samples are rounded to 8 bits."""
    from PIL import Image as PillowImage

    array = layer_to_array(layer)
    if layer.sample_type is SampleType.U16:
        array = ((array.astype("uint32") + 128) // 257).astype("uint8")
    elif layer.sample_type is SampleType.F32:
        array = (array.clip(0, 1) * 255 + 0.5).astype("uint8")
    return PillowImage.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def layer_from_array(array: Any) -> Layer:
    """A layer of a numpy array: uint8, uint16 or float32, height x width [x channels].

    Channels are grey; grey and alpha; RGB; or RGBA. uint8 and uint16 cover 0..1 with their whole
    range, float32 is 0..1.

    Raises:
        ValueError: another type or shape.
    """
    import numpy as np

    pixels: Any = np.asarray(array)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in _FORMATS:
        raise ValueError(f"array must be H x W or H x W x 1..4, not of shape {pixels.shape}")
    types = {"uint8": SampleType.U8, "uint16": SampleType.U16, "float32": SampleType.F32}
    sample_type = types.get(pixels.dtype.name)
    if sample_type is None:
        raise ValueError(f"array must be uint8, uint16 or float32, not {pixels.dtype}")
    if sys.byteorder == "big":
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
    height, width, channels = pixels.shape
    return Layer(
        width=width,
        height=height,
        format=_FORMATS[channels],
        sample_type=sample_type,
        data=pixels.tobytes(),
    )


def layer_to_array(layer: Layer) -> Any:
    """A new numpy array, height x width x channels, in the layer's type; BGRA becomes RGBA."""
    import numpy as np

    types = {SampleType.U8: "u1", SampleType.U16: "<u2", SampleType.F32: "<f4"}
    array: Any = np.frombuffer(layer.packed(), dtype=types[layer.sample_type])
    array = array.reshape(layer.height, layer.width, layer.format.channels)
    if layer.format is PixelFormat.BGRA:
        array = array[:, :, [2, 1, 0, 3]]
    return array.astype(array.dtype.newbyteorder("="))
