"""Stylizes several layers, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pastiche_client.editing.item_run import ItemRun
from pastiche_client.editing.run_states import Outcome, Outcomes, RunItem, RunStage, RunState
from pastiche_client.results import Event, Progress, Queued, Stage, StylizeResult

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Sequence

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.options import Options
    from pastiche_client.layer import Layer
    from pastiche_client.paths import DataPaths
    from pastiche_client.style_names import Styles

__all__ = ["ItemOutcome", "LayerRun", "RunItem", "RunResult", "RunStage", "RunState", "Stylizer"]

ItemOutcome: TypeAlias = Outcome[StylizeResult]
RunResult: TypeAlias = Outcomes[StylizeResult]


class Stylizer(Protocol):
    """What stylizes: a `Client`."""

    @property
    def paths(self) -> DataPaths: ...

    def submit_stylize(
        self,
        layer: Layer,
        styles: Styles,
        *,
        strength: float = 1.0,
        preserve_colors: bool = False,
        stroke_size: float = 1.0,
        on_event: Callable[[Event], None] | None = None,
    ) -> concurrent.futures.Future[StylizeResult]: ...


class LayerRun(ItemRun[StylizeResult]):
    """A run that stylizes; see `ItemRun`."""

    def __init__(
        self,
        client: Stylizer,
        items: Sequence[RunItem],
        options: Options,
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_done: Callable[[RunResult], None],
        on_item: Callable[[ItemOutcome], None] | None = None,
    ) -> None:
        super().__init__(
            client, items, post=post, on_update=on_update, on_done=on_done, on_item=on_item
        )
        self._client = client
        self._options = options

    def submit(self, index: int, item: RunItem) -> concurrent.futures.Future[StylizeResult]:
        layer = item.layer() if callable(item.layer) else item.layer
        return self._client.submit_stylize(
            layer,
            self._options.styles(),
            strength=self._options.strength,
            preserve_colors=self._options.preserve_colors,
            stroke_size=self._options.stroke_size,
            on_event=lambda event: self._heard(index, event),
        )

    def _heard(self, index: int, event: Event) -> None:
        if isinstance(event, Queued):
            self.tell(stage=RunStage.QUEUED, queue_position=event.position)
        elif isinstance(event, Progress):
            loading = event.stage is Stage.LOADING
            self.tell(
                stage=RunStage.LOADING if loading else RunStage.STYLIZING,
                queue_position=0,
                fraction=(index + event.fraction) / len(self._items),
            )
