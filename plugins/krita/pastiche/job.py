"""A job: some layers, worked on in the background."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from pastiche_client.editing.run_states import Outcome, Outcomes

from .insertion import require_open
from .qt import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import TypeAlias

    from krita import Document

    from pastiche_client.client import Client
    from pastiche_client.editing.run_states import RunItem, RunState
    from pastiche_client.editing.texts import Texts
    from pastiche_client.results import OptimizeResult, StylizeResult, UpscaleResult

    from .poster import Poster
    from .work import Work

    ItemOutcome: TypeAlias = (
        Outcome[StylizeResult] | Outcome[OptimizeResult] | Outcome[UpscaleResult]
    )
    RunResult: TypeAlias = (
        Outcomes[StylizeResult] | Outcomes[OptimizeResult] | Outcomes[UpscaleResult]
    )


class Run(Protocol):
    """What works for a job."""

    def cancel(self) -> None:
        """End it soon."""
        ...


class JobState(Enum):
    """How far a job is."""

    PREPARING = "preparing"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True)
class Services:
    """What every job needs."""

    client: Client
    texts: Texts
    poster: Poster


@dataclass(frozen=True)
class _Key:
    """Names an item of a run: which work it is of, and that work's own key."""

    work: int
    inner: object


class Job(QObject):
    """Runs in the background from `start` on; everything happens in the thread of windows.

    Kinds of jobs have a `begin`.

    Attributes:
        label: what is being done, for the list of jobs.
        state: how far it is.
        fraction: of all the work, 0..1.
        status: a line for the progress bar.
        message: sentences for the user, once it is at its end; may be empty.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        services: Services,
        document: Document,
        works: Sequence[Work],
        label: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.label = label
        self.state = JobState.PREPARING
        self.fraction = 0.0
        self.status = services.texts.job_waiting
        self.message = ""
        self.services = services
        self.document = document
        self._works = tuple(works)
        self._run: Run | None = None
        self._cancelled = False
        self._taking_failed: dict[int, Exception] = {}

    def start(self) -> None:
        self._do(self._prepare())

    def cancel(self) -> None:
        """End it soon; layers that were added stay."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    def check_document(self) -> None:
        """End the job if its document was closed."""
        if self.state.is_final:
            return
        try:
            require_open(self.document)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._end(error)

    def _prepare(self) -> Generator[None, None, None]:
        items = []
        yield from self.prepare()
        for index, work in enumerate(self._works):
            yield from work.prepare()
            items += [dataclasses.replace(item, key=_Key(index, item.key)) for item in work.items()]
        if self.state.is_final:
            return
        if self._cancelled:
            self._finish(JobState.CANCELLED, self.services.texts.job_cancelled, "")
            return
        self._run = self.begin(items)

    def prepare(self) -> Generator[None, None, None]:
        """What comes before anything is sent, beside the works' own. Raises what is to be told."""
        yield

    # For the run: ------------------------------------------------------------------------------

    def begin(self, items: Sequence[RunItem]) -> Run:
        """Start the run; it must call the three functions that follow."""
        raise NotImplementedError

    @staticmethod
    def inner_key(item: RunItem) -> object:
        """The key that the work gave its item."""
        assert isinstance(item.key, _Key)
        return item.key.inner

    def updated(self, state: RunState) -> None:
        """How far the run is."""
        if self.state.is_final:
            return
        self.state = JobState.RUNNING
        self.fraction = state.fraction
        self.status = self.describe(state)
        self.changed.emit()

    def arrived(self, outcome: ItemOutcome) -> None:
        """What has become of one item."""
        key = outcome.key
        assert isinstance(key, _Key)
        if outcome.result is None or self.state.is_final:
            return
        steps = self._works[key.work].take(key.inner, outcome.result)
        self.services.poster.do(
            steps, lambda error: self._taking_failed.setdefault(key.work, error)
        )

    def ended(self, result: RunResult) -> None:
        """The run is at its end."""
        self._do(self._complete(result))

    def describe(self, state: RunState) -> str:
        """A line for the progress bar."""
        return self.services.texts.progress(state)

    # -------------------------------------------------------------------------------------------

    def _complete(self, result: RunResult) -> Generator[None, None, None]:
        if self.state.is_final:
            return
        outcomes: list[Outcome[None]] = []
        notes: list[str] = []
        for index, work in enumerate(self._works):
            outcome = self._outcome(index, result)
            if outcome.succeeded:
                try:
                    notes += yield from work.complete()
                except Exception as error:  # noqa: BLE001 - it is told with the other failures
                    outcome = Outcome(None, work.name, error=error)
            outcomes.append(outcome)
        if self.state.is_final:
            return
        cancelled = any(outcome.cancelled for outcome in outcomes)
        whole = Outcomes(tuple(outcomes), cancelled=cancelled)
        texts = self.services.texts
        message = "\n".join(
            line for line in [texts.summary(whole, self.services.client.paths), *notes] if line
        )
        if whole.failed:
            self._finish(JobState.FAILED, texts.job_failed, message)
        elif cancelled:
            self._finish(JobState.CANCELLED, texts.job_cancelled, message)
        else:
            self.fraction = 1.0
            self._finish(JobState.DONE, texts.job_done, message)

    def _outcome(self, index: int, result: RunResult) -> Outcome[None]:
        """What became of one work: all its items must have succeeded."""
        name = self._works[index].name
        mine = [
            outcome
            for outcome in result.outcomes
            if isinstance(outcome.key, _Key) and outcome.key.work == index
        ]
        failed = next((outcome.error for outcome in mine if outcome.error is not None), None)
        error = self._taking_failed.get(index, failed)
        if error is not None:
            return Outcome(None, name, error=error)
        return Outcome(None, name, delivered=all(outcome.succeeded for outcome in mine))

    def _do(self, steps: Generator[None, None, None]) -> None:
        self.services.poster.do(steps, self._end)

    def _end(self, error: Exception) -> None:
        """End it early, as failed."""
        if self.state.is_final:
            return
        if self._run is not None:
            self._run.cancel()
        texts = self.services.texts
        message = texts.sentence(error, self.services.client.paths)
        self._finish(JobState.FAILED, texts.job_failed, message)

    def _finish(self, state: JobState, status: str, message: str) -> None:
        self.state = state
        self.status = status
        self.message = message
        self.services.poster.do(self._close(), _ignore)
        self.changed.emit()

    def _close(self) -> Generator[None, None, None]:
        # Behind the steps that may still use them.
        for work in self._works:
            work.close()
        self.forget()
        yield

    def forget(self) -> None:
        """Let go of pixels: jobs stay in the list when they are at their end."""
        self._works = ()
        self._run = None


def _ignore(_: Exception) -> None:
    """Closing a document that is gone already is no trouble of the user's."""
