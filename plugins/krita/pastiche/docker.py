"""The docker "Pastiche"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import DockWidget

from .guard import guard_with
from .job_view import JobList
from .learn_page import LearnPage
from .message_bar import MessageBar
from .paint_page import PaintPage
from .qt import QTabWidget, QVBoxLayout, QWidget
from .stylize_page import StylizePage
from .upscale_page import UpscalePage

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
        self._visible = False
        self._message = MessageBar(texts.close)
        self._stylizing = StylizePage(studio, guard)
        self._painting = PaintPage(studio, guard)
        self._upscaling = UpscalePage(studio, guard)
        self._learning = LearnPage(studio, guard)
        self._pages = QTabWidget()
        self._pages.setDocumentMode(True)
        for page, title, tip in (
            (self._stylizing, texts.stylize, texts.blurb),
            (self._painting, texts.paint, f"{texts.paint_title}: {texts.paint_blurb}"),
            (self._upscaling, texts.upscale, f"{texts.upscale_title}: {texts.upscale_blurb}"),
            (self._learning, texts.learn, f"{texts.learn_title}: {texts.learn_blurb}"),
        ):
            self._pages.setTabToolTip(self._pages.addTab(page, title), tip)

        content = QWidget()
        whole = QVBoxLayout(content)
        whole.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        whole.setSpacing(_MARGIN)
        whole.addWidget(self._pages, 1)
        whole.addWidget(self._message)
        whole.addWidget(JobList(studio))
        self.setWidget(content)

        studio.told.connect(self._message.tell)
        studio.stylizing_wanted.connect(self.show_stylizing)
        studio.painting.wanted.connect(self.show_painting)
        studio.upscaling.wanted.connect(self.show_upscaling)
        studio.learning.wanted.connect(self.show_learning)
        self._pages.currentChanged.connect(lambda _: self._turned())
        self.visibilityChanged.connect(self._visibility_changed)

    def canvasChanged(self, canvas: object) -> None:  # noqa: N802 - Krita's name
        """Krita tells that another image is shown; the preview looks by itself."""

    def show_stylizing(self) -> None:
        """Turn to the page for styles that were learned."""
        self._pages.setCurrentWidget(self._stylizing)

    def show_painting(self) -> None:
        """Turn to the page “Paint like another layer”."""
        self._pages.setCurrentWidget(self._painting)

    def show_upscaling(self) -> None:
        """Turn to the page “Upscale layer”."""
        self._pages.setCurrentWidget(self._upscaling)

    def show_learning(self) -> None:
        """Turn to the page “Learn this layer's style”."""
        self._pages.setCurrentWidget(self._learning)

    def _visibility_changed(self, visible: bool) -> None:
        self._visible = visible
        self._turned()
        # Only now: a docker that nobody sees must not start the daemon.
        if visible:
            self._studio.load_catalogue()

    def _turned(self) -> None:
        for page in (self._stylizing, self._painting, self._upscaling, self._learning):
            page.set_active(self._visible and self._pages.currentWidget() is page)
