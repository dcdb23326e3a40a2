"""The values of painting a layer like others, to look at and to change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pastiche_client.editing.paint_options import AMOUNTS, STYLE_SCALES

from .guard import guard_with
from .qt import QCheckBox, QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget
from .region_combo import RegionCombo
from .slider_row import PERCENT, TIMES, SliderRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.editing.paint_options import PaintColors, PaintStart, Quality

    from .studio import Studio

ComboT = TypeVar("ComboT", bound=QComboBox)


class PaintForm(QWidget):
    """Shows the values and changes them."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._painting = studio.painting
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._amount = SliderRow(grid, 0, texts.amount, texts.amount_tip, PERCENT, *AMOUNTS)
        self._scale = SliderRow(
            grid, 1, texts.style_scale, texts.style_scale_tip, TIMES, *STYLE_SCALES
        )
        self._quality = _combo(grid, 2, texts.quality, texts.quality_tip)
        self._colors = _combo(grid, 3, texts.colors, texts.colors_tip)
        self._start = _combo(grid, 4, texts.start, texts.start_tip)
        self._strength = _placed(
            RegionCombo(texts.full_strength, texts.strength_by),
            grid,
            5,
            texts.strength_mask,
            texts.strength_mask_tip,
        )
        self._encoder = _combo(grid, 6, texts.encoder, texts.encoder_tip)
        self._frames = QCheckBox(texts.all_frames)
        self._frames.setToolTip(texts.paint_frames_tip)
        grid.addWidget(self._frames, 7, 0, 1, 3)
        _fill(self._quality, texts.quality_names())
        _fill(self._colors, texts.color_names())
        _fill(self._start, texts.start_names())

        guard = guard_with(studio.tell_error)
        for row in (self._amount, self._scale):
            row.changed.connect(guard(self._changed))
        for combo in (self._quality, self._colors, self._start, self._encoder):
            combo.activated.connect(guard(self._changed))
        self._strength.chosen.connect(guard(self._changed))
        self._frames.clicked.connect(guard(self._frames_clicked))
        self._painting.options_changed.connect(self.refresh)
        self._painting.encoders_changed.connect(self.refresh)
        self.show_animated(animated=False)
        self.refresh()

    def show_animated(self, *, animated: bool) -> None:
        """Whether the selected layer has frames."""
        self._frames.setVisible(animated or self._painting.all_frames)
        self._frames.setChecked(self._painting.all_frames)

    def refresh(self) -> None:
        """Show the values as they are now."""
        options = self._painting.options
        assert options is not None
        self._amount.set_value(options.amount)
        self._scale.set_value(options.style_scale)
        for combo, value in (
            (self._quality, options.quality),
            (self._colors, options.colors),
            (self._start, options.start),
        ):
            combo.setCurrentIndex(combo.findData(value.value))
        self._strength.show_choice(options.strength_mask)
        self._show_encoder(options.encoder)

    def _show_encoder(self, chosen: str) -> None:
        names = {encoder.id: encoder.display_name for encoder in self._painting.encoders}
        names.setdefault(chosen, chosen)  # until they are loaded, or where it is missing
        self._encoder.clear()
        for name, label in names.items():
            self._encoder.addItem(label, name)
        self._encoder.setCurrentIndex(self._encoder.findData(chosen))

    def _frames_clicked(self) -> None:
        self._painting.all_frames = self._frames.isChecked()

    def _changed(self) -> None:
        options = self._painting.options
        assert options is not None
        self._painting.set_options(
            replace(
                options,
                amount=self._amount.value,
                style_scale=self._scale.value,
                quality=self._quality.currentData(),
                colors=self._colors.currentData(),
                start=self._start.currentData(),
                encoder=self._encoder.currentData(),
                strength_mask=self._strength.choice,
            )
        )


def _combo(grid: QGridLayout, row: int, text: str, tip: str) -> QComboBox:
    return _placed(QComboBox(), grid, row, text, tip)


def _placed(combo: ComboT, grid: QGridLayout, row: int, text: str, tip: str) -> ComboT:
    label = QLabel(text)
    combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    combo.setAccessibleName(text)
    label.setBuddy(combo)
    for widget in (label, combo):
        widget.setToolTip(tip)
    grid.addWidget(label, row, 0)
    grid.addWidget(combo, row, 1, 1, 2)
    return combo


def _fill(
    combo: QComboBox,
    names: Mapping[Quality, str] | Mapping[PaintColors, str] | Mapping[PaintStart, str],
) -> None:
    for member, label in names.items():
        combo.addItem(label, member.value)
