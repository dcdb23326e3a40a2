"""The list of jobs: what waits, what runs, what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Krita

from .elided_label import ElidedLabel
from .job import JobState
from .paint_job import PaintJob
from .qt import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from pastiche_client.editing.texts import Texts

    from .job import Job
    from .studio import Studio

_BAR_HEIGHT = 6
_LARGEST_HEIGHT = 150
_MOST_FINISHED = 20


class JobList(QWidget):
    """All jobs, the newest first. Hidden while there is none."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._rows: list[JobRow] = []
        title = QLabel(studio.texts.jobs)
        clear = _button("edit-clear", studio.texts.clear_jobs)
        clear.clicked.connect(self._clear)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(clear)
        inside = QWidget()
        self._layout = QVBoxLayout(inside)
        self._layout.setContentsMargins(2, 2, 2, 2)
        self._layout.setSpacing(4)
        self._layout.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.StyledPanel)
        area.setMaximumHeight(_LARGEST_HEIGHT)
        self._area = area
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addLayout(head)
        whole.addWidget(area)
        self.setVisible(False)
        for job in studio.jobs:
            self._add(job)
        studio.job_added.connect(self._add)

    def _add(self, job: Job) -> None:
        row = JobRow(job, self._studio.texts)
        self._rows.insert(0, row)
        self._layout.insertWidget(0, row)
        finished = [row for row in self._rows if row.job.state.is_final]
        for old in finished[_MOST_FINISHED:]:
            self._remove(old)
        self._fit()

    def _remove(self, row: JobRow) -> None:
        self._rows.remove(row)
        self._layout.removeWidget(row)
        row.deleteLater()

    def _clear(self) -> None:
        self._studio.clear_finished_jobs()
        for row in [row for row in self._rows if row.job.state.is_final]:
            self._remove(row)
        self._fit()

    def _fit(self) -> None:
        self.setVisible(bool(self._rows))
        height = sum(row.sizeHint().height() + self._layout.spacing() for row in self._rows) + 8
        self._area.setFixedHeight(min(_LARGEST_HEIGHT, height))


class JobRow(QFrame):
    """One job: its name, progress, and buttons to end it."""

    def __init__(self, job: Job, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self._name = ElidedLabel(job.label)
        self._status = ElidedLabel("")
        self._status.setEnabled(False)  # drawn paler
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(_BAR_HEIGHT)
        self._bar.setRange(0, 1000)
        self._cancel = _button("dialog-cancel", texts.cancel)
        self._cancel.clicked.connect(lambda: job.cancel())
        self._stop: QToolButton | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._name, 0, 0)
        if isinstance(job, PaintJob):
            stop = _button("dialog-ok", f"{texts.stop_and_keep}: {texts.stop_and_keep_tip}")
            stop.clicked.connect(lambda: job.stop_and_keep())
            grid.addWidget(stop, 0, 1, 3, 1)
            self._stop = stop
        grid.addWidget(self._cancel, 0, 2, 3, 1)
        grid.addWidget(self._bar, 1, 0)
        grid.addWidget(self._status, 2, 0)
        job.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        job = self.job
        self._bar.setValue(round(job.fraction * 1000))
        self._bar.setVisible(not job.state.is_final)
        self._cancel.setVisible(not job.state.is_final)
        if self._stop is not None:
            self._stop.setVisible(not job.state.is_final)
        first_line = job.message.partition("\n")[0]
        failed = job.state is JobState.FAILED
        self._status.set_text(
            f"{job.status}: {first_line}" if failed and first_line else job.status
        )
        self.setToolTip(job.message)


def _button(icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(Krita.instance().icon(icon))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRaise(True)
    return button
