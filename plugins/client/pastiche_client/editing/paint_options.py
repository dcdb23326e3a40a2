"""What the user chose for painting a layer like other layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

from pastiche_client.editing.option_values import (
    OptionError,
    choice,
    known_fields,
    number,
    plain_fields,
    shown,
)
from pastiche_client.editing.style_choice import WEIGHTS, RegionChoice, StyleChoice, StyleKind
from pastiche_client.editing.told import marked
from pastiche_client.optimize_options import Minimizer, OptimizeOptions, StartKind, Terms

__all__ = [
    "AMOUNTS",
    "DEFAULT_ENCODER",
    "MOST_STYLES",
    "PREVIEW_SIDE",
    "STYLE_SCALES",
    "WEIGHTS",
    "PaintColors",
    "PaintOptions",
    "PaintStart",
    "Quality",
    "RegionChoice",
    "StyleChoice",
    "StyleKind",
]

AMOUNTS = (0.0, 1.0)
STYLE_SCALES = (0.25, 4.0)
MOST_STYLES = 16
DEFAULT_ENCODER = "compact"
#: Longer side of the pictures that show how far it is, in pixels.
PREVIEW_SIDE = 384

# The weight of content at an amount of 0.5, and the factor from there to either end. With the
# default optimizer and encoder a picture changes about as much in the one half as in the other;
# a content weight below the least changes nothing that is seen.
_CONTENT = 1.0
_CONTENT_RANGE = 100.0
# Closer than the two seconds in which there is to be a picture, for it comes with a step's end.
_PREVIEW_SECONDS = 0.5
_ENCODER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class PaintColors(str, Enum):
    """Whose colours the result has."""

    STYLE = "style"
    LUMINANCE = "luminance"  # the layer's: only the luminance is painted
    RECOLORED = "recolored"  # the layer's: the style is given them first


class PaintStart(str, Enum):
    """What the painting begins with."""

    LAYER = "layer"
    NOISE = "noise"
    STYLE = "style"


class Quality(str, Enum):
    """How long it may take: the size that is painted, and the number of steps."""

    QUICK = "quick"
    GOOD = "good"
    FINE = "fine"
    FULL = "full"

    @property
    def size(self) -> int:
        """Longer side of what is painted, in pixels; 0 for as large as layer and memory allow."""
        return _QUALITIES[self][0]

    @property
    def steps(self) -> int:
        """At most."""
        return _QUALITIES[self][1]

    @property
    def scales(self) -> int:
        """How many sizes it goes through, each half of the next."""
        return _QUALITIES[self][2]


# With a full VGG-19, a step of 512 pixels takes 0.3 to 1.2 seconds on two cores.
_QUALITIES = {
    Quality.QUICK: (320, 120, 1),
    Quality.GOOD: (512, 300, 1),
    Quality.FINE: (1024, 400, 3),
    Quality.FULL: (0, 500, 4),
}


_STARTS: Mapping[PaintStart, StartKind] = {
    PaintStart.LAYER: "content",
    PaintStart.NOISE: "noise",
    PaintStart.STYLE: "style",
}


@dataclass(frozen=True)
class PaintOptions:
    """How to paint a layer like others.

    Attributes:
        styles: up to MOST_STYLES; may be empty until one is chosen, as in presets.
        amount: of style, 0 (much of the layer is kept) to 1 (little of it); beta / alpha of Gatys
            et al. (CVPR 2016) grows by 10 000 over the range, evenly on a logarithmic scale.
        style_scale: size of the style's forms in the result, 0.25 to 4.
        colors: whose colours the result has.
        start: what it begins with.
        quality: how long it may take.
        encoder: the loss network, `compact` being built in.
        strength_mask: how much of the painting each pixel gets, the rest being the layer; None for
            all of it everywhere.

    Raises:
        OptionError: a value is of the wrong type or out of its range.
    """

    styles: tuple[StyleChoice, ...] = field(default=())
    amount: float = 0.5
    style_scale: float = 1.0
    colors: PaintColors = PaintColors.STYLE
    start: PaintStart = PaintStart.LAYER
    quality: Quality = Quality.GOOD
    encoder: str = DEFAULT_ENCODER
    strength_mask: RegionChoice | None = None

    def __post_init__(self) -> None:
        _set(self, "styles", _checked_styles(self.styles))
        _set(self, "amount", number("amount", self.amount, AMOUNTS))
        _set(self, "style_scale", number("style_scale", self.style_scale, STYLE_SCALES))
        _set(self, "colors", choice("colors", self.colors, PaintColors))
        _set(self, "start", choice("start", self.start, PaintStart))
        _set(self, "quality", choice("quality", self.quality, Quality))
        _check_encoder(self.encoder)
        _set(self, "strength_mask", RegionChoice.from_value("strength_mask", self.strength_mask))

    @property
    def content_weight(self) -> float:
        """Alpha of the papers, where beta is 1: from 100 down to 0.01."""
        return _CONTENT * _CONTENT_RANGE ** (1.0 - 2.0 * self.amount)

    @property
    def style_side(self) -> int:
        """Longer side in pixels that a style's picture need not exceed; 0 for no limit."""
        return round(self.quality.size * self.style_scale)

    @property
    def name(self) -> str:
        """The styles' names, for a layer's name and an undo step."""
        return " + ".join(style.name or style.file for style in self.styles)

    def optimize_options(self) -> OptimizeOptions:
        """What the daemon is told."""
        return OptimizeOptions(
            terms=Terms(content=self.content_weight, style=1.0),
            minimizer=Minimizer(steps=self.quality.steps),
            encoder=self.encoder,
            start=_STARTS[self.start],
            size=self.quality.size,
            scales=self.quality.scales,
            style_scale=self.style_scale,
            colors=self.colors.value,
            preview_size=PREVIEW_SIDE,
            preview_seconds=_PREVIEW_SECONDS,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**plain_fields(self), "styles": [style.to_dict() for style in self.styles]}

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> PaintOptions:
        """The options of `to_dict`'s values; what is missing has its default.

        Names that are unknown are ignored, see `unknown_names`.

        Raises:
            OptionError: a value cannot be used.
        """
        known: dict[str, Any] = known_fields(PaintOptions, values)
        if "styles" in known:
            known["styles"] = _styles_of(known["styles"])
        return PaintOptions(**known)

    @staticmethod
    def unknown_names(values: Mapping[str, object]) -> tuple[str, ...]:
        """The names that `from_dict` ignores."""
        return tuple(name for name in values if name not in known_fields(PaintOptions, values))


