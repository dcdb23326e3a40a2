"""A job that paints a layer like others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.paint_run import PaintRun

from .job import Job
from .qt import pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krita import Document

    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.paint_run import PaintResult
    from pastiche_client.editing.run_states import RunItem, RunState
    from pastiche_client.layer import Layer

    from .job import Services
    from .qt import QObject
    from .work import PaintWork


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
        work: PaintWork,
        options: PaintOptions,
        label: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(services, document, [work], label, parent)
        self.preview: Layer | None = None
        self._work: PaintWork | None = work
        self._options = options
        self._painting: PaintRun | None = None
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

    def begin(self, items: Sequence[RunItem]) -> PaintRun:
        (item,) = items
        assert self._work is not None
        self._painting = PaintRun.start(
            self.services.client,
            item,
            self._work.styles,
            self._options,
            post=self.services.poster.post,
            on_update=self.updated,
            on_preview=self._show,
            on_done=self._done,
            regions=self._work.regions,
            strength_mask=self._work.strength_mask,
        )
        if self._stopping:
            self._painting.stop_and_keep()
        return self._painting

    def forget(self) -> None:
        super().forget()
        self._work = None
        self._painting = None

    def describe(self, state: RunState) -> str:
        return self.services.texts.stopping if self._stopping else super().describe(state)

    def _show(self, preview: Layer) -> None:
        if not self.state.is_final:
            self.preview = preview
            self.previewed.emit()

    def _done(self, result: PaintResult) -> None:
        for outcome in result.outcomes:
            self.arrived(outcome)
        self.ended(result)
