"""In which samples a layer's pixels travel, so that nothing of them is lost."""

from __future__ import annotations

from dataclasses import dataclass

from gi.repository import Gimp

from pastiche_client.layer import PixelFormat, SampleType

# Samples that hold every value of a precision where the colours are sRGB's: a linear precision
# needs more bits once it gets sRGB's curve.
_SAMPLES = {
    Gimp.Precision.U8_NON_LINEAR: SampleType.U8,
    Gimp.Precision.U8_PERCEPTUAL: SampleType.U8,
    Gimp.Precision.U8_LINEAR: SampleType.U16,
    Gimp.Precision.U16_NON_LINEAR: SampleType.U16,
    Gimp.Precision.U16_PERCEPTUAL: SampleType.U16,
}
_BABL_TYPES = {SampleType.U8: "u8", SampleType.U16: "u16", SampleType.F32: "float"}


@dataclass(frozen=True)
class WireFormat:
    """The samples of a layer on the wire; GIMP converts from and to any other."""

    sample_type: SampleType
    has_alpha: bool

    @property
    def pixel_format(self) -> PixelFormat:
        return PixelFormat.RGBA if self.has_alpha else PixelFormat.RGB

    @property
    def babl(self) -> str:
        """GEGL's name of the format: sRGB with its curve."""
        return f"R'G'B'{'A' if self.has_alpha else ''} {_BABL_TYPES[self.sample_type]}"


def wire_format(drawable: Gimp.Drawable) -> WireFormat:
    """The smallest format that gives the layer's pixels back as they were."""
    image = drawable.get_image()
    sample_type = SampleType.F32
    if drawable.is_indexed():  # its palette is sRGB
        sample_type = SampleType.U8
    elif _is_srgb(image):  # colours of other profiles may lie outside of 0..1
        sample_type = _SAMPLES.get(image.get_precision(), SampleType.F32)
    return WireFormat(sample_type, drawable.has_alpha())


def mask_format(image: Gimp.Image) -> str:
    """GEGL's name of the format for a selection or layer mask of this image."""
    eight_bits = {
        Gimp.Precision.U8_NON_LINEAR,
        Gimp.Precision.U8_PERCEPTUAL,
        Gimp.Precision.U8_LINEAR,
    }
    return "Y u8" if image.get_precision() in eight_bits else "Y float"


def _is_srgb(image: Gimp.Image) -> bool:
    profile = image.get_color_profile()
    if profile is None:
        return True
    srgb = (
        Gimp.ColorProfile.new_d65_gray_srgb_trc()
        if image.get_base_type() == Gimp.ImageBaseType.GRAY
        else Gimp.ColorProfile.new_rgb_srgb()
    )
    return profile.is_equal(srgb)
