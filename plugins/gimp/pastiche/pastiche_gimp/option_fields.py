"""The fields for the values; GIMP binds them to the procedure's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi

from pastiche_gimp.field_grid import FieldGrid
from pastiche_gimp.second_style import SecondStyle

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
        self._grid = FieldGrid(config)
        strength = self._grid.scale("strength", factor=100.0, digits=0)
        stroke = self._grid.scale("stroke-size", digits=2, logarithmic=True)
        self._share = self._grid.scale("second-share", factor=100.0, digits=0)
        colors = GimpUi.prop_check_button_new(config, "preserve-colors", texts.preserve_colors)
        colors.set_tooltip_text(texts.preserve_colors_tip)
        placement = GimpUi.prop_choice_combo_box_new(config, "placement")
        self.widget = self._grid.widget
        self._grid.attach(texts.strength, texts.strength_tip, strength)
        self._grid.attach(texts.stroke_size, texts.stroke_size_tip, stroke)
        self._grid.attach("", "", colors)
        self._grid.attach(texts.second_style, texts.second_style_tip, self._second.widget)
        self._grid.attach(texts.second_share, texts.second_share_tip, self._share)
        self._grid.attach(texts.placement, texts.placement_tip, placement)

    def show(self, catalogue: Catalogue, options: Options) -> None:
        """Follow these options where GIMP does not do it."""
        self._second.show(catalogue, options.style, options.second_style)
        self._share.set_sensitive(bool(options.second_style))

    def refresh_pictures(self) -> None:
        self._second.refresh_pictures()
