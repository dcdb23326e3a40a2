"""Krita's colour spaces, and which of them the daemon understands as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.layer import PixelFormat, SampleType

if TYPE_CHECKING:
    from krita import Document, Node

_CHANNELS = {"A": 1, "GRAYA": 2, "RGBA": 4, "CMYKA": 5, "LABA": 4, "XYZA": 4, "YCbCrA": 4}
_SAMPLE_BYTES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}

_SRGB = "sRGB-elle-V2-srgbtrc.icc"
# Little CMS's own profile: its curve is a formula that goes on below 0 and above 1, so that
# colours beyond sRGB survive the way there and back. Curves from a table clip them.
_UNBOUNDED_SRGB = "sRGB built-in"
_SRGB_PROFILES = frozenset({_SRGB, _UNBOUNDED_SRGB, "sRGB-elle-V4-srgbtrc.icc"})
_SRGB_GREY_PROFILES = frozenset({"Gray-D50-elle-V2-srgbtrc.icc", "Gray-D50-elle-V4-srgbtrc.icc"})

_DIRECT = {
    ("RGBA", "U8"): (PixelFormat.BGRA, SampleType.U8),
    ("RGBA", "U16"): (PixelFormat.BGRA, SampleType.U16),
    ("RGBA", "F32"): (PixelFormat.RGBA, SampleType.F32),
    ("GRAYA", "U8"): (PixelFormat.GREYA, SampleType.U8),
    ("GRAYA", "U16"): (PixelFormat.GREYA, SampleType.U16),
    ("GRAYA", "F32"): (PixelFormat.GREYA, SampleType.F32),
}


@dataclass(frozen=True)
class ColorSpace:
    """A colour model, a depth and a profile, named as Krita does."""

    model: str
    depth: str
    profile: str

    @staticmethod
    def of(owner: Document | Node) -> ColorSpace:
        """That of a document, or of a node's pixels."""
        return ColorSpace(owner.colorModel(), owner.colorDepth(), owner.colorProfile())

    @property
    def is_known(self) -> bool:
        """Whether the size of its pixels is known."""
        return self.model in _CHANNELS and self.depth in _SAMPLE_BYTES

    @property
    def sample_bytes(self) -> int:
        return _SAMPLE_BYTES[self.depth]

    @property
    def pixel_bytes(self) -> int:
        return _CHANNELS[self.model] * self.sample_bytes

    @property
    def alpha_start(self) -> int:
        """Where alpha begins in a pixel, in bytes; it is always last."""
        return self.pixel_bytes - self.sample_bytes

    @property
    def wire(self) -> tuple[PixelFormat, SampleType] | None:
        """How its pixels are sent as they are; None if they must be converted first."""
        profiles = _SRGB_GREY_PROFILES if self.model == "GRAYA" else _SRGB_PROFILES
        return _DIRECT.get((self.model, self.depth)) if self.profile in profiles else None

    @property
    def sent(self) -> ColorSpace:
        """The space in which its pixels are sent; it has a `wire`."""
        return self if self.wire else _float_srgb()

    def __str__(self) -> str:
        return f"{self.model} {self.depth} {self.profile}"


#: What screens and `QImage` show.
SCREEN = ColorSpace("RGBA", "U8", _SRGB)


def _float_srgb() -> ColorSpace:
    known = Krita.instance().profiles("RGBA", "F32")
    return ColorSpace("RGBA", "F32", _UNBOUNDED_SRGB if _UNBOUNDED_SRGB in known else _SRGB)
