"""Stylizes several layers, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from pastiche_client.errors import (
    CallCancelledError,
    DaemonNotRunningError,
    DaemonStartError,
    DamagedDataError,
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
)
from pastiche_client.results import Event, Progress, Queued, Stage

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Sequence

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.options import Options
    from pastiche_client.layer import Layer
    from pastiche_client.paths import DataPaths
    from pastiche_client.results import StylizeResult
    from pastiche_client.style_names import Styles

# What befell one layer will befall the others, and trying could take long each time.
_CONCERNS_ALL = (
    DaemonNotRunningError,
    DaemonStartError,
    DamagedDataError,
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
)


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


class RunStage(Enum):
    """What happens to the layer whose turn it is."""

    STARTING = "starting"  # the daemon
    SENDING = "sending"
    QUEUED = "queued"
    LOADING = "loading"  # the style
    STYLIZING = "stylizing"


@dataclass(frozen=True)
class RunItem:
    """A layer to stylize.

    Attributes:
        key: the editor's own handle.
        layer: its pixels, or what reads them in the thread of windows when it is their turn, so
            that many layers (an animation's frames) need not be in memory at once; what it raises
            becomes this item's failure.
        label: its name, for progress and failures.
    """

    key: object
    layer: Layer | Callable[[], Layer]
    label: str


@dataclass(frozen=True)
class RunState:
    """How far a run is.

    Attributes:
        index: of the item whose turn it is, 0..count-1.
        count: how many items there are.
        label: the item's.
        fraction: of all the work, 0..1, never decreasing.
        stage: what happens now.
        queue_position: how many calls run before this one; 0 if it does not wait.
    """

    index: int
    count: int
    label: str
    fraction: float
    stage: RunStage
    queue_position: int = 0


@dataclass(frozen=True)
class ItemOutcome:
    """How it went for one item: it has a result or an error, or neither if it was cancelled."""

    key: object
    label: str
    result: StylizeResult | None = None
    error: BaseException | None = None
    delivered: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether there is a result, here or with whoever got it as it came."""
        return self.result is not None or self.delivered

    @property
    def cancelled(self) -> bool:
        return not self.succeeded and self.error is None


@dataclass(frozen=True)
class RunResult:
    """How a run went: an outcome for every item, in their order."""

    outcomes: tuple[ItemOutcome, ...]
    cancelled: bool

    @property
    def succeeded(self) -> tuple[ItemOutcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.succeeded)

    @property
    def failed(self) -> tuple[ItemOutcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.error is not None)


class LayerRun:
    """A run. Create it with `start`, in the thread of windows.

    The callbacks come through `post`, never before `start` has returned: `on_update` often,
    `on_item` with each item's outcome as soon as it is there, and `on_done` once, last, however
    the run ends. With `on_item`, the outcomes of `on_done` are without the results, which then
    need not all be in memory; what `on_item` raises becomes that item's failure.
    """

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
        self._client = client
        self._items = tuple(items)
        self._options = options
        self._post = post
        self._on_update = on_update
        self._on_done = on_done
        self._on_item = on_item
        self._outcomes: list[ItemOutcome] = []
        self._lock = threading.Lock()  # guards what follows
        self._cancelled = False
        self._future: concurrent.futures.Future[StylizeResult] | None = None
        self._state = RunState(0, len(self._items), "", 0.0, RunStage.SENDING)
        self._update_is_posted = False

    @classmethod
    def start(
        cls,
        client: Stylizer,
        items: Sequence[RunItem],
        options: Options,
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_done: Callable[[RunResult], None],
        on_item: Callable[[ItemOutcome], None] | None = None,
    ) -> LayerRun:
        """Start a run; see the class."""
        run = cls(
            client,
            items,
            options,
            post=post,
            on_update=on_update,
            on_done=on_done,
            on_item=on_item,
        )
        post(run._next)
        return run

    def cancel(self) -> None:
        """End the run soon, wherever it is; results that are there stay. From any thread."""
        with self._lock:
            self._cancelled = True
            future = self._future
        if future is not None:
            future.cancel()

    # In the thread of windows: ---------------------------------------------------------------

    def _next(self) -> None:
        index = len(self._outcomes)
        with self._lock:
            cancelled = self._cancelled
        if cancelled or index == len(self._items):
            self._finish(cancelled=cancelled and index < len(self._items))
            return
        item = self._items[index]
        self._tell(
            index=index,
            label=item.label,
            fraction=index / len(self._items),
            stage=RunStage.SENDING if self._daemon_is_known() else RunStage.STARTING,
            queue_position=0,
        )
        try:
            future = self._submit(index, item)
        except Exception as error:  # noqa: BLE001 - the editor's boundary: it is reported
            self._settle(ItemOutcome(item.key, item.label, error=error))
            return
        with self._lock:
            self._future = future
            cancelled = self._cancelled
        if cancelled:
            future.cancel()
        future.add_done_callback(lambda done: self._post(lambda: self._finished(item, done)))

    def _daemon_is_known(self) -> bool:
        try:
            return self._client.paths.runtime_file.exists()
        except OSError:  # the call will say what is wrong with it
            return False

    def _submit(self, index: int, item: RunItem) -> concurrent.futures.Future[StylizeResult]:
        layer = item.layer() if callable(item.layer) else item.layer
        return self._client.submit_stylize(
            layer,
            self._options.styles(),
            strength=self._options.strength,
            preserve_colors=self._options.preserve_colors,
            stroke_size=self._options.stroke_size,
            on_event=lambda event: self._heard(index, event),
        )

    def _finished(self, item: RunItem, future: concurrent.futures.Future[StylizeResult]) -> None:
        outcome = ItemOutcome(item.key, item.label)
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or isinstance(error, CallCancelledError):
            if error is not None and not self._is_cancelled():
                outcome = replace(outcome, error=error)  # the daemon stops
            else:
                with self._lock:  # by us, or by the client's end
                    self._cancelled = True
        elif error is not None:
            outcome = replace(outcome, error=error)
        else:
            outcome = replace(outcome, result=future.result())
        self._settle(outcome)

    def _is_cancelled(self) -> bool:
        with self._lock:
            return self._cancelled

    def _settle(self, outcome: ItemOutcome) -> None:
        with self._lock:
            self._future = None
        if self._on_item is not None:
            try:
                self._on_item(outcome)
            except Exception as error:  # noqa: BLE001 - the editor's boundary: it is reported
                outcome = replace(outcome, result=None, error=error)
            else:
                outcome = replace(outcome, result=None, delivered=outcome.succeeded)
        self._outcomes.append(outcome)
        if isinstance(outcome.error, _CONCERNS_ALL):
            rest = self._items[len(self._outcomes) :]
            self._outcomes += [
                ItemOutcome(item.key, item.label, error=outcome.error) for item in rest
            ]
        self._post(self._next)

    def _finish(self, *, cancelled: bool) -> None:
        rest = self._items[len(self._outcomes) :]
        self._outcomes += [ItemOutcome(item.key, item.label) for item in rest]
        was_cut = cancelled or any(outcome.cancelled for outcome in self._outcomes)
        self._on_done(RunResult(tuple(self._outcomes), cancelled=was_cut))

    def _update(self) -> None:
        with self._lock:
            self._update_is_posted = False
            state = self._state
        self._on_update(state)

    # In any thread: --------------------------------------------------------------------------

    def _heard(self, index: int, event: Event) -> None:
        if isinstance(event, Queued):
            self._tell(stage=RunStage.QUEUED, queue_position=event.position)
        elif isinstance(event, Progress):
            loading = event.stage is Stage.LOADING
            self._tell(
                stage=RunStage.LOADING if loading else RunStage.STYLIZING,
                queue_position=0,
                fraction=(index + event.fraction) / len(self._items),
            )

    def _tell(self, *, fraction: float = 0.0, **changes: object) -> None:
        """Change the state, and post one update for all changes until it runs."""
        with self._lock:
            fraction = min(1.0, max(fraction, self._state.fraction))
            self._state = replace(self._state, fraction=fraction, **changes)  # pyright: ignore[reportArgumentType]
            if self._update_is_posted:
                return
            self._update_is_posted = True
        self._post(self._update)
