"""The docker's page “Upscale layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .qt import QComboBox, QGridLayout, QLabel, QPushButton, Qt, QTimer, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from .guard import Guard
    from .studio import Studio

_SPACING = 6
# How often the layer is looked at; Krita does not tell of changes.
_LOOK_MILLISECONDS = 400


class UpscalePage(QWidget):
    """The factor, and how large the layer is going to be."""

    def __init__(self, studio: Studio, guard: Guard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._texts = texts
        self._upscaling = studio.upscaling
        about = QLabel(texts.upscale_help)
        about.setWordWrap(True)
        self._factor = QComboBox()
        self._factor.setAccessibleName(texts.factor)
        self._factor.activated.connect(guard(self._chosen))
        self._size = QLabel()
        self._upscale = QPushButton(texts.upscale)
        self._upscale.setToolTip(texts.upscale_tip)
        self._upscale.clicked.connect(guard(self._upscaling.upscale))
        grid = QGridLayout()
        grid.setHorizontalSpacing(_SPACING)
        grid.setVerticalSpacing(_SPACING)
        grid.setColumnStretch(1, 1)
        label = QLabel(texts.factor)
        label.setBuddy(self._factor)
        for widget in (label, self._factor):
            widget.setToolTip(texts.factor_tip)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self._factor, 0, 1)
        grid.addWidget(QLabel(texts.new_size), 1, 0)
        grid.addWidget(self._size, 1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, _SPACING, 0, 0)
        whole.setSpacing(_SPACING)
        whole.addWidget(about, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(grid)
        whole.addStretch(1)
        whole.addWidget(self._upscale)

        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(guard(self._look))
        self._upscaling.changed.connect(self._refresh)
        self._refresh()

    def set_active(self, active: bool) -> None:
        """Whether it can be seen."""
        if active:
            self._look()
            self._timer.start()
        else:
            self._timer.stop()

    def _refresh(self) -> None:
        self._factor.clear()
        for factor in self._upscaling.factors:
            self._factor.addItem(self._texts.times(factor), factor)
        self._factor.setCurrentIndex(self._factor.findData(self._upscaling.factor))
        self._factor.setEnabled(self._factor.count() > 1)
        self._look()

    def _look(self) -> None:
        size = self._upscaling.new_size()
        self._size.setText("-" if size.isEmpty() else self._texts.size(size.width(), size.height()))

    def _chosen(self) -> None:
        self._upscaling.set_factor(self._factor.currentData())
