"""The docker "Pastiche"."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from krita import DockWidget

from .guard import guard_with
from .job_view import JobList
from .message_bar import MessageBar
from .options_form import OptionsForm
from .preset_bar import PresetBar
from .preview_box import PreviewBox
from .qt import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget
from .style_chooser import StyleChooser

if TYPE_CHECKING:
    from .studio import Studio

_MARGIN = 6


class PasticheDocker(DockWidget):
    """One for each window; they show the same studio."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        texts = studio.texts
        self.setWindowTitle(texts.title)
        self._studio = studio
        guard = guard_with(studio.tell_error)
        self._message = MessageBar(texts.close)
        self._styles = StyleChooser(texts, studio.poster)
        self._form = OptionsForm(studio, self._styles)
        self._preview = PreviewBox(studio, guard, self._form)
        self._presets = PresetBar(studio, guard)
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
        column.setSpacing(_MARGIN)
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
        content = QWidget()
        whole = QVBoxLayout(content)
        whole.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        whole.setSpacing(_MARGIN)
        whole.addWidget(area, 1)
        whole.addWidget(self._message)
        whole.addLayout(buttons)
        whole.addWidget(JobList(studio))
        self.setWidget(content)

        self._styles.chosen.connect(self._choose_style)
        studio.catalogue_changed.connect(self._show_catalogue)
        studio.options_changed.connect(self._show_style)
        studio.told.connect(self._message.tell)
        studio.closing.connect(self._preview.close_preview)
        self.visibilityChanged.connect(self._visibility_changed)
        self._show_catalogue()

    def canvasChanged(self, canvas: object) -> None:  # noqa: N802 - Krita's name
        """Krita tells that another image is shown; the preview looks by itself."""

    def _visibility_changed(self, visible: bool) -> None:
        self._preview.set_active(visible)
        # Only now: a docker that nobody sees must not start the daemon.
        if visible:
            self._studio.load_catalogue()

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
