"""A training in a list: its name, how far it is, and buttons to end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.trainings import TrainingState

from .elided_label import ElidedLabel
from .qt import QFrame, QGridLayout, QProgressBar, QToolButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.texts import Texts
    from pastiche_client.editing.training_watch import TrainingWatch
    from pastiche_client.trainings import Training

    from .guard import Guard

_BAR_HEIGHT = 6


class TrainingRow(QFrame):
    """One training; `show_training` comes first."""

    def __init__(
        self, watch: TrainingWatch, texts: Texts, guard: Guard, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._texts = texts
        self._guard = guard
        self._training: Training | None = None
        self._name = ElidedLabel("")
        self._status = ElidedLabel("")
        self._status.setEnabled(False)  # drawn paler
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(_BAR_HEIGHT)
        finish_tip = f"{texts.finish_training}: {texts.finish_training_tip}"
        self._finish = self._button("dialog-ok", finish_tip, watch.finish)
        self._cancel = self._button("dialog-cancel", texts.cancel_training_tip, watch.cancel)
        self._resume = self._button("view-refresh", texts.resume_training_tip, watch.resume)
        self._forget = self._button("edit-delete", texts.forget_training_tip, watch.forget)
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._name, 0, 0)
        grid.addWidget(self._bar, 1, 0)
        grid.addWidget(self._status, 2, 0)
        buttons = (self._finish, self._cancel, self._resume, self._forget)
        for column, button in enumerate(buttons, start=1):
            grid.addWidget(button, 0, column, 3, 1)

    def show_training(self, training: Training) -> None:
        """Show how far it is."""
        self._training = training
        self._name.set_text(training.display_name)
        self._status.set_text(self._texts.training_status(training))
        error = training.error
        self.setToolTip("" if error is None else str(error))
        fraction = training.fraction
        self._bar.setRange(0, 0 if fraction is None else 1000)  # 0 is a bar that runs
        self._bar.setValue(round((fraction or 0.0) * 1000))
        self._bar.setVisible(training.active)
        learning = training.state is TrainingState.RUNNING
        self._finish.setVisible(learning and training.step > 0)
        self._cancel.setVisible(training.active)
        self._resume.setVisible(training.state is TrainingState.FAILED)
        self._forget.setVisible(training.done)

    def _button(self, icon: str, tip: str, act: Callable[[Training], None]) -> QToolButton:
        button = QToolButton()
        button.setIcon(Krita.instance().icon(icon))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoRaise(True)
        button.clicked.connect(self._guard(lambda: self._act(act)))
        return button

    def _act(self, act: Callable[[Training], None]) -> None:
        if self._training is not None:
            act(self._training)
