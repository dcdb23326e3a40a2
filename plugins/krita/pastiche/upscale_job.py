"""A job that makes a layer larger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.upscale_run import UpscaleRun

from .job import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krita import Document

    from pastiche_client.editing.run_states import RunItem

    from .job import Services
    from .qt import QObject
    from .work import Work


class UpscaleJob(Job):
    """One layer, made `factor` times as wide and high."""

    def __init__(
        self,
        services: Services,
        document: Document,
        work: Work,
        factor: int,
        label: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(services, document, [work], label, parent)
        self._factor = factor

    def begin(self, items: Sequence[RunItem]) -> UpscaleRun:
        return UpscaleRun(
            self.services.client,
            items,
            self._factor,
            post=self.services.poster.post,
            on_update=self.updated,
            on_item=self.arrived,
            on_done=self.ended,
        ).begin()
