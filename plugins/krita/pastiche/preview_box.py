"""A live picture of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_client.editing.live_preview import LivePreview, PreviewPicture
from pastiche_client.editing.preview_plan import PreviewMode, PreviewPlan
from pastiche_client.editing.told import ToldError

from .picture_view import PictureView
from .pictures import picture_of
from .preview_source import LayerView, look, plan, read_small
from .qt import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPointF,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from pastiche_client.editing.surroundings import Surroundings
    from pastiche_client.layer import Layer

    from .guard import Guard
    from .options_form import OptionsForm
    from .studio import Studio

# How often the layer is looked at; Krita does not tell of changes.
_LOOK_MILLISECONDS = 400
_MIDDLE = (0.5, 0.5)


@dataclass(frozen=True)
class _Read:
    """What was read of the layer, kept while only the values change."""

    plan: PreviewPlan
    layer: Layer
    surroundings: Surroundings | None


class PreviewBox(QWidget):
    """Follows the values at once, and the selected layer with a little delay."""

    def __init__(
        self, studio: Studio, guard: Guard, form: OptionsForm, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._studio = studio
        self._form = form
        self._live = LivePreview(studio.client, studio.poster.post, self._show, self._fail, texts)
        self._view: LayerView | None = None
        self._small: _Read | None = None
        self._center = _MIDDLE
        self._looking = False
        self._on = QCheckBox(texts.preview)
        self._on.setToolTip(texts.preview_tip)
        self._on.setChecked(True)
        self._mode = QComboBox()
        self._mode.addItem(texts.preview_fit, PreviewMode.FIT)
        self._mode.addItem(texts.preview_detail, PreviewMode.DETAIL)
        self._mode.setToolTip(texts.preview_detail_tip)
        self._picture = PictureView()
        head = QHBoxLayout()
        head.addWidget(self._on)
        head.addStretch(1)
        head.addWidget(self._mode)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._picture, 1)

        self._on.toggled.connect(guard(self._toggled))
        self._mode.activated.connect(guard(self._request))
        self._picture.clicked.connect(self._clicked)
        studio.options_changed.connect(guard(self._request))
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(guard(self._look))

    def set_active(self, active: bool) -> None:
        """Whether the docker can be seen."""
        if active:
            self._timer.start()
        else:
            self._timer.stop()
            self._forget("")

    def close_preview(self) -> None:
        """Ask for nothing any more."""
        self._timer.stop()
        self._live.close()

    def _toggled(self) -> None:
        self._picture.setVisible(self._on.isChecked())
        self._mode.setEnabled(self._on.isChecked())
        self._view = None
        self._look()

    def _look(self) -> None:
        # Not while the user paints, and not again inside of Krita's calls, which may let the
        # event loop turn.
        if self._looking or QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            return
        self._looking = True
        try:
            self._look_now()
        finally:
            self._looking = False

    def _look_now(self) -> None:
        try:
            view = look()
        except ToldError as refusal:
            self._form.show_animated(animated=False)
            self._forget(self._studio.texts.sentence(refusal, self._studio.client.paths))
            return
        self._form.show_animated(animated=view is not None and view.node.animated())
        if view is None or not self._on.isChecked():
            self._forget(self._studio.texts.no_preview)
            return
        before, self._view = self._view, view
        if before is not None and before.fingerprint == view.fingerprint:
            return
        if before is None or before.rect != view.rect:
            self._center = _MIDDLE
        self._small = None
        self._request()

    def _forget(self, reason: str) -> None:
        self._live.clear()
        self._view = None
        self._small = None
        self._picture.show_text(reason)

    def _request(self) -> None:
        options, view = self._studio.options, self._view
        if options is None:
            text = self._studio.texts
            self._picture.show_text(
                text.styles_loading if self._studio.is_loading else text.no_preview
            )
            return
        if view is None or not self._on.isChecked():
            return
        wanted = plan(view, self._mode.currentData(), options, self._center)
        small = self._small
        if small is None or not _reads_the_same(small.plan, wanted):
            small = self._small = _Read(
                wanted,
                read_small(view, wanted),
                wanted.surround(lambda whole: read_small(view, whole)),
            )
            self._picture.show_waiting(picture_of(small.layer), self._studio.texts.preview_waiting)
        self._live.request(small.layer, wanted.options, wanted, small.surroundings)

    def _show(self, picture: PreviewPicture) -> None:
        wanted = picture.tag
        assert isinstance(wanted, PreviewPlan)
        note = "" if wanted.true_strokes else self._studio.texts.preview_strokes_larger
        self._picture.show_picture(picture_of(picture.layer), note)

    def _fail(self, sentence: str) -> None:
        self._picture.show_text(sentence)

    def _clicked(self, point: QPointF) -> None:
        """Move the detail to where the user clicked, in shares of the picture."""
        if self._small is None or self._view is None:
            return
        shown, rect = self._small.plan, self._view.rect
        self._center = (
            min(1.0, max(0.0, (shown.x + point.x() * shown.width) / rect.width())),
            min(1.0, max(0.0, (shown.y + point.y() * shown.height) / rect.height())),
        )
        self._mode.setCurrentIndex(self._mode.findData(PreviewMode.DETAIL))
        self._request()


def _reads_the_same(one: PreviewPlan, other: PreviewPlan) -> bool:
    def read(plan: PreviewPlan) -> tuple[int, ...]:
        return plan.x, plan.y, plan.width, plan.height, plan.out_width, plan.out_height

    return read(one) == read(other)
