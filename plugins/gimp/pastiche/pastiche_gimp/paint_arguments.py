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
    RegionChoice,
    StyleChoice,
)
from pastiche_gimp.arguments import FLAGS
from pastiche_gimp.masks import given_mask
from pastiche_gimp.paint_work import PaintWork
from pastiche_gimp.style_choices import StylePicture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.editing.texts import Texts

#: The property of a procedure's configuration for each field of `PaintOptions` but styles, masks.
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
    for name, label, tip in (
        ("style-region", texts.where, texts.where_argument),
        ("second-region", texts.where, texts.where_second_argument),
        ("strength-mask", texts.strength_mask, texts.strength_mask_argument),
    ):
        procedure.add_drawable_argument(name, label, tip, True, FLAGS)
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


def given_work(config: Gimp.ProcedureConfig, layer: Gimp.Layer) -> PaintWork:
    """What a script wants a layer to be painted like. Raises OptionError and RefusalError."""
    image = layer.get_image()
    pictures = _given_pictures(config, image)
    styles = tuple(picture.choice for picture in pictures)
    options = paint_options_of(config, styles, _mask(config, "strength-mask", image))
    return PaintWork.read(layer, pictures, options, of_this_image=True)


def _given_pictures(config: Gimp.ProcedureConfig, image: Gimp.Image) -> list[StylePicture]:
    pictures: list[StylePicture] = []
    style, file = config.get_property("style"), config.get_property("style-file")
    if style is not None:
        pictures.append(StylePicture.of_drawable(style, image))
    elif file is not None:
        pictures.append(StylePicture.of_file(file))
    share = 0.0
    second = config.get_property("second-style")
    if second is not None and pictures:
        share = config.get_property("second-share")
        pictures.append(StylePicture.of_drawable(second, image))
    used = zip(pictures, (1.0 - share, share), ("style-region", "second-region"), strict=False)
    return [picture.used(weight, _mask(config, name, image)) for picture, weight, name in used]


def _mask(config: Gimp.ProcedureConfig, name: str, image: Gimp.Image) -> RegionChoice | None:
    return given_mask(name, config.get_property(name), image)


def paint_options_of(
    config: Gimp.ProcedureConfig,
    styles: tuple[StyleChoice, ...],
    strength_mask: RegionChoice | None,
) -> PaintOptions:
    """The options in a procedure's configuration, with these styles. Raises OptionError."""
    values = {field: config.get_property(name) for field, name in PROPERTIES.items()}
    values["encoder"] = values["encoder"] or DEFAULT_ENCODER
    return replace(PaintOptions.from_dict(values), styles=styles, strength_mask=strength_mask)


def set_paint_options(config: Gimp.ProcedureConfig, options: PaintOptions) -> None:
    """Write options into a configuration, all but the styles and masks."""
    values = options.to_dict()
    for field, name in PROPERTIES.items():
        if config.get_property(name) != values[field]:
            config.set_property(name, values[field])
