"""The styles of a painting and their places, by what finds them again; no pixels are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from pastiche_client.editing.option_values import (
    OptionError,
    choice,
    flag,
    known_fields,
    number,
    plain_fields,
    shown,
    text,
)
from pastiche_client.editing.told import marked

WEIGHTS = (0.0, 100.0)


class StyleKind(str, Enum):
    """Where a style's picture is."""

    LAYER = "layer"  # of an open image
    IMAGE = "image"  # that is open, as it looks
    FILE = "file"


@dataclass(frozen=True)
class RegionChoice:
    """A mask of the image whose layer is painted: a part of it, or how much each pixel gets.

    Attributes:
        name: the mask's, for people; also to find one that has another id, as in other images.
        source: the editor's own id, such as GIMP's "channel:17" or Krita's "mask:{uuid}".
        outside: the mask's opposite.

    Raises:
        OptionError: a value is of the wrong type.
    """

    name: str
    source: str = ""
    outside: bool = False

    def __post_init__(self) -> None:
        for field in ("name", "source"):
            text(field, getattr(self, field))
        if not self.name:
            raise OptionError("name", marked("Choose a mask first."))
        flag("outside", self.outside)

    def plane(self, mask: bytes) -> bytes:
        """A byte for each pixel, 255 is all: what the mask's own bytes mean."""
        return mask.translate(_OPPOSITES) if self.outside else mask

    @staticmethod
    def from_value(field: str, value: object) -> RegionChoice | None:
        """The region of a plain value, None for none. Raises OptionError, which names `field`."""
        if value is None or isinstance(value, RegionChoice):
            return value
        if not isinstance(value, Mapping):
            raise OptionError(
                field, marked("{field} must name a mask, not {value}."), value=shown(value)
            )
        values = cast("Mapping[str, object]", value)
        known: dict[str, Any] = {"name": "", **known_fields(RegionChoice, values)}
        return RegionChoice(**known)


@dataclass(frozen=True)
class StyleChoice:
    """A style's picture, by what finds it again.

    Attributes:
        kind: where it is.
        name: the layer's, image's or file's, for people; also to find a layer that lost its id.
        layer: the editor's own id of a layer, such as GIMP's tattoo or Krita's uuid; of no other.
        file: the path of a file, or of the image; empty for an image that was never saved, and for
            a layer of the image that is painted.
        weight: its share among several styles.
        where: the part of the layer that gets this style; None for everywhere.

    Raises:
        OptionError: a value is of the wrong type or out of its range.
    """

    kind: StyleKind
    name: str
    layer: str = ""
    file: str = ""
    weight: float = 1.0
    where: RegionChoice | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", choice("kind", self.kind, StyleKind))
        for name in ("name", "layer", "file"):
            text(name, getattr(self, name))
        if not (self.file if self.kind is StyleKind.FILE else self.name):
            raise OptionError("styles", marked("Choose a style to paint like first."))
        object.__setattr__(self, "weight", number("weight", self.weight, WEIGHTS))
        object.__setattr__(self, "where", RegionChoice.from_value("where", self.where))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return plain_fields(self)

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> StyleChoice:
        """The style of `to_dict`'s values. Raises OptionError."""
        known: dict[str, Any] = {"kind": "", "name": "", **known_fields(StyleChoice, values)}
        return StyleChoice(**known)


_OPPOSITES = bytes(range(255, -1, -1))
