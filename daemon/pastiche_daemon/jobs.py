"""The one queue in front of the device: order, progress, cancellation and limits.

A job runs in one worker thread, because the device runs one network at a time at full speed.
Which job is next follows start-time fair queueing (Goyal, Vin and Cheng, 1996) with jobs of equal
size: every client's jobs run in the order they came, and clients take turns. A job that takes
minutes gives way between its steps: others run in the middle of it, one at each step. A job of the
background, whose client may be long gone, runs where nothing else waits, and gives way to all that
is not of the background.
"""

from __future__ import annotations

import bisect
import contextlib
import enum
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")


class JobCancelledError(Exception):
    """The job was cancelled by whoever submitted it."""


class QueueClosedError(Exception):
    """The daemon stops: nothing is accepted any more, and what runs is cancelled."""


class QueueFullError(Exception):
    """Too many calls wait already. `retry_seconds` is when another try makes sense."""

    def __init__(self, message: str, retry_seconds: float) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class Stage(enum.Enum):
    """What a running job does."""

    LOADING = "loading"
    PREVIEW = "preview"
    STYLIZING = "stylizing"
    OPTIMIZING = "optimizing"
    DREAMING = "dreaming"
    UPSCALING = "upscaling"


@dataclass(frozen=True)
class JobStatus:
    """A job at one moment.

    Attributes:
        position: jobs that will run before it, the running one included; 0 once it runs.
        running: whether it has left the queue.
        fraction: share of the work done, 0..1, never decreasing.
        stage: what it does.
    """

    position: int
    running: bool
    fraction: float
    stage: Stage


class JobContext:
    """Given to a job's work, to say how far it is and to learn that it should stop."""

    def __init__(self, notify: Callable[[], None], give_way: Callable[[], None]) -> None:
        self._notify = notify
        self._give_way = give_way
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._fraction = 0.0
        self._stage = Stage.LOADING

    def check(self) -> None:
        """Raises JobCancelledError or QueueClosedError once the job should stop."""
        if self._failure is not None:
            raise self._failure

    def report(self, fraction: float, stage: Stage) -> None:
        """Say that a share of the work is done, 0..1, and `check`. Cheap enough to call often.

        A smaller share than before is ignored.
        """
        self.check()
        with self._lock:
            self._fraction = max(self._fraction, min(1.0, fraction))
            self._stage = stage
        self._notify()

    def give_way(self) -> None:
        """Let the next of the waiting jobs run now, if this one was submitted as giving way.

        Returns when that one is done; then `check`s.
        """
        self._give_way()
        self.check()

    @property
    def progress(self) -> tuple[float, Stage]:
        with self._lock:
            return self._fraction, self._stage

    def stop(self, failure: Exception) -> None:
        """Make the next `check` raise `failure`."""
        self._failure = self._failure or failure


class Job(Generic[T]):
    """Work in the queue or on the device. Made by `Admission.submit`."""

    def __init__(
        self,
        queue: DeviceQueue,
        client: str,
        work: Callable[[JobContext], T],
        notify: Callable[[], None],
        order: tuple[int, int],
        *,
        gives_way: bool,
        background: bool,
    ) -> None:
        self.client = client
        self.order = order
        self.gives_way = gives_way or background
        self.background = background
        self.seconds_given = 0.0
        self.context = JobContext(notify, queue.run_another)
        self.work = work
        self.notify = notify
        self.future: Future[T] = Future()
        self.submitted = time.monotonic()
        self.started: float | None = None
        self.ended: float | None = None
        self._queue = queue

    @property
    def done(self) -> bool:
        return self.future.done()

    def status(self) -> JobStatus:
        return self._queue.status_of(self)

    def result(self) -> T:
        """What the work returned; raises what it raised. Call it once `done`."""
        return self.future.result(timeout=0)

    def cancel(self) -> None:
        """Leave the queue at once, or stop at the next check of the work.

        The job is `done`, with a JobCancelledError, when this returns; a running one holds the
        device until its next check. Does nothing to a job that is done.
        """
        self._queue.cancel(self, JobCancelledError("the call was cancelled"))

    @property
    def queued_seconds(self) -> float:
        """How long it waited, so far or until it started or ended."""
        end = self.started or self.ended or time.monotonic()
        return end - self.submitted

    @property
    def compute_seconds(self) -> float:
        """How long it has had the device."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started - self.seconds_given


class Admission:
    """A place in the queue that is held while a call's layer is still on its way."""

    def __init__(self, queue: DeviceQueue, client: str) -> None:
        self._queue = queue
        self._client = client
        self._open = True

    def submit(
        self,
        work: Callable[[JobContext], T],
        notify: Callable[[], None],
        *,
        gives_way: bool = False,
        background: bool = False,
    ) -> Job[T]:
        """Queue the work. May be called once.

        Args:
            work: runs in the queue's own thread.
            notify: called from any thread when the job's status may have changed; must return
                at once and not call the queue.
            gives_way: the work takes long and calls `JobContext.give_way` between its steps.
            background: nobody waits for it; it gives way, to others that do so, too.

        Raises:
            QueueClosedError: the daemon stops.
        """
        if not self._open:
            raise RuntimeError("an admission is good for one job")
        self._open = False
        return self._queue.submit(
            self._client, work, notify, gives_way=gives_way, background=background
        )

    def release(self) -> None:
        """Give the place back, unless it was used."""
        if self._open:
            self._open = False
            self._queue.release(self._client)


