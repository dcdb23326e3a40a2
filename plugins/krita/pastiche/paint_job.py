"""A job that paints a layer, or its frames, like others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.paint_series import PaintSeries

from .job import Job
from .paint_styles import read_style
from .qt import pyqtSignal
from .regions import PaintMasks

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from krita import Document

    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.run_states import RunItem, RunState
    from pastiche_client.layer import Layer

    from .job import Services
    from .qt import QObject
    from .work import PaintFrames, PaintWork


class PaintJob(Job):
    """Takes minutes, and can be stopped with the picture as it stands.

    Attributes:
        preview: how far it is, BGRA, RGBA or GREYA with 8 bits; None before the first picture.
    """

    previewed = pyqtSignal()

    def __init__(
        self,
        services: Services,
        document: Document,
        work: PaintWork | PaintFrames,
        options: PaintOptions,
        label: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(services, document, [work], label, parent)
        self.preview: Layer | None = None
        self._work: PaintWork | PaintFrames | None = work
        self._options = options
        self._masks = PaintMasks(options, document)
        self._styles: list[Layer] = []
        self._painting: PaintSeries | None = None
        self._stopping = False

    @property
    def is_stopping(self) -> bool:
        """Whether it is to end with the picture as it stands."""
        return self._stopping and not self.state.is_final

    def stop_and_keep(self) -> None:
        """End it soon with the picture as it stands."""
        self._stopping = True
        if self._painting is not None:
            self._painting.stop_and_keep()
        if not self.state.is_final:
            self.status = self.services.texts.stopping
            self.changed.emit()

    def prepare(self) -> Generator[None, None, None]:
        options = self._options
        for choice in options.styles:
            style = yield from read_style(choice, self.document, options.style_side)
            self._styles.append(style)

    def begin(self, items: Sequence[RunItem]) -> PaintSeries:
        work = self._work
        assert work is not None
        self._painting = PaintSeries(
            self.services.client,
            [self._masks.item(item, work.rect(self.inner_key(item))) for item in items],
            self._styles,
            self._options,
            post=self.services.poster.post,
            on_update=self.updated,
            on_preview=self._show,
            on_item=self.arrived,
            on_done=self.ended,
        ).begin()
        if self._stopping:
            self._painting.stop_and_keep()
        return self._painting

    def forget(self) -> None:
        super().forget()
        self._work = None
        self._painting = None
        self._styles.clear()

    def describe(self, state: RunState) -> str:
        return self.services.texts.stopping if self._stopping else super().describe(state)

    def _show(self, preview: Layer) -> None:
        if not self.state.is_final:
            self.preview = preview
            self.previewed.emit()
