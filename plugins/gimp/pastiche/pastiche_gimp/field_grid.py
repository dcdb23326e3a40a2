"""Fields below each other, with their labels to the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_gimp.windows import SPACING

if TYPE_CHECKING:
    from gi.repository import Gimp


# From a list's top to the text in its first line.
_FIRST_LINE = 9


class FieldGrid:
    """The fields of a procedure's configuration. `widget` is the grid."""

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        self._config = config
        self.widget = Gtk.Grid(column_spacing=2 * SPACING, row_spacing=SPACING)

    def scale(
        self, name: str, *, factor: float = 1.0, digits: int, logarithmic: bool = False
    ) -> GimpUi.ScaleEntry:
        """A slider for a property, which is shown times `factor`."""
        scale = GimpUi.prop_scale_entry_new(self._config, name, None, factor, False, 0, 0)
        if logarithmic:
            scale.set_logarithmic(True)
        scale.set_digits(digits)
        scale.set_hexpand(True)
        # Its own label would not line up with those of the other fields.
        scale.get_label().set_no_show_all(True)
        scale.get_label().hide()
        scale.get_spin_button().set_width_chars(5)
        return scale

    def attach(self, label: str, tip: str, widget: Gtk.Widget, *, is_list: bool = False) -> None:
        """Add a field at the bottom; of a list, the label belongs to its first line."""
        line = len(self.widget.get_children()) // 2
        named = Gtk.Label(label=f"{label}:" if label else "", xalign=0.0)
        named.set_mnemonic_widget(widget)
        if is_list:
            named.set_valign(Gtk.Align.START)
            named.set_margin_top(_FIRST_LINE)
        if tip:
            named.set_tooltip_text(tip)
            widget.set_tooltip_text(tip)
        self.widget.attach(named, 0, line, 1, 1)
        self.widget.attach(widget, 1, line, 1, 1)
