"""The job behind a training: what runs in the device's thread."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pastiche_daemon.encoder_store import DEFAULT_ENCODER, EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobCancelledError, JobContext, QueueClosedError
from pastiche_daemon.learn_store import (
    LearnState,
    TrainingFailedError,
    TrainingFolder,
    TrainingStore,
)
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.packs.errors import PackExistsError, StorageError
from pastiche_daemon.packs.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_daemon.learn import LearnStep
    from pastiche_daemon.learn_run import LearnRun
    from pastiche_daemon.packs.store import PackStore

_log = logging.getLogger(__name__)

_SAMPLE_SECONDS = 15.0
_LARGEST_SAMPLE = 256 * 1024
# Measured: 0.55 GiB of feature maps and their gradients in bfloat16; twice that in float32.
_WORK_BYTES = 1200 * 2**20
# A training that ends the daemon this often without getting further is not started again.
_MOST_STARTS = 3
_SMOOTHING = 0.9


@dataclass(frozen=True)
class LearnProgress:
    """How a training goes. `steps` is 0, and `seconds_left` None, until they are known."""

    preparing: bool = True
    installing: bool = False
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    losses: Mapping[str, float] | None = None
    sample: bytes = b""
    sample_step: int = 0
    start_style: str = ""


class LearnWork:
    """Trains, and installs the pack. `progress` and `finish_early` are for any thread."""

    def __init__(
        self,
        engine: Engine,
        encoders: EncoderStore,
        packs: PackStore,
        trainings: TrainingStore,
        budget: MemoryBudget,
        folder: TrainingFolder,
    ) -> None:
        self.folder = folder
        self._engine = engine
        self._encoders = encoders
        self._packs = packs
        self._trainings = trainings
        self._budget = budget
        self._lock = threading.Lock()
        self._progress = LearnProgress()
        self._finish = threading.Event()
        self._entered = threading.Event()
        self._ended = threading.Event()

    @property
    def progress(self) -> LearnProgress:
        with self._lock:
            return self._progress

    def finish_early(self) -> None:
        """End after the step that runs, with what is learned by then."""
        self._finish.set()

    def wait_ended(self, timeout: float) -> None:
        """Return once the work holds nothing of its folder any more; at once if it never began."""
        if self._entered.is_set():
            self._ended.wait(timeout)

    def __call__(self, context: JobContext) -> LearnState:
        self._entered.set()
        try:
            return self._run(context)
        except JobCancelledError:
            self._trainings.remove(self.folder)
            raise
        except QueueClosedError:
            self._note_stop()
            raise
        except Exception as error:
            self._note_failure(error)
            raise
        finally:
            self._ended.set()

    def _run(self, context: JobContext) -> LearnState:
        from pastiche_daemon.photographs import PictureError
        from pastiche_daemon.training_schedule import TrainingError

        try:
            with storage_errors(self.folder.path):
                state = self._begin()
                if not self.folder.pack.exists():
                    state = self._train(context, state)
                return self._install(state)
        except (TrainingError, PictureError) as error:
            raise TrainingFailedError(str(error)) from error

    def _begin(self) -> LearnState:
        state = self.folder.state()
        if state.starts >= _MOST_STARTS:
            raise TrainingFailedError(
                f"the daemon ended {state.starts} times during this training, at the same step "
                f"({state.step}); its log may say why. Resume it to try again, or remove it",
                "TRAINING_ENDS_DAEMON",
            )
        state = state.model_copy(update={"status": "active", "starts": state.starts + 1})
        self.folder.save(state)
        with self._lock:
            self._progress = replace(
                self._progress,
                step=state.step,
                steps=state.planned_steps or 0,
                seconds=state.seconds,
                start_style=state.start_style,
                sample=self._last_sample(),
                sample_step=state.step,
            )
        return state

    def _train(self, context: JobContext, state: LearnState) -> LearnState:
        from pastiche_daemon.encoders import load_encoder
        from pastiche_daemon.learn_run import LearnRun

        self._budget.require(_WORK_BYTES)
        found = self._encoders.find(DEFAULT_ENCODER)
        context.check()
        encoder = load_encoder(found.name, found.path)  # its own: training changes the precision
        runtime = self._engine.runtime
        encoder.encoder.to(runtime.device)
        run = LearnRun(
            self.folder,
            encoder,
            runtime.device,
            runtime.precision,
            start_style=state.start_style or None,
            planned_steps=state.planned_steps,
        )
        with self._lock:
            self._progress = replace(
                self._progress,
                step=run.step,
                seconds=run.seconds,
                start_style=run.start_style,
            )
        state = state.model_copy(update={"start_style": run.start_style})
        if not state.finish_early:
            state = self._steps(context, run, state)
        with self._lock:
            self._progress = replace(self._progress, installing=True, seconds_left=0.0)
        self._show_sample(run)
        run.finish()
        state = state.model_copy(update={"step": run.step, "seconds": run.seconds})
        self.folder.save(state)
        return state

    def _steps(self, context: JobContext, run: LearnRun, state: LearnState) -> LearnState:
        sampled = 0.0
        try:
            with contextlib.closing(run.steps()) as steps:
                for step in steps:
                    self._show(step)
                    if time.monotonic() - sampled >= _SAMPLE_SECONDS:
                        self._show_sample(run)
                        sampled = time.monotonic()
                        state = self._noted(run, state, step)
                    context.give_way()
                    if self._finish.is_set():
                        break
        except QueueClosedError:
            run.save()
            raise
        run.save()
        state = self._noted(run, state, None)
        if self._finish.is_set():
            state = state.model_copy(update={"finish_early": True})
        self.folder.save(state)
        return state

    def _noted(self, run: LearnRun, state: LearnState, step: LearnStep | None) -> LearnState:
        """The state with what the next daemon should know; written now and then."""
        planned = run.planned_steps if step is None or step.steps else None
        state = state.model_copy(
            update={
                "planned_steps": planned,
                "step": run.step,
                "seconds": run.seconds,
                # It got further: whatever ended earlier daemons was not this.
                "starts": 1 if run.step > state.step else state.starts,
            }
        )
        self.folder.save(state)
        return state

    def _show(self, step: LearnStep) -> None:
        report, before = step.report, self.progress
        terms = report.terms()
        if before.losses is not None:
            terms = {
                name: _SMOOTHING * before.losses[name] + (1 - _SMOOTHING) * value
                for name, value in terms.items()
            }
        with self._lock:
            self._progress = replace(
                self._progress,
                preparing=False,
                step=report.step,
                steps=step.steps,
                seconds=report.seconds,
                seconds_left=step.seconds_left,
                losses=terms,
            )

    def _show_sample(self, run: LearnRun) -> None:
        sample = run.sample()
        self.folder.write_sample(sample)
        if len(sample) > _LARGEST_SAMPLE:
            return
        with self._lock:
            self._progress = replace(self._progress, sample=sample, sample_step=run.step)

    def _last_sample(self) -> bytes:
        try:
            return self.folder.sample.read_bytes()[:_LARGEST_SAMPLE]
        except FileNotFoundError:
            return b""

    def _install(self, state: LearnState) -> LearnState:
        """Put the finished pack into the store; nothing if a daemon before this one has done so."""
        with self._lock:
            self._progress = replace(self._progress, preparing=False, installing=True)
        request = self.folder.request
        try:
            self._packs.install(self.folder.pack, replace=request.replace)
        except PackExistsError as error:
            installed = self._packs.get(request.pack_id)
            if _digest(installed.path.read_bytes()) != _digest(self.folder.pack.read_bytes()):
                raise TrainingFailedError(
                    f"the style is learned, but a pack {request.pack_id!r} was installed "
                    "meanwhile; remove that one and resume the training, to install its own",
                    "PACK_EXISTS",
                ) from error
        done = state.model_copy(
            update={"status": "done", "pack_id": request.pack_id, "ended": time.time()}
        )
        self._trainings.keep_result(self.folder, done)
        _log.info(
            "learned the style %r in %d steps and %.0f s: pack %s (request %r)",
            request.display_name,
            done.step,
            done.seconds,
            request.pack_id,
            request.request_id,
        )
        return done

    def _note_stop(self) -> None:
        """The daemon was stopped in good order, which is not the training's fault."""
        with contextlib.suppress(StorageError):
            reached = self.progress
            update = {"starts": 0, "step": reached.step, "seconds": reached.seconds}
            self.folder.save(self.folder.state().model_copy(update=update))

    def _note_failure(self, error: Exception) -> None:
        from pastiche_daemon.errors import failure_of

        failure = failure_of(error)
        _log.warning("the training %s failed: %s", self.folder.id, failure.message)
        # Where not even this can be written, the next daemon tries again.
        with contextlib.suppress(StorageError, OSError):
            state = self.folder.state()
            self.folder.save(
                state.model_copy(
                    update={
                        "status": "failed",
                        "reason": failure.reason,
                        "message": failure.message,
                        "starts": 0,
                    }
                )
            )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
