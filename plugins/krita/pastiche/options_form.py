"""The values of a stylization, to look at and to change."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pastiche_client.editing.options import STROKE_SIZES

from .qt import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget
from .slider_row import PERCENT, TIMES, SliderRow

if TYPE_CHECKING:
    from pastiche_client.editing.catalogue import StyleItem

    from .studio import Studio
    from .style_chooser import StyleChooser


class OptionsForm(QWidget):
    """Shows the studio's values and changes them."""

    def __init__(
        self, studio: Studio, chooser: StyleChooser, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._studio = studio
        self._chooser = chooser
        self._shown_mixable: tuple[str, ...] | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._strength = SliderRow(grid, 0, texts.strength, texts.strength_tip, PERCENT, 0.0, 1.0)
        self._stroke_size = SliderRow(
            grid, 1, texts.stroke_size, texts.stroke_size_tip, TIMES, *STROKE_SIZES
        )
        label = QLabel(texts.second_style)
        self._second = QComboBox()
        self._second.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        label.setBuddy(self._second)
        for widget in (label, self._second):
            widget.setToolTip(texts.second_style_tip)
        grid.addWidget(label, 2, 0)
        grid.addWidget(self._second, 2, 1, 1, 2)
        self._share = SliderRow(
            grid, 3, texts.second_share, texts.second_share_tip, PERCENT, 0.0, 1.0
        )
        self._preserve = QCheckBox(texts.preserve_colors)
        self._preserve.setToolTip(texts.preserve_colors_tip)
        self._frames = QCheckBox(texts.all_frames)
        self._frames.setToolTip(texts.all_frames_tip)
        checks = QHBoxLayout()
        checks.addWidget(self._preserve)
        checks.addStretch(1)
        checks.addWidget(self._frames)
        grid.addLayout(checks, 4, 0, 1, 3)

        for row in (self._strength, self._stroke_size, self._share):
            row.changed.connect(self._changed)
        self._second.activated.connect(self._changed)
        self._preserve.clicked.connect(self._changed)
        self._frames.clicked.connect(self._frames_clicked)
        studio.options_changed.connect(self.refresh)
        studio.catalogue_changed.connect(self.refresh)
        self.show_animated(animated=False)
        self.refresh()

    def show_animated(self, *, animated: bool) -> None:
        """Whether the selected layer has frames."""
        self._frames.setVisible(animated or self._studio.all_frames)
        self._frames.setChecked(self._studio.all_frames)

    def refresh(self) -> None:
        """Show the studio's values."""
        studio, options = self._studio, self._studio.options
        self.setEnabled(options is not None)
        if options is None:
            return
        item = studio.catalogue.find(options.style) if studio.catalogue else None
        if item is not None:
            self._strength.set_range(item.strength.minimum, item.strength.maximum)
            self._stroke_size.set_range(item.stroke_size.minimum, item.stroke_size.maximum)
        mixable = studio.catalogue.mixable(options.style) if studio.catalogue else ()
        self._show_mixable(mixable)
        self._second.setCurrentIndex(max(0, self._second.findData(options.second_style)))
        self._strength.set_value(options.strength)
        self._stroke_size.set_value(options.stroke_size)
        self._share.set_value(options.second_share)
        self._share.set_visible(bool(options.second_style))
        self._preserve.setChecked(options.preserve_colors)

    def _show_mixable(self, items: tuple[StyleItem, ...]) -> None:
        names = tuple(item.name for item in items)
        if names == self._shown_mixable:
            return
        self._shown_mixable = names
        self._second.clear()
        self._second.addItem(self._studio.texts.no_second_style, "")
        for item in items:
            self._second.addItem(self._chooser.icon_of(item.name), item.label, item.name)

    def _changed(self) -> None:
        options = self._studio.options
        if options is None:
            return
        self._studio.set_options(
            dataclasses.replace(
                options,
                strength=self._strength.value,
                stroke_size=self._stroke_size.value,
                second_style=self._second.currentData() or "",
                second_share=self._share.value,
                preserve_colors=self._preserve.isChecked(),
            )
        )

    def _frames_clicked(self, checked: bool) -> None:
        self._studio.all_frames = checked
