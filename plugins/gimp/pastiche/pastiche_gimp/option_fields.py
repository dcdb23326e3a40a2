"""The fields for the values; GIMP binds them to the procedure's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_gimp.second_style import SecondStyle
from pastiche_gimp.windows import SPACING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gi.repository import GdkPixbuf, Gimp

    from pastiche_client.editing.catalogue import Catalogue
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.texts import Texts


class OptionFields:
    """Everything to choose but the style. `widget` is the grid of fields."""

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        texts: Texts,
        picture: Callable[[str], GdkPixbuf.Pixbuf | None],
        on_second: Callable[[str], None],
    ) -> None:
        self._second = SecondStyle(texts, on_second, picture)
        strength = GimpUi.prop_scale_entry_new(config, "strength", None, 100.0, False, 0, 0)
        stroke = GimpUi.prop_scale_entry_new(config, "stroke-size", None, 1.0, False, 0, 0)
        stroke.set_logarithmic(True)
        self._share = GimpUi.prop_scale_entry_new(config, "second-share", None, 100.0, False, 0, 0)
        for scale, digits in ((strength, 0), (stroke, 2), (self._share, 0)):
            scale.set_digits(digits)
            scale.set_hexpand(True)
            # Its own label would not line up with those of the other fields.
            scale.get_label().set_no_show_all(True)
            scale.get_label().hide()
            scale.get_spin_button().set_width_chars(5)
        colors = GimpUi.prop_check_button_new(config, "preserve-colors", texts.preserve_colors)
        colors.set_tooltip_text(texts.preserve_colors_tip)
        placement = GimpUi.prop_choice_combo_box_new(config, "placement")
        self.widget = Gtk.Grid(column_spacing=2 * SPACING, row_spacing=SPACING)
        self._attach(texts.strength, texts.strength_tip, strength)
        self._attach(texts.stroke_size, texts.stroke_size_tip, stroke)
        self._attach("", "", colors)
        self._attach(texts.second_style, texts.second_style_tip, self._second.widget)
        self._attach(texts.second_share, texts.second_share_tip, self._share)
        self._attach(texts.placement, texts.placement_tip, placement)

    def show(self, catalogue: Catalogue, options: Options) -> None:
        """Follow these options where GIMP does not do it."""
        self._second.show(catalogue, options.style, options.second_style)
        self._share.set_sensitive(bool(options.second_style))

    def refresh_pictures(self) -> None:
        self._second.refresh_pictures()

    def _attach(self, label: str, tip: str, widget: Gtk.Widget) -> None:
        line = len(self.widget.get_children()) // 2
        named = Gtk.Label(label=f"{label}:" if label else "", xalign=0.0)
        named.set_mnemonic_widget(widget)
        if tip:
            named.set_tooltip_text(tip)
            widget.set_tooltip_text(tip)
        self.widget.attach(named, 0, line, 1, 1)
        self.widget.attach(widget, 1, line, 1, 1)
