"""DreamService."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from pastiche.v1 import dream_pb2, optimization_pb2, stylization_pb2
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue, Job, JobStatus
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.dream_request import DreamRequest, check_request
from pastiche_daemon.services.dream_work import DreamWork, Finished, input_bytes
from pastiche_daemon.services.following import follow, notifier, with_heartbeat
from pastiche_daemon.services.steering import (
    extras,
    first_header,
    layer_messages,
    obeying,
    receive_planes,
    send_all,
)
from pastiche_daemon.wire import LayerLimits

_log = logging.getLogger(__name__)

Response = dream_pb2.DreamImageResponse
_Progress = dream_pb2.DreamProgress


@dataclass(frozen=True)
class DreamService:
    """Dreaming over single pictures: work that ends with its call."""

    encoders: EncoderStore
    engine: Engine
    queue: DeviceQueue
    budget: MemoryBudget
    limits: LayerLimits

    @answers
    async def DreamImage(self, _: object, call: Call) -> None:  # noqa: N802
        header = await first_header(call)
        request = await with_heartbeat(
            call,
            lambda: check_request(header, self.limits, self.encoders),
            Response(progress=_Progress()),
        )
        with self.queue.admit(call.client) as admission:
            upload = await receive_planes(
                call, request.planes, input_bytes(request), self.budget, self.queue
            )
            changed = asyncio.Event()
            work = DreamWork(self.engine, self.budget, request, upload)
            job = admission.submit(work, notifier(changed), gives_way=True)
        try:
            async with obeying(call, work, changed) as listening:
                await follow(
                    call,
                    job,
                    changed,
                    lambda status: _event(status, work),
                    lambda: extras(work, listening, Response),
                )
                await _send_result(call, request, job)
        finally:
            job.cancel()


def _event(status: JobStatus, work: DreamWork) -> Response:
    if not status.running and status.position > 0:
        return Response(queued=stylization_pb2.Queued(position=status.position))
    state = work.state
    return Response(
        progress=_Progress(
            step=state.step,
            steps=state.steps,
            octave=state.octave,
            octaves=state.octaves,
            activation=state.activation,
            seconds=state.seconds,
        )
    )


async def _send_result(call: Call, request: DreamRequest, job: Job[Finished]) -> None:
    finished = job.result()
    await send_all(call, layer_messages(finished.header, finished.data, Response))
    summary = dream_pb2.DreamImageSummary(
        request_id=call.request_id,
        encoder=request.encoder.name,
        encoder_sha256=finished.encoder_sha256,
        layers=[
            optimization_pb2.LayerWeight(layer=layer, weight=weight)
            for layer, weight in request.options.layers.items()
        ],
        width=finished.width,
        height=finished.height,
        queued_seconds=job.queued_seconds,
        compute_seconds=job.compute_seconds,
        notes=finished.notes,
    )
    if (dreamed := finished.dreamed) is not None:
        summary.steps, summary.octaves = dreamed.steps, dreamed.octaves
        summary.activation, summary.stopped = dreamed.activation, dreamed.asked_to_stop
    await call.send(Response(summary=summary))
    _log.info(
        "dreamed over %d x %d at %d x %d with %s in %d steps, %.2f s after %.2f s in the queue "
        "(request %r)",
        request.layout.width,
        request.layout.height,
        finished.width,
        finished.height,
        request.encoder.name,
        summary.steps,
        job.compute_seconds,
        job.queued_seconds,
        call.request_id,
    )
