"""TrainingService, and the trainings that an earlier daemon has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field

from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.message import Message

from pastiche.v1 import training_pb2
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.errors import failure_of
from pastiche_daemon.jobs import (
    DeviceQueue,
    Job,
    JobCancelledError,
    QueueClosedError,
    QueueFullError,
)
from pastiche_daemon.learn_store import (
    LearnState,
    TrainingFailedError,
    TrainingFolder,
    TrainingStateError,
    TrainingStore,
    is_outdated,
)
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.packs.errors import StorageError
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.following import notifier
from pastiche_daemon.services.learn_request import (
    CheckedLearnRequest,
    check_request,
    layers,
    pictures,
)
from pastiche_daemon.services.learn_work import LearnProgress, LearnWork
from pastiche_daemon.services.operation_registry import OperationRegistry
from pastiche_daemon.services.steering import first_header, receive_planes
from pastiche_daemon.wire import InvalidFieldError, LayerLimits, PlanesUpload

_log = logging.getLogger(__name__)

_Metadata = training_pb2.LearnStyleMetadata
_PREFIX = "operations/training-"
# For the queue: trainings take turns with each other, whoever asked for them.
_CLIENT = "trainings"
# A decoded layer in float32, and what is made of it.
_BYTES_PER_PIXEL = 48
_REMOVING_SECONDS = 60.0

_Ending = Coroutine[object, object, Message]


@dataclass
class _Training:
    """A training that this daemon knows. Without a `work`, an earlier daemon has ended it."""

    folder: TrainingFolder
    state: LearnState
    progress: LearnProgress
    work: LearnWork | None = None
    job: Job[LearnState] | None = None
    failure: Exception | None = None

    @property
    def runs(self) -> bool:
        return self.work is not None and self.state.status == "active"


@dataclass(frozen=True)
class TrainingService:
    """Starts trainings, goes on with old ones, and tells of them."""

    engine: Engine
    packs: PackStore
    trainings: TrainingStore
    encoders: EncoderStore
    queue: DeviceQueue
    budget: MemoryBudget
    operations: OperationRegistry
    limits: LayerLimits
    _known: dict[str, _Training] = field(default_factory=dict[str, _Training])

    @answers
    async def LearnStyle(self, _: object, call: Call) -> operations_pb2.Operation:  # noqa: N802
        header = await first_header(call)
        checked = await asyncio.to_thread(check_request, header, self.limits, self.packs)
        self._check_free(checked)
        pixels = max(layout.pixels for layout in layers(checked))
        upload = await receive_planes(
            call, checked.planes, pixels * _BYTES_PER_PIXEL, self.budget, self.queue
        )
        folder = await asyncio.to_thread(self._create, checked, upload)
        try:
            self._check_free(checked)  # another one may have come meanwhile
            return self._start(folder, LearnState())
        except Exception:
            await asyncio.to_thread(self.trainings.remove, folder)
            raise

    @answers
    async def FinishTraining(  # noqa: N802
        self, request: training_pb2.FinishTrainingRequest, _: Call
    ) -> operations_pb2.Operation:
        training = self._find(request.name)
        if training.work is None or not training.runs:
            raise TrainingStateError("the training does not run; there is nothing to finish")
        if not training.work.progress.step:
            raise TrainingStateError(
                "the training has not made its first step; there is nothing to keep yet"
            )
        training.work.finish_early()
        return self.operations.get(request.name)

    @answers
    async def ResumeTraining(  # noqa: N802
        self, request: training_pb2.ResumeTrainingRequest, _: Call
    ) -> operations_pb2.Operation:
        training = self._find(request.name)
        if training.state.status != "failed":
            raise TrainingStateError(
                "only a training that failed can be resumed; this one "
                + ("runs" if training.runs else "is done")
            )
        state = training.state.model_copy(
            update={"status": "active", "reason": "", "message": "", "starts": 0}
        )
        await asyncio.to_thread(training.folder.save, state)
        return self._start(training.folder, state)

    async def resume_all(self) -> None:
        """Go on with what earlier daemons have not finished, and tell of what they have."""
        try:
            folders = await asyncio.to_thread(self.trainings.list)
        except StorageError:
            _log.exception("earlier trainings cannot be read")
            return
        for folder in folders:
            await self._go_on(folder)

    async def _go_on(self, folder: TrainingFolder) -> None:
        try:
            state = await asyncio.to_thread(folder.state)
            if is_outdated(state):
                await asyncio.to_thread(self.trainings.remove, folder)
            elif state.status == "active":
                self._start(folder, state)
                _log.info("goes on with the training %s", folder.id)
            else:
                self._tell(folder, state)
        # One bad folder must not keep the daemon from starting.
        except (StorageError, QueueFullError, OSError):
            _log.exception("the training %s cannot go on now", folder.id)

    def _create(self, checked: CheckedLearnRequest, upload: PlanesUpload) -> TrainingFolder:
        style, photographs = pictures(checked, upload.planes)
        return self.trainings.create(checked.request, checked.base.path, style, photographs)

    def _start(self, folder: TrainingFolder, state: LearnState) -> operations_pb2.Operation:
        work = LearnWork(
            self.engine, self.encoders, self.packs, self.trainings, self.budget, folder
        )
        changed = asyncio.Event()
        with self.queue.admit(_CLIENT) as admission:
            job = admission.submit(work, notifier(changed), background=True)
        training = _Training(folder, state, LearnProgress(), work, job)
        return self._register(training, self._follow(training, work, job, changed))

    def _tell(self, folder: TrainingFolder, state: LearnState) -> None:
        """List a training that an earlier daemon has ended."""
        sample = folder.sample.read_bytes() if folder.sample.exists() else b""
        progress = LearnProgress(
            preparing=False,
            step=state.step,
            steps=state.planned_steps or state.step,
            seconds=state.seconds,
            seconds_left=0.0 if state.status == "done" else None,
            sample=sample,
            sample_step=state.step,
            start_style=state.start_style,
        )
        self._register(_Training(folder, state, progress), _ended(state))

    def _register(self, training: _Training, ending: _Ending) -> operations_pb2.Operation:
        name = f"{_PREFIX}{training.folder.id}"
        self._known[name] = training
        return self.operations.start(
            ending,
            metadata=lambda: _metadata(training),
            request_id=training.folder.request.request_id,
            cancel=lambda: _cancel(training),
            name=name,
            stop=_do_nothing,  # the queue stops the work
            forget=lambda: self._forget(name),
        )

    async def _follow(
        self,
        training: _Training,
        work: LearnWork,
        job: Job[LearnState],
        changed: asyncio.Event,
    ) -> Message:
        while not job.done:
            await changed.wait()
            changed.clear()
        try:
            state = job.result()
        except JobCancelledError:
            await asyncio.to_thread(work.wait_ended, _REMOVING_SECONDS)
            await asyncio.to_thread(self.trainings.remove, training.folder)
            training.failure = JobCancelledError("the training was cancelled and removed")
            raise training.failure from None
        except QueueClosedError:
            raise
        except Exception as error:
            failure = failure_of(error)
            training.failure = error
            training.state = training.state.model_copy(
                update={
                    "status": "failed",
                    "reason": failure.reason,
                    "message": failure.message,
                }
            )
            raise
        training.state = state
        return _response(state)

    def _find(self, name: str) -> _Training:
        self.operations.get(name)  # raises UnknownOperationError
        training = self._known.get(name)
        if training is None:
            raise InvalidFieldError("name", f"{name[:100]!r} is no training")
        return training

    def _forget(self, name: str) -> None:
        training = self._known[name]
        if training.runs and training.failure is None:
            raise TrainingStateError("the training runs; cancel it first, which removes it")
        self.trainings.remove(training.folder)
        del self._known[name]

    def _check_free(self, checked: CheckedLearnRequest) -> None:
        for training in self._known.values():
            if training.folder.request.pack_id == checked.request.pack_id and (
                training.state.status != "done" and not _cancelled(training)
            ):
                raise InvalidFieldError(
                    "display_name",
                    f"the style {training.folder.request.display_name!r} is being learned "
                    "already; choose another name, or cancel that training",
                    reason="TRAINING_EXISTS",
                )


def _do_nothing() -> None:
    pass


def _cancel(training: _Training) -> None:
    if training.job is not None:
        training.job.cancel()


def _cancelled(training: _Training) -> bool:
    return isinstance(training.failure, JobCancelledError)


async def _ended(state: LearnState) -> Message:
    """What an earlier daemon has found out."""
    if state.status == "failed":
        raise TrainingFailedError(state.message, state.reason or "TRAINING_FAILED")
    return _response(state)


def _response(state: LearnState) -> Message:
    return training_pb2.LearnStyleResponse(
        style=f"packs/{state.pack_id}/styles/{state.pack_id}",
        pack=f"packs/{state.pack_id}",
        steps=state.step,
        seconds=state.seconds,
        notes=state.notes,
    )


def _metadata(training: _Training) -> Message:
    request = training.folder.request
    progress = training.progress if training.work is None else training.work.progress
    message = _Metadata(
        request_id=request.request_id,
        display_name=request.display_name,
        pack=f"packs/{request.pack_id}",
        state=_state(training, progress),
        step=progress.step,
        steps=progress.steps,
        seconds=progress.seconds,
        sample=progress.sample,
        sample_media_type="image/jpeg" if progress.sample else "",
        sample_step=progress.sample_step,
        base_pack=f"packs/{request.base_pack}",
        start_style=progress.start_style,
        create_time=request.created,
        notes=training.state.notes,
    )
    if progress.seconds_left is not None:
        message.seconds_left = progress.seconds_left
    if progress.losses is not None:
        message.losses.CopyFrom(training_pb2.TrainingLosses(**progress.losses))
    return message


def _state(training: _Training, progress: LearnProgress) -> _Metadata.State:
    if training.state.status == "done":
        return _Metadata.STATE_DONE
    if _cancelled(training):
        return _Metadata.STATE_CANCELLED
    if training.state.status == "failed":
        return _Metadata.STATE_FAILED
    if training.job is None or training.job.done or not training.job.status().running:
        return _Metadata.STATE_QUEUED
    if progress.installing:
        return _Metadata.STATE_INSTALLING
    return _Metadata.STATE_PREPARING if progress.preparing else _Metadata.STATE_RUNNING
