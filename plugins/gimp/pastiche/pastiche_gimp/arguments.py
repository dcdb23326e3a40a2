"""The options as arguments of a procedure; GIMP checks their ranges and keeps the last values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp, GObject

from pastiche_client.editing.options import (
    SHARES,
    STRENGTHS,
    STROKE_SIZES,
    Options,
    Placement,
)

if TYPE_CHECKING:
    from pastiche_client.editing.texts import Texts

FLAGS = GObject.ParamFlags.READWRITE

#: The property of a procedure's configuration for each field of `Options`.
PROPERTIES = {
    "style": "style",
    "second_style": "second-style",
    "second_share": "second-share",
    "strength": "strength",
    "stroke_size": "stroke-size",
    "preserve_colors": "preserve-colors",
    "placement": "placement",
}


def add_arguments(procedure: Gimp.Procedure, texts: Texts) -> None:
    """Declare an argument for every option."""
    procedure.add_string_argument("style", texts.style, texts.style_argument, "", FLAGS)
    procedure.add_double_argument(
        "strength", texts.strength, texts.strength_tip, *STRENGTHS, 1.0, FLAGS
    )
    procedure.add_double_argument(
        "stroke-size", texts.stroke_size, texts.stroke_size_tip, *STROKE_SIZES, 1.0, FLAGS
    )
    procedure.add_boolean_argument(
        "preserve-colors", texts.preserve_colors, texts.preserve_colors_tip, False, FLAGS
    )
    procedure.add_string_argument(
        "second-style", texts.second_style, texts.second_style_tip, "", FLAGS
    )
    procedure.add_double_argument(
        "second-share", texts.second_share, texts.second_share_tip, *SHARES, 0.5, FLAGS
    )
    choice = Gimp.Choice.new()
    choice.add(_nick(Placement.ABOVE), 0, texts.above, "")
    choice.add(_nick(Placement.IN_PLACE), 1, texts.in_place, "")
    procedure.add_choice_argument(
        "placement", texts.placement, texts.placement_tip, choice, _nick(Placement.ABOVE), FLAGS
    )


def options_of(config: Gimp.ProcedureConfig) -> Options:
    """The options in a procedure's configuration. Raises OptionError, also without a style."""
    values = {field: config.get_property(name) for field, name in PROPERTIES.items()}
    placement = values["placement"].replace("-", "_")
    return Options.from_dict(
        {**values, "second_style": values["second_style"] or "", "placement": placement}
    )


def set_options(config: Gimp.ProcedureConfig, options: Options) -> None:
    """Write options into a configuration; only what differs, as each change is told of."""
    for field, name in PROPERTIES.items():
        value = getattr(options, field)
        if isinstance(value, Placement):
            value = _nick(value)
        if config.get_property(name) != value:
            config.set_property(name, value)


def _nick(placement: Placement) -> str:
    return placement.value.replace("_", "-")
