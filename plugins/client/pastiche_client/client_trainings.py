"""What a client does with the trainings of new styles."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pastiche_client.client_calls import ClientCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.cancel import CancelToken
    from pastiche_client.layer import Layer
    from pastiche_client.trainings import LearnOptions, Training


def _ignore_event(_: Training) -> None:
    pass


class TrainingCalls(ClientCalls):
    """Begin, watch and end trainings."""

    def learn_style(
        self,
        style: Layer,
        name: str,
        options: LearnOptions | None = None,
        *,
        request_id: str = "",
        on_progress: Callable[[Training], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Training:
        """Learn the style of a picture, install it as a pack, and wait for that.

        The training goes on whatever becomes of this call: when the waiting is cancelled, the
        program ends, or the daemon is stopped and started again. See `trainings`,
        `wait_training`, `cancel_training`.

        Args:
            style: the picture; what is transparent or not selected does not count. Both sides have
                at least 16 pixels.
            name: what the style and its pack are going to be called.
            options: everything else, such as the time.
            request_id: names the training in the daemon's log.
            on_progress: called in the client's own thread about once a second; what it raises ends
                the waiting.
            cancel: ends the waiting from another thread.

        Returns:
            the finished training; its `style` is what `stylize` takes.

        Raises:
            InvalidRequestError: something is wrong with the request; its `field` says what, its
                `reason` is PACK_EXISTS where the name is taken.
            CallCancelledError: the waiting or the training was cancelled, or the daemon stopped.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        training = self.start_learning(style, name, options, request_id=request_id)
        return self.wait_training(training.name, on_progress=on_progress, cancel=cancel)

    def start_learning(
        self,
        style: Layer,
        name: str,
        options: LearnOptions | None = None,
        *,
        request_id: str = "",
    ) -> Training:
        """Like `learn_style`, but returns as soon as the training is on the daemon's disk."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import LearnOptions

        request = training_calls.LearnRequest(
            style, name, options or LearnOptions(), request_id or secrets.token_hex(8)
        )
        return self._call(lambda connection: training_calls.start(connection, request))

    def trainings(self) -> list[Training]:
        """Those that run or wait, that failed, and that were done within a week; oldest first."""
        from pastiche_client import training_calls

        return self._call(training_calls.list_trainings)

    def training(self, name: str) -> Training:
        """A training, as it stands. Raises NotFoundError."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.get(connection, training_name(name)))

    def wait_training(
        self,
        name: str,
        *,
        on_progress: Callable[[Training], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Training:
        """Wait for a training, as `learn_style` does. Raises what it ended with."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        future = self._submit(
            lambda connection: training_calls.wait(
                connection, training_name(name), on_progress or _ignore_event
            )
        )
        return self._wait(future, cancel)

    def cancel_training(self, name: str) -> None:
        """End a training and remove it; no pack is made. Nothing happens to one that is done."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        self._call(lambda connection: training_calls.cancel(connection, training_name(name)))

    def finish_training(self, name: str) -> Training:
        """End a training early, and install what it has learned; `wait_training` waits for that.

        Raises RefusedError where it has not made a step, or does not run.
        """
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.finish(connection, training_name(name)))

    def resume_training(self, name: str) -> Training:
        """Go on with a training that failed. Raises RefusedError where it did not."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.resume(connection, training_name(name)))

    def forget_training(self, name: str) -> None:
        """Take a training that ended off the list; its pack stays.

        What a failed one has reached is removed. Raises RefusedError where it runs.
        """
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        self._call(lambda connection: training_calls.forget(connection, training_name(name)))
