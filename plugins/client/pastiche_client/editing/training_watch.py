"""Follows the trainings of styles, which go on in the daemon whatever becomes of the editor."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pastiche_client.editing.background import load_in_background
from pastiche_client.trainings import LearnOptions, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.host import Post
    from pastiche_client.layer import Layer
    from pastiche_client.trainings import Training

_LOOK_SECONDS = 1.0


class Learner(Protocol):
    """What learns: a `Client`."""

    def start_learning(
        self, style: Layer, name: str, options: LearnOptions | None = None
    ) -> Training: ...

    def trainings(self) -> list[Training]: ...

    def cancel_training(self, name: str) -> None: ...

    def finish_training(self, name: str) -> Training: ...

    def resume_training(self, name: str) -> Training: ...

    def forget_training(self, name: str) -> None: ...


class TrainingWatch:
    """Looks at the trainings about once a second while there are some, each time in the background.

    All is called in the thread of windows, and the callbacks come there through `post`:
    `on_changed` when the trainings are others, `on_learned` once for each style that was learned
    since the watch began, and `on_failed` with what a call or a training ended with.

    Attributes:
        trainings: those that run or wait, that failed, and those that were done since the watch
            began; the oldest first.
    """

    def __init__(
        self,
        client: Learner,
        post: Post,
        *,
        on_changed: Callable[[], None],
        on_learned: Callable[[Training], None],
        on_failed: Callable[[Exception], None],
        options: LearnOptions | None = None,
    ) -> None:
        """Nothing is asked of the daemon before `look` or `start`.

        Args:
            options: how to learn, all but the minutes; by default as the daemon thinks best.
        """
        self._client = client
        self._post = post
        self._on_changed = on_changed
        self._on_learned = on_learned
        self._on_failed = on_failed
        self._options = options or LearnOptions()
        self.trainings: tuple[Training, ...] = ()
        self._seen_active: set[str] = set()
        self._asking = False
        self._again = False
        self._timer: threading.Timer | None = None
        self._closed = False

    def look(self) -> None:
        """Ask for the trainings now, and then for as long as one runs."""
        if self._closed:
            return
        if self._asking:
            self._again = True
            return
        self._asking = True
        self._stop_timer()
        load_in_background(self._client.trainings, self._post, self._loaded, self._not_loaded)

    def start(self, style: Layer, name: str, minutes: float) -> None:
        """Learn a style for some minutes.

        Args:
            style: the picture; both sides have at least 16 pixels.
            name: what the style is going to be called.
        """
        options = replace(self._options, minutes=minutes)
        self._do(lambda: self._client.start_learning(style, name, options))

    def cancel(self, training: Training) -> None:
        """End it without a style."""
        self._do(lambda: self._client.cancel_training(training.name))

    def finish(self, training: Training) -> None:
        """End it, and install what it has learned."""
        self._do(lambda: self._client.finish_training(training.name))

    def resume(self, training: Training) -> None:
        """Go on with one that failed."""
        self._do(lambda: self._client.resume_training(training.name))

    def forget(self, training: Training) -> None:
        """Take one that ended off the list; a style that was learned stays."""
        self._seen_active.discard(training.name)
        self._do(lambda: self._client.forget_training(training.name))

    def close(self) -> None:
        """Ask for nothing any more; the trainings go on. May be called twice."""
        self._closed = True
        self._stop_timer()

    def _do(self, call: Callable[[], object]) -> None:
        load_in_background(call, self._post, lambda _: self.look(), self._refused)

    def _refused(self, error: Exception) -> None:
        self._on_failed(error)
        self.look()

    def _loaded(self, found: list[Training]) -> None:
        self._asking = False
        if self._closed:
            return
        before = {training.name: training for training in self.trainings}
        shown = tuple(training for training in found if self._is_shown(training))
        self._seen_active |= {training.name for training in found if training.active}
        changed, self.trainings = shown != self.trainings, shown
        if changed:
            self._on_changed()
        for training in shown:
            old = before.get(training.name)
            if training.done and (old is None or old.active):
                self._ended(training)
        if self._again or any(training.active for training in found):
            self._wait()

    def _is_shown(self, training: Training) -> bool:
        if training.active or training.name in self._seen_active:
            return training.state is not TrainingState.CANCELLED
        return training.state is TrainingState.FAILED

    def _ended(self, training: Training) -> None:
        if training.error is None:
            self._on_learned(training)
        elif training.name in self._seen_active:
            self._on_failed(training.error)

    def _not_loaded(self, error: Exception) -> None:
        self._asking = False
        if not self._closed:
            self._on_failed(error)

    def _wait(self) -> None:
        seconds = 0.0 if self._again else _LOOK_SECONDS
        self._again = False
        self._timer = threading.Timer(seconds, lambda: self._post(self.look))
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
