"""What all runs have in common: layers that go to the daemon, one after the other."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol

from pastiche_client.editing.run_states import (
    Outcome,
    Outcomes,
    ResultT,
    RunItem,
    RunStage,
    RunState,
)
from pastiche_client.errors import (
    CallCancelledError,
    DaemonNotRunningError,
    DaemonStartError,
    DamagedDataError,
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
)

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from pastiche_client.editing.host import Post
    from pastiche_client.paths import DataPaths

# What befell one layer will befall the others, and trying could take long each time.
_CONCERNS_ALL = (
    DaemonNotRunningError,
    DaemonStartError,
    DamagedDataError,
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
)


class HasPaths(Protocol):
    """What knows the data folder: a `Client`."""

    @property
    def paths(self) -> DataPaths: ...


class ItemRun(ABC, Generic[ResultT]):
    """A run, created and begun in the thread of windows: `run = SomeRun(...).begin()`.

    The callbacks come through `post`, never before `begin` has returned: `on_update` often,
    `on_item` with each item's outcome as soon as it is there, and `on_done` once, last, however
    the run ends. With `on_item`, the outcomes of `on_done` are without the results, which then
    need not all be in memory; what `on_item` raises becomes that item's failure.
    """

    def __init__(
        self,
        client: HasPaths,
        items: Sequence[RunItem],
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_done: Callable[[Outcomes[ResultT]], None],
        on_item: Callable[[Outcome[ResultT]], None] | None = None,
    ) -> None:
        self._paths = client.paths
        self._items = tuple(items)
        self.post = post
        self._on_update = on_update
        self._on_done = on_done
        self._on_item = on_item
        self._outcomes: list[Outcome[ResultT]] = []
        self._lock = threading.Lock()  # guards what follows
        self._cancelled = False
        self._future: concurrent.futures.Future[ResultT] | None = None
        self._state = RunState(0, len(self._items), "", 0.0, RunStage.SENDING)
        self._update_is_posted = False

    def begin(self) -> Self:
        """Start it; returns it."""
        self.post(self._next)
        return self

    @abstractmethod
    def submit(self, index: int, item: RunItem) -> concurrent.futures.Future[ResultT]:
        """Ask the daemon, in the thread of windows; what is raised is the item's failure."""

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
        self.tell(
            index=index,
            label=item.label,
            fraction=index / len(self._items),
            stage=RunStage.SENDING if self._daemon_is_known() else RunStage.STARTING,
            queue_position=0,
        )
        try:
            future = self.submit(index, item)
        except Exception as error:  # noqa: BLE001 - the editor's boundary: it is reported
            self._settle(Outcome[ResultT](item.key, item.label, error=error))
            return
        with self._lock:
            self._future = future
            cancelled = self._cancelled
        if cancelled:
            future.cancel()
        future.add_done_callback(lambda done: self.post(lambda: self._finished(item, done)))

    def _daemon_is_known(self) -> bool:
        try:
            return self._paths.runtime_file.exists()
        except OSError:  # the call will say what is wrong with it
            return False

    def _finished(self, item: RunItem, future: concurrent.futures.Future[ResultT]) -> None:
        outcome = Outcome[ResultT](item.key, item.label)
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

    def _settle(self, outcome: Outcome[ResultT]) -> None:
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
                Outcome[ResultT](item.key, item.label, error=outcome.error) for item in rest
            ]
        self.post(self._next)

    def _finish(self, *, cancelled: bool) -> None:
        rest = self._items[len(self._outcomes) :]
        self._outcomes += [Outcome[ResultT](item.key, item.label) for item in rest]
        was_cut = cancelled or any(outcome.cancelled for outcome in self._outcomes)
        self._on_done(Outcomes[ResultT](tuple(self._outcomes), cancelled=was_cut))

    def _update(self) -> None:
        with self._lock:
            self._update_is_posted = False
            state = self._state
        self._on_update(state)

    # In any thread: --------------------------------------------------------------------------

    def tell(self, *, fraction: float = 0.0, **changes: object) -> None:
        """Change the state; one update is posted for all changes until it runs."""
        with self._lock:
            fraction = min(1.0, max(fraction, self._state.fraction))
            self._state = replace(self._state, fraction=fraction, **changes)  # pyright: ignore[reportArgumentType]
            if self._update_is_posted:
                return
            self._update_is_posted = True
        self.post(self._update)
