"""A job that stylizes layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.run import LayerRun

from .job import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krita import Document

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.run import RunItem

    from .job import Services
    from .qt import QObject
    from .work import Work


class StylizeJob(Job):
    """Some layers, all with the same options."""

    def __init__(
        self,
        services: Services,
        document: Document,
        works: Sequence[Work],
        options: Options,
        label: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(services, document, works, label, parent)
        self._options = options

    def begin(self, items: Sequence[RunItem]) -> LayerRun:
        return LayerRun(
            self.services.client,
            items,
            self._options,
            post=self.services.poster.post,
            on_update=self.updated,
            on_item=self.arrived,
            on_done=self.ended,
        ).begin()
