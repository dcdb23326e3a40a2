"""What the user chose for a stylization."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Any

from pastiche_client.editing.option_values import OptionError, choice, flag, number, shown
from pastiche_client.editing.told import marked
from pastiche_client.style_names import pinned_style, plain_style, style_name

STRENGTHS = (0.0, 1.0)
STROKE_SIZES = (0.25, 4.0)
SHARES = (0.0, 1.0)
_LONGEST_NAME = 300


class Placement(str, Enum):
    """Where the result goes."""

    ABOVE = "above"
    IN_PLACE = "in_place"


@dataclass(frozen=True)
class Options:
    """How to stylize, and where the result goes.

    Attributes:
        style: `pack/style`; the full name `packs/pack/styles/style` is shortened to it. With
            `pack@version`, it is that version of the pack whatever is the current one.
        second_style: one more of the same pack to mix in; empty for none.
        second_share: its share of the mix, 0..1.
        strength: 0 (the layer) to 1 (the pastiche).
        stroke_size: factor of the pack's native stroke size, 0.25 to 4.
        preserve_colors: keep the layer's colours.
        placement: where the result goes.

    Raises:
        OptionError: a value is of the wrong type or out of its range.
    """

    style: str
    second_style: str = ""
    second_share: float = 0.5
    strength: float = 1.0
    stroke_size: float = 1.0
    preserve_colors: bool = False
    placement: Placement = Placement.ABOVE

    def __post_init__(self) -> None:
        self._set("style", _short_name("style", self.style))
        if self.second_style != "":
            self._set("second_style", _short_name("second_style", self.second_style))
            if self.pack != _pack_of(self.second_style):
                raise OptionError(
                    "second_style",
                    marked(
                        "Only styles of one pack can be mixed: choose a second style of the pack "
                        "“{pack}”, or none."
                    ),
                    pack=self.pack,
                )
        self._set("second_share", number("second_share", self.second_share, SHARES))
        self._set("strength", number("strength", self.strength, STRENGTHS))
        self._set("stroke_size", number("stroke_size", self.stroke_size, STROKE_SIZES))
        self._set("preserve_colors", flag("preserve_colors", self.preserve_colors))
        self._set("placement", choice("placement", self.placement, Placement))

    @property
    def pack(self) -> str:
        """The id of the pack that the styles are of."""
        return _pack_of(self.style)

    @property
    def mixes(self) -> bool:
        """Whether a second style has a share in the result."""
        return self.second_style not in {"", self.style} and self.second_share > 0

    def styles(self) -> dict[str, float]:
        """The shares of the styles, which sum to 1; those without a share are left out."""
        if not self.mixes:
            return {self.style: 1.0}
        shares = {self.style: 1.0 - self.second_share, self.second_style: self.second_share}
        return {style: share for style, share in shares.items() if share > 0}

    def pinned(self, version: str) -> Options:
        """The same with the styles of one version of their pack."""
        return self._named(lambda style: pinned_style(style, version))

    def plain(self) -> Options:
        """The same with the styles of the current version of their pack."""
        return self._named(plain_style)

    def _named(self, name: Callable[[str], str]) -> Options:
        second = name(self.second_style) if self.second_style else ""
        return replace(self, style=name(self.style), second_style=second)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "placement": self.placement.value}

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Options:
        """The options of `to_dict`'s values; what is missing has its default.

        Names that are unknown are ignored, see `unknown_names`.

        Raises:
            OptionError: a value cannot be used, or there is no style.
        """
        known: dict[str, Any] = {"style": ""}
        known |= {name: values[name] for name in _names() if name in values}
        return Options(**known)

    @staticmethod
    def unknown_names(values: Mapping[str, object]) -> tuple[str, ...]:
        """The names that `from_dict` ignores."""
        return tuple(name for name in values if name not in _names())

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Options))


def _pack_of(style: str) -> str:
    return style.split("/", 1)[0]


def _short_name(field: str, value: object) -> str:
    if value == "":
        raise OptionError(field, marked("Choose a style first."))
    if isinstance(value, str) and len(value) <= _LONGEST_NAME and _is_plain(value):
        with contextlib.suppress(ValueError):
            _, pack, _, style = style_name(value).split("/")
            return f"{pack}/{style}"
    raise OptionError(
        field, marked("{field} must be named pack/style, not {value}."), value=shown(value)
    )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
