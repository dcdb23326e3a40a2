"""A small picture of the result that follows the sliders."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pastiche_client.results import Event, Progress, Queued, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.surroundings import Surroundings
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer
    from pastiche_client.paths import DataPaths
    from pastiche_client.results import StylizeResult
    from pastiche_client.style_names import Styles

# Requests that come closer to each other than this are one.
_DELAY_SECONDS = 0.06
# How long a picture that is being made is waited for when there is a newer request: at least, and
# at most. In between it is half as long again as the last one took: where pictures are quick, the
# preview keeps moving with the slider instead of starting again and again.
_PATIENCE_SECONDS = (0.25, 1.0)
_TIMEOUT_SECONDS = 60.0


class Previewer(Protocol):
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
        timeout: float | None = None,
    ) -> concurrent.futures.Future[StylizeResult]: ...


@dataclass(frozen=True)
class PreviewPicture:
    """What to show: the stylized layer, and the request it answers."""

    layer: Layer
    options: Options
    tag: object


@dataclass(frozen=True)
class _Request:
    number: int
    layer: Layer
    options: Options
    tag: object
    surroundings: Surroundings | None

    @property
    def sent(self) -> Layer:
        return self.surroundings.around(self.layer) if self.surroundings else self.layer

    def shown(self, result: Layer) -> Layer:
        if self.surroundings is None:
            return result
        return self.surroundings.detail_of(result, self.layer.width, self.layer.height)


@dataclass
class _Call:
    """What is known of the call that runs; guarded by the condition."""

    queued: bool = False
    working_since: float | None = None


class LivePreview:
    """The latest request wins. All methods return at once and are for the thread of windows.

    One request runs at a time. A newer one replaces the one that waits, and ends the one that runs
    if that takes long or stands in a queue; a call that is still starting the daemon goes on, for
    ending it would not make the daemon come sooner. Pictures come in the order of their requests,
    none after a newer one and none after `clear` or `close`.
    """

    def __init__(
        self,
        client: Previewer,
        post: Post,
        show: Callable[[PreviewPicture], None],
        fail: Callable[[str], None],
        texts: Texts,
    ) -> None:
        """`show` and `fail` (with a sentence for the user) are called through `post`."""
        self._client = client
        self._post = post
        self._show = show
        self._fail = fail
        self._texts = texts
        self._changed = threading.Condition()  # guards what follows
        self._pending: _Request | None = None
        self._count = 0
        self._cleared = 0  # requests up to this number are no longer wanted
        self._answered = 0
        self._usual_seconds = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="pastiche-preview", daemon=True)
        self._thread.start()

    def request(
        self,
        layer: Layer,
        options: Options,
        tag: object = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        """Ask for a picture of a layer that was reduced already.

        Args:
            layer: what a plan says, see `plan_preview`; the picture has its size.
            options: the plan's.
            tag: comes back with the picture.
            surroundings: what `PreviewPlan.surround` gives.
        """
        with self._changed:
            self._count += 1
            self._pending = _Request(self._count, layer, options, tag, surroundings)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all requests: nothing more is shown until the next one."""
        with self._changed:
            self._pending = None
            self._cleared = self._count
            self._changed.notify_all()

    def close(self) -> None:
        """Like `clear`, for ever. May be called twice."""
        with self._changed:
            self._closed = True
        self.clear()

    # In the preview's own thread: --------------------------------------------------------------

    def _work(self) -> None:
        while (request := self._next_request()) is not None:
            self._answer(request)

    def _next_request(self) -> _Request | None:
        """The newest request once they stop coming for a moment; None at the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._pending is not None)
                self._settle()
                if self._closed:
                    return None
                request, self._pending = self._pending, None
            if request is not None:  # it may have been forgotten meanwhile
                return request

    def _settle(self) -> None:
        # A slider that moves all the time must not hold the preview back for ever.
        latest = time.monotonic() + 2 * _DELAY_SECONDS
        seen = 0
        while self._pending is not None and self._pending.number != seen:
            seen = self._pending.number
            self._changed.wait(min(_DELAY_SECONDS, max(0.0, latest - time.monotonic())))

    def _answer(self, request: _Request) -> None:
        try:
            picture = self._picture(request)
        except Exception as error:  # noqa: BLE001 - the thread's outermost boundary: it is told
            failure = error
            self._deliver(
                request, lambda: self._fail(self._texts.sentence(failure, self._client.paths))
            )
        else:
            if picture is not None:
                self._deliver(request, lambda: self._show(picture))

    def _picture(self, request: _Request) -> PreviewPicture | None:
        """What the daemon makes of a request; None if it was ended before. Raises its errors."""
        call = _Call()
        future = self._client.submit_stylize(
            request.sent,
            request.options.styles(),
            strength=request.options.strength,
            preserve_colors=request.options.preserve_colors,
            stroke_size=request.options.stroke_size,
            on_event=lambda event: self._heard(call, event),
            timeout=_TIMEOUT_SECONDS,
        )
        future.add_done_callback(lambda _: self._wake())
        with self._changed:
            while not future.done() and not self._is_superseded(request, call):
                self._changed.wait(self._patience_left(call))
        future.cancel()  # does nothing where it is done
        if future.cancelled():
            return None
        with self._changed:
            if call.working_since is not None:
                self._usual_seconds = time.monotonic() - call.working_since
        layer = request.shown(future.result().layer)
        return PreviewPicture(layer, request.options, request.tag)

    def _is_superseded(self, request: _Request, call: _Call) -> bool:
        if self._closed or request.number <= self._cleared:
            return True
        if self._pending is None:
            return False
        return call.queued or self._patience_left(call) == 0.0

    def _patience_left(self, call: _Call) -> float | None:
        """Seconds for which the call may still go on; None for as long as it needs."""
        if call.working_since is None or self._pending is None:
            return None
        least, most = _PATIENCE_SECONDS
        patience = min(most, max(least, 1.5 * self._usual_seconds))
        return max(0.0, call.working_since + patience - time.monotonic())

    def _deliver(self, request: _Request, tell: Callable[[], None]) -> None:
        with self._changed:
            self._answered = request.number

        def tell_if_wanted() -> None:
            with self._changed:
                outdated = self._answered != request.number
                unwanted = self._closed or request.number <= self._cleared
            if not (outdated or unwanted):
                tell()

        self._post(tell_if_wanted)

    # In the client's thread: -------------------------------------------------------------------

    def _heard(self, call: _Call, event: Event) -> None:
        with self._changed:
            call.queued = isinstance(event, Queued)
            # What is being loaded serves the next request, too.
            working = isinstance(event, Progress) and event.stage is not Stage.LOADING
            if working and call.working_since is None:
                call.working_since = time.monotonic()
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
