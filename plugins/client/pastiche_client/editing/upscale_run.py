"""Upscales several layers, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pastiche_client.editing.item_run import ItemRun
from pastiche_client.editing.run_states import Outcome, Outcomes, RunItem, RunStage, RunState
from pastiche_client.results import Queued, UpscaleProgress, UpscaleResult, UpscaleStage

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Sequence

    from pastiche_client.editing.host import Post
    from pastiche_client.layer import Layer
    from pastiche_client.paths import DataPaths
    from pastiche_client.results import UpscaleEvent

UpscaleOutcome: TypeAlias = Outcome[UpscaleResult]
UpscaleRunResult: TypeAlias = Outcomes[UpscaleResult]


class Upscaler(Protocol):
    """What upscales: a `Client`."""

    @property
    def paths(self) -> DataPaths: ...

    def submit_upscale(
        self,
        layer: Layer,
        factor: int = 0,
        *,
        on_event: Callable[[UpscaleEvent], None] | None = None,
    ) -> concurrent.futures.Future[UpscaleResult]: ...


class UpscaleRun(ItemRun[UpscaleResult]):
    """A run that makes layers `factor` times as wide and high; see `ItemRun`.

    The items' layers have no masks.
    """

    def __init__(
        self,
        client: Upscaler,
        items: Sequence[RunItem],
        factor: int,
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_done: Callable[[UpscaleRunResult], None],
        on_item: Callable[[UpscaleOutcome], None] | None = None,
    ) -> None:
        super().__init__(
            client, items, post=post, on_update=on_update, on_done=on_done, on_item=on_item
        )
        self._client = client
        self._factor = factor

    def submit(self, index: int, item: RunItem) -> concurrent.futures.Future[UpscaleResult]:
        layer = item.layer() if callable(item.layer) else item.layer
        return self._client.submit_upscale(
            layer, self._factor, on_event=lambda event: self._heard(index, event)
        )

    def _heard(self, index: int, event: UpscaleEvent) -> None:
        if isinstance(event, Queued):
            self.tell(stage=RunStage.QUEUED, queue_position=event.position)
        elif isinstance(event, UpscaleProgress):
            loading = event.stage is UpscaleStage.LOADING
            self.tell(
                stage=RunStage.LOADING if loading else RunStage.UPSCALING,
                queue_position=0,
                fraction=(index + event.fraction) / len(self._items),
            )
