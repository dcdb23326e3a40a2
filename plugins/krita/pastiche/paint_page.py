"""The docker's page “Paint like another layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Krita

from .paint_form import PaintForm
from .paint_job import PaintJob
from .paint_style_rows import StyleRows
from .picture_view import PictureView
from .pictures import picture_of
from .preset_bar import PresetBar
from .qt import QFrame, QHBoxLayout, QPushButton, QScrollArea, QTimer, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from .guard import Guard
    from .job import Job
    from .studio import Studio

_SPACING = 6
# How often the layer is looked at; Krita does not tell of changes.
_LOOK_MILLISECONDS = 400


class PaintPage(QWidget):
    """Styles, values, and a picture of how far it is."""

    def __init__(self, studio: Studio, guard: Guard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._studio = studio
        self._job: PaintJob | None = None
        self._rows = StyleRows(studio)
        self._form = PaintForm(studio)
        self._presets = PresetBar(studio.painting, studio, guard)
        self._picture = PictureView()
        self._picture.setToolTip(texts.paint_preview_tip)
        self._picture.show_text(texts.paint_preview_tip)
        self._paint = QPushButton(texts.paint)
        self._paint.setToolTip(texts.paint_tip)
        self._paint.clicked.connect(guard(studio.painting.paint))
        self._stop = QPushButton(texts.stop_and_keep)
        self._stop.setToolTip(texts.stop_and_keep_tip)
        self._stop.clicked.connect(guard(self._stop_and_keep))
        self._cancel = QPushButton(texts.cancel)
        self._cancel.clicked.connect(guard(self._cancel_job))

        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_SPACING)
        column.addWidget(self._rows)
        column.addWidget(self._picture, 1)
        column.addWidget(self._form)
        column.addWidget(self._presets)
        area = QScrollArea()
        area.setWidget(settings)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        buttons = QHBoxLayout()
        buttons.addWidget(self._paint, 1)
        buttons.addWidget(self._stop, 1)
        buttons.addWidget(self._cancel)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, _SPACING, 0, 0)
        whole.setSpacing(_SPACING)
        whole.addWidget(area, 1)
        whole.addLayout(buttons)

        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(guard(self._look))
        for job in studio.jobs:
            self._follow(job)
        studio.job_added.connect(self._follow)
        self._refresh()

    def set_active(self, active: bool) -> None:
        """Whether it can be seen."""
        if active:
            self._rows.refresh()
            self._look()
            self._timer.start()
        else:
            self._timer.stop()

    def _look(self) -> None:
        document = Krita.instance().activeDocument()
        node = document.activeNode() if document is not None else None
        self._form.show_animated(animated=node is not None and node.animated())

    def _follow(self, job: Job) -> None:
        """Show the job that was started last."""
        if isinstance(job, PaintJob):
            self._job = job
            self._picture.show_text(self._studio.texts.paint_preview_tip)
            job.changed.connect(self._refresh)
            job.previewed.connect(lambda: self._show(job))
            self._show(job)
            self._refresh()

    def _show(self, job: PaintJob) -> None:
        if job is self._job and job.preview is not None:
            self._picture.show_picture(picture_of(job.preview))

    def _refresh(self) -> None:
        job = self._job
        running = job is not None and not job.state.is_final
        self._paint.setVisible(not running)
        self._stop.setVisible(running)
        self._cancel.setVisible(running)
        # The picture gets their room.
        self._form.setVisible(not running)
        self._presets.setVisible(not running)
        self._stop.setEnabled(job is not None and not job.is_stopping)

    def _stop_and_keep(self) -> None:
        if self._job is not None:
            self._job.stop_and_keep()

    def _cancel_job(self) -> None:
        if self._job is not None:
            self._job.cancel()
