"""The fields for the values of painting; GIMP binds them to the procedure's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi

from pastiche_gimp.encoder_field import EncoderField
from pastiche_gimp.field_grid import FieldGrid
from pastiche_gimp.mask_field import MaskField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gi.repository import Gimp, Gtk

    from pastiche_client.client import Client
    from pastiche_client.editing.style_choice import RegionChoice
    from pastiche_client.editing.texts import Texts


class PaintFields:
    """Everything to choose, the styles first. `widget` is the grid of fields.

    GIMP has no property for a mask: `strength_mask` holds what is chosen itself.
    """

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        client: Client,
        texts: Texts,
        styles: Gtk.Widget,
        masks: Sequence[RegionChoice],
    ) -> None:
        grid = FieldGrid(config)
        self._encoder = EncoderField(config, client)
        grid.attach(texts.paint_style, "", styles, is_list=True)
        grid.attach(texts.amount, texts.amount_tip, grid.scale("amount", factor=100.0, digits=0))
        grid.attach(
            texts.style_scale,
            texts.style_scale_tip,
            grid.scale("style-scale", digits=2, logarithmic=True),
        )
        for name, label, tip in (
            ("colors", texts.colors, texts.colors_tip),
            ("start", texts.start, texts.start_tip),
            ("quality", texts.quality, texts.quality_tip),
        ):
            grid.attach(label, tip, GimpUi.prop_choice_combo_box_new(config, name))
        self.strength_mask = MaskField(texts.full_strength, texts.strength_by, masks)
        grid.attach(texts.strength_mask, texts.strength_mask_tip, self.strength_mask.widget)
        grid.attach(texts.encoder, texts.encoder_tip, self._encoder.widget)
        self.widget = grid.widget

    def close(self) -> None:
        self._encoder.close()