class DeviceQueue:
    """Jobs in order, and the thread that runs them. All methods may be called from any thread.

    `initialize` runs first in that thread. What it raises is logged, and raised again by every
    job. `when_idle` runs there once the device has had nothing to do for `idle_seconds`.
    """

    def __init__(
        self,
        *,
        max_waiting: int,
        max_waiting_per_client: int,
        initialize: Callable[[], None] = lambda: None,
        when_idle: Callable[[], None] = lambda: None,
        idle_seconds: float = 5.0,
    ) -> None:
        self._max_waiting = max_waiting
        self._max_waiting_per_client = max_waiting_per_client
        self._initialize = initialize
        self._when_idle = when_idle
        self._idle_seconds = idle_seconds
        self._changed = threading.Condition()
        self._waiting: list[Job[Any]] = []
        self._running: list[Job[Any]] = []  # the last has the device, the others give way
        self._admitted: dict[str, int] = {}
        self._finish_tags: dict[str, int] = {}
        self._virtual_time = 0
        self._sequence = 0
        self._typical_seconds = 1.0
        self._closed: QueueClosedError | None = None
        self._thread = threading.Thread(target=self._run, name="pastiche-device", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Cancel everything, accept nothing more and wait for the thread.

        Returns whether it ended within `timeout` seconds.
        """
        closed = QueueClosedError("the daemon stops")
        with self._changed:
            self._closed = self._closed or closed
            jobs = [*self._waiting, *self._running]
            self._changed.notify_all()
        for job in jobs:
            self.cancel(job, closed)
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @contextlib.contextmanager
    def admit(self, client: str) -> Iterator[Admission]:
        """Hold a place for a call of `client` while the block runs, or until it is submitted.

        Raises:
            QueueFullError: too many calls wait, of this client or of all.
            QueueClosedError: the daemon stops.
        """
        with self._changed:
            if self._closed:
                raise self._closed
            own = self._admitted.get(client, 0) + sum(j.client == client for j in self._waiting)
            total = sum(self._admitted.values()) + len(self._waiting)
            if total >= self._max_waiting:
                raise QueueFullError(
                    f"{total} calls wait for the device already; try again when some are done",
                    self._retry_seconds(total),
                )
            if own >= self._max_waiting_per_client:
                raise QueueFullError(
                    f"{own} calls of this client wait already; try again when some are done",
                    self._retry_seconds(own),
                )
            self._admitted[client] = self._admitted.get(client, 0) + 1
        admission = Admission(self, client)
        try:
            yield admission
        finally:
            admission.release()

    def release(self, client: str) -> None:
        """For `Admission`: give a place back."""
        with self._changed:
            self._release(client)

    def submit(
        self,
        client: str,
        work: Callable[[JobContext], T],
        notify: Callable[[], None],
        *,
        gives_way: bool,
        background: bool,
    ) -> Job[T]:
        """For `Admission`: turn a held place into a waiting job."""
        with self._changed:
            self._release(client)
            if self._closed:
                raise self._closed
            start_tag = max(self._virtual_time, self._finish_tags.get(client, 0))
            self._finish_tags[client] = start_tag + 1
            self._sequence += 1
            order = (start_tag, self._sequence)
            job = Job(self, client, work, notify, order, gives_way=gives_way, background=background)
            bisect.insort(self._waiting, job, key=_turn)
            self._changed.notify_all()
        # A newcomer may have gone ahead of others.
        self._notify_waiting()
        return job

    def cancel(self, job: Job[Any], failure: Exception) -> None:
        """Make a job `done` with `failure`; the device is free at its next check."""
        with self._changed:
            job.context.stop(failure)
            if job in self._waiting:
                self._withdraw(job)
            if not job.future.done():
                job.ended = time.monotonic()
                job.future.set_exception(failure)
        job.notify()
        self._notify_waiting()

    def status_of(self, job: Job[Any]) -> JobStatus:
        fraction, stage = job.context.progress
        with self._changed:
            if job not in self._waiting:
                return JobStatus(0, running=True, fraction=fraction, stage=stage)
            before = [*self._running, *self._waiting[: self._waiting.index(job)]]
            before = [other for other in before if not _yields(other, job)]
            # The device may have to be handed over first, even where nothing else comes before.
            position = max(len(before), 1 if self._running else 0)
            return JobStatus(position, running=False, fraction=fraction, stage=stage)

    def counts(self) -> tuple[int, int]:
        """How many jobs wait, those included whose layer is on its way, and how many run."""
        with self._changed:
            waiting = len(self._waiting) + sum(self._admitted.values())
            return waiting, len(self._running)

    def _withdraw(self, job: Job[Any]) -> None:
        self._waiting.remove(job)
        # What never ran does not count: the client's later jobs move up.
        for later in self._waiting:
            if later.client == job.client and later.order > job.order:
                later.order = (later.order[0] - 1, later.order[1])
        self._finish_tags[job.client] -= 1
        self._waiting.sort(key=_turn)

    def _release(self, client: str) -> None:
        self._admitted[client] -= 1
        if not self._admitted[client]:
            del self._admitted[client]

    def _retry_seconds(self, jobs: int) -> float:
        return min(60.0, max(1.0, self._typical_seconds * jobs / 2))

    def _notify_waiting(self) -> None:
        with self._changed:
            waiting = list(self._waiting)
        for job in waiting:
            job.notify()

    def _run(self) -> None:
        broken: Exception | None = None
        try:
            self._initialize()
        except Exception as error:  # noqa: BLE001 - kept, logged, and raised by every job
            _log.exception("the device cannot be used")
            broken = error
        while (job := self._next()) is not None:
            self._run_now(job, broken)
            del job  # and with it its layer, before what is left of it is cleaned up
            self._clean_up_when_idle()

    def _run_now(self, job: Job[Any], broken: Exception | None) -> None:
        self._notify_waiting()
        job.notify()
        self._run_job(job, broken)
        with self._changed:
            self._running.remove(job)
            if not self._waiting and not self._running:
                self._finish_tags.clear()  # nobody is owed anything when a busy time ends
        job.notify()

    def run_another(self) -> None:
        """For `JobContext`, in the queue's thread: run one waiting job, then go on."""
        giving = self._running[-1]
        if not giving.gives_way:
            raise RuntimeError("the job was not submitted as one that gives way")
        with self._changed:
            job = next((job for job in self._waiting if _yields(giving, job)), None)
            if job is None or self._closed:
                return
            self._start(job)
        began = time.monotonic()
        self._run_now(job, None)
        giving.seconds_given += time.monotonic() - began

    def _clean_up_when_idle(self) -> None:
        with self._changed:
            if self._changed.wait_for(
                lambda: self._waiting or self._closed, timeout=self._idle_seconds
            ):
                return
        try:
            self._when_idle()
        except Exception:  # noqa: BLE001 - the queue goes on
            _log.exception("cleaning up failed")

    def _next(self) -> Job[Any] | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            job = self._waiting[0]
            self._start(job)
            return job

    def _start(self, job: Job[Any]) -> None:
        self._waiting.remove(job)
        self._running.append(job)
        job.started = time.monotonic()
        self._virtual_time = max(self._virtual_time, job.order[0])
        # A tag in the past counts no more, so that clients that left are forgotten.
        self._finish_tags = {
            client: tag for client, tag in self._finish_tags.items() if tag > self._virtual_time
        }

    def _run_job(self, job: Job[Any], broken: Exception | None) -> None:
        result: Any = None
        failure = broken
        if failure is None:
            try:
                job.context.check()
                result = job.work(job.context)
            except Exception as error:  # noqa: BLE001 - raised again to whoever waits for the job
                failure = error
        with self._changed:
            ended = time.monotonic()
            if job.started is not None and not job.gives_way:
                self._typical_seconds += 0.3 * (ended - job.started - self._typical_seconds)
            if job.future.done():
                return
            job.ended = ended
            if failure is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(failure)


def _turn(job: Job[Any]) -> tuple[bool, tuple[int, int]]:
    """Sorts the jobs that wait."""
    return job.background, job.order


def _yields(giving: Job[Any], job: Job[Any]) -> bool:
    """Whether a job, between two of its steps, lets another one run."""
    if giving.background:
        return not job.background
    return giving.gives_way and not job.gives_way