def _checked_styles(styles: object) -> tuple[StyleChoice, ...]:
    given = cast("Sequence[object]", styles) if isinstance(styles, list | tuple) else (None,)
    found = tuple(style for style in given if isinstance(style, StyleChoice))
    if len(found) != len(given):
        raise _no_styles(styles)
    if len(found) > MOST_STYLES:
        raise OptionError("styles", marked("At most {most} styles can be mixed."), most=MOST_STYLES)
    if found and not any(style.weight for style in found):
        raise OptionError(
            "weight", marked("The weights of the styles are all 0; give one at least a larger one.")
        )
    return found


def _styles_of(given: object) -> tuple[StyleChoice, ...]:
    entries = cast("Sequence[object]", given) if isinstance(given, list | tuple) else None
    if entries is None or not all(isinstance(entry, Mapping) for entry in entries):
        raise _no_styles(given)
    return tuple(StyleChoice.from_dict(cast("Mapping[str, object]", entry)) for entry in entries)


def _no_styles(value: object) -> OptionError:
    return OptionError(
        "styles", marked("{field} must be a list of styles, not {value}."), value=shown(value)
    )


def _check_encoder(value: object) -> None:
    if not isinstance(value, str) or not _ENCODER.fullmatch(value):
        raise OptionError(
            "encoder",
            marked("{field} must be an encoder's name such as compact or vgg19, not {value}."),
            value=shown(value),
        )


def _set(options: object, name: str, value: object) -> None:
    object.__setattr__(options, name, value)
