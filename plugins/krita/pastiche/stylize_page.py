"""The docker's page for styles that were learned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from .options_form import OptionsForm
from .preset_bar import PresetBar
from .preview_box import PreviewBox
from .qt import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget
from .style_chooser import StyleChooser

if TYPE_CHECKING:
    from .guard import Guard
    from .studio import Studio

_SPACING = 6


class StylizePage(QWidget):
    """Styles with their pictures, values, and a live preview."""

    def __init__(self, studio: Studio, guard: Guard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._studio = studio
        self._styles = StyleChooser(texts, studio.poster)
        self._form = OptionsForm(studio, self._styles)
        self._preview = PreviewBox(studio, guard, self._form)
        self._presets = PresetBar(studio, studio, guard)
        self._retry = QPushButton(texts.retry)
        self._retry.clicked.connect(guard(studio.load_catalogue))
        stylize = QPushButton(texts.stylize)
        stylize.setToolTip(texts.stylize_tip)
        stylize.clicked.connect(guard(studio.stylize))
        again = QPushButton(texts.again)
        again.setToolTip(texts.again_tip)
        again.clicked.connect(guard(studio.stylize_again))

        # The settings scroll where there is little room; the buttons are always there.
        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_SPACING)
        column.addWidget(self._styles, 2)
        column.addWidget(self._retry)
        column.addWidget(self._preview, 3)
        column.addWidget(self._form)
        column.addWidget(self._presets)
        area = QScrollArea()
        area.setWidget(settings)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        buttons = QHBoxLayout()
        buttons.addWidget(stylize, 1)
        buttons.addWidget(again)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, _SPACING, 0, 0)
        whole.setSpacing(_SPACING)
        whole.addWidget(area, 1)
        whole.addLayout(buttons)

        self._styles.chosen.connect(self._choose_style)
        studio.catalogue_changed.connect(self._show_catalogue)
        studio.options_changed.connect(self._show_style)
        studio.closing.connect(self._preview.close_preview)
        self._show_catalogue()

    def set_active(self, active: bool) -> None:
        """Whether it can be seen."""
        self._preview.set_active(active)

    def _show_catalogue(self) -> None:
        studio = self._studio
        self._styles.show_catalogue(studio.catalogue)
        self._retry.setVisible(studio.catalogue is None and not studio.is_loading)
        self._show_style()

    def _show_style(self) -> None:
        if self._studio.options is not None:
            self._styles.show_style(self._studio.options.style)

    def _choose_style(self, name: str) -> None:
        studio = self._studio
        if studio.options is None:
            return
        second = studio.options.second_style
        mixable = studio.catalogue.mixable(name) if studio.catalogue else ()
        keeps = any(item.name == second for item in mixable)
        studio.set_options(
            dataclasses.replace(studio.options, style=name, second_style=second if keeps else "")
        )
