"""The docker's page “Learn this layer's style”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .picture_view import PictureView
from .qt import (
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QImage,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from .training_row import TrainingRow

if TYPE_CHECKING:
    from pastiche_client.trainings import Training

    from .guard import Guard
    from .studio import Studio

_SPACING = 6
_MINUTES = (1.0, 240.0)
_USUAL_MINUTES = 10.0
_LONGEST_NAME = 120


class LearnPage(QWidget):
    """A name, the time, and what is being learned with a picture of how far it is."""

    def __init__(self, studio: Studio, guard: Guard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._texts = texts
        self._guard = guard
        self._learning = studio.learning
        self._rows: dict[str, TrainingRow] = {}
        self._shown_sample = b""
        self._name = QLineEdit()
        self._name.setMaxLength(_LONGEST_NAME)
        self._minutes = QDoubleSpinBox()
        self._minutes.setRange(*_MINUTES)
        self._minutes.setDecimals(0)
        self._minutes.setValue(_USUAL_MINUTES)
        self._minutes.setSuffix(texts.minutes_suffix)
        self._learn = QPushButton(texts.learn)
        self._learn.setToolTip(texts.learn_tip)
        self._learn.clicked.connect(guard(self._start))
        self._picture = PictureView()
        self._picture.setToolTip(texts.learn_sample_tip)
        self._title = QLabel(texts.trainings)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.addWidget(self._title)

        form = QWidget()
        grid = QGridLayout(form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(_SPACING)
        grid.setColumnStretch(1, 1)
        for row, (text, tip, field) in enumerate(
            (
                (texts.learn_name, texts.learn_name_tip, self._name),
                (texts.learn_minutes, texts.learn_minutes_tip, self._minutes),
            )
        ):
            label = QLabel(text)
            label.setBuddy(field)
            label.setToolTip(tip)
            field.setToolTip(tip)
            field.setAccessibleName(text)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_SPACING)
        column.addWidget(form)
        column.addWidget(inside)
        column.addWidget(self._picture, 1)
        area = QScrollArea()
        area.setWidget(settings)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, _SPACING, 0, 0)
        whole.setSpacing(_SPACING)
        whole.addWidget(area, 1)
        whole.addWidget(self._learn)

        self._learning.changed.connect(self._refresh)
        self._refresh()

    def set_active(self, active: bool) -> None:
        """Whether it can be seen."""
        if active:
            self._learning.watch.look()

    def _start(self) -> None:
        self._learning.learn(self._name.text(), self._minutes.value())

    def _refresh(self) -> None:
        trainings = {training.name: training for training in self._learning.trainings}
        for name in [name for name in self._rows if name not in trainings]:
            row = self._rows.pop(name)
            self._list.removeWidget(row)
            row.deleteLater()
        for name, training in trainings.items():
            if name not in self._rows:
                self._rows[name] = TrainingRow(self._learning.watch, self._texts, self._guard)
                self._list.insertWidget(1, self._rows[name])  # the newest first
            self._rows[name].show_training(training)
        self._title.setVisible(bool(trainings))
        self._show_sample(list(trainings.values()))

    def _show_sample(self, trainings: list[Training]) -> None:
        """The newest picture of the training that runs, or else of the last one."""
        shown = sorted(trainings, key=lambda training: training.active and training.step > 0)
        sample = next((training.sample for training in reversed(shown) if training.sample), b"")
        if not sample:
            self._picture.show_text(self._texts.learn_blurb)
        elif sample != self._shown_sample:
            self._picture.show_picture(QImage.fromData(sample))
        self._shown_sample = sample
