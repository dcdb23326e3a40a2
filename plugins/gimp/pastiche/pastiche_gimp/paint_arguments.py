"""The options of painting as arguments of a procedure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing.options import SHARES
from pastiche_client.editing.paint_options import (
    AMOUNTS,
    DEFAULT_ENCODER,
    STYLE_SCALES,
    PaintColors,
    PaintOptions,
    PaintStart,
    Quality,
    StyleChoice,
)
from pastiche_gimp.arguments import FLAGS
from pastiche_gimp.style_choices import StylePicture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.editing.texts import Texts

#: The property of a procedure's configuration for each field of `PaintOptions` but the styles.
PROPERTIES = {
    "amount": "amount",
    "style_scale": "style-scale",
    "colors": "colors",
    "start": "start",
    "quality": "quality",
    "encoder": "encoder",
}


def add_paint_arguments(procedure: Gimp.Procedure, texts: Texts) -> None:
    """Declare an argument for every option."""
    procedure.add_drawable_argument(
        "style", texts.paint_style, texts.paint_style_argument, True, FLAGS
    )
    procedure.add_file_argument(
        "style-file",
        texts.choose_file_title,
        texts.paint_file_argument,
        Gimp.FileChooserAction.OPEN,
        True,
        None,
        FLAGS,
    )
    procedure.add_drawable_argument(
        "second-style", texts.second_style, texts.paint_second_argument, True, FLAGS
    )
    procedure.add_double_argument(
        "second-share", texts.second_share, texts.second_share_tip, *SHARES, 0.5, FLAGS
    )
    default = PaintOptions()
    procedure.add_double_argument(
        "amount", texts.amount, texts.amount_tip, *AMOUNTS, default.amount, FLAGS
    )
    procedure.add_double_argument(
        "style-scale",
        texts.style_scale,
        texts.style_scale_tip,
        *STYLE_SCALES,
        default.style_scale,
        FLAGS,
    )
    colors, start, quality = map(
        _choice, (texts.color_names(), texts.start_names(), texts.quality_names())
    )
    procedure.add_choice_argument(
        "colors", texts.colors, texts.colors_tip, colors, default.colors.value, FLAGS
    )
    procedure.add_choice_argument(
        "start", texts.start, texts.start_tip, start, default.start.value, FLAGS
    )
    procedure.add_choice_argument(
        "quality", texts.quality, texts.quality_tip, quality, default.quality.value, FLAGS
    )
    procedure.add_string_argument(
        "encoder", texts.encoder, texts.encoder_tip, DEFAULT_ENCODER, FLAGS
    )


def _choice(
    names: Mapping[PaintColors, str] | Mapping[PaintStart, str] | Mapping[Quality, str],
) -> Gimp.Choice:
    choice = Gimp.Choice.new()
    for number, (member, label) in enumerate(names.items()):
        choice.add(member.value, number, label, "")
    return choice


def given_pictures(config: Gimp.ProcedureConfig, image: Gimp.Image) -> list[StylePicture]:
    """What a script wants a layer of this image to be painted like."""
    pictures: list[StylePicture] = []
    style, file = config.get_property("style"), config.get_property("style-file")
    if style is not None:
        pictures.append(StylePicture.of_drawable(style, image))
    elif file is not None:
        pictures.append(StylePicture.of_file(file))
    second = config.get_property("second-style")
    if second is not None and pictures:
        share = config.get_property("second-share")
        pictures = [
            pictures[0].weighing(1.0 - share),
            StylePicture.of_drawable(second, image).weighing(share),
        ]
    return pictures


def paint_options_of(config: Gimp.ProcedureConfig, styles: tuple[StyleChoice, ...]) -> PaintOptions:
    """The options in a procedure's configuration, with these styles. Raises OptionError."""
    values = {field: config.get_property(name) for field, name in PROPERTIES.items()}
    values["encoder"] = values["encoder"] or DEFAULT_ENCODER
    return replace(PaintOptions.from_dict(values), styles=styles)


def set_paint_options(config: Gimp.ProcedureConfig, options: PaintOptions) -> None:
    """Write options into a configuration, all but the styles."""
    values = options.to_dict()
    for field, name in PROPERTIES.items():
        if config.get_property(name) != values[field]:
            config.set_property(name, values[field])
