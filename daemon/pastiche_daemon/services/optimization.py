"""OptimizationService."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pastiche.v1 import optimization_pb2, stylization_pb2
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue, Job, JobStatus
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.following import follow, notifier, with_heartbeat
from pastiche_daemon.services.optimize_request import OptimizeRequest, check_request
from pastiche_daemon.services.optimize_work import (
    Finished,
    OptimizeWork,
    WeightedLosses,
    input_bytes,
)
from pastiche_daemon.services.steering import (
    extras,
    first_header,
    layer_messages,
    obeying,
    receive_planes,
    send_all,
)
from pastiche_daemon.services.stylize_request import StyleMix, find_mix
from pastiche_daemon.wire import LayerLimits

_log = logging.getLogger(__name__)

Response = optimization_pb2.OptimizeImageResponse
_Progress = optimization_pb2.OptimizeProgress

_REASONS = {
    None: optimization_pb2.STOP_REASON_UNSPECIFIED,
    "steps": optimization_pb2.STOP_REASON_STEPS,
    "time": optimization_pb2.STOP_REASON_TIME,
    "converged": optimization_pb2.STOP_REASON_CONVERGED,
    "asked": optimization_pb2.STOP_REASON_ASKED,
}


@dataclass(frozen=True)
class OptimizationService:
    """Optimizing single pictures: work that ends with its call."""

    packs: PackStore
    encoders: EncoderStore
    engine: Engine
    queue: DeviceQueue
    budget: MemoryBudget
    limits: LayerLimits

    @answers
    async def OptimizeImage(self, _: object, call: Call) -> None:  # noqa: N802
        header = await first_header(call)
        request, mix = await with_heartbeat(
            call, lambda: self._look_up(header), Response(progress=_Progress())
        )
        with self.queue.admit(call.client) as admission:
            upload = await receive_planes(
                call, request.planes, input_bytes(request), self.budget, self.queue
            )
            changed = asyncio.Event()
            work = OptimizeWork(self.engine, self.budget, request, mix, upload)
            job = admission.submit(work, notifier(changed), gives_way=True)
        try:
            async with obeying(call, work, changed) as listening:
                await follow(
                    call,
                    job,
                    changed,
                    _events(work, request),
                    lambda: extras(work, listening, Response),
                )
                await _send_result(call, request, job)
        finally:
            job.cancel()

    def _look_up(
        self, header: optimization_pb2.OptimizeImageHeader
    ) -> tuple[OptimizeRequest, StyleMix | None]:
        request = check_request(header, self.limits, self.encoders)
        if not request.start_mix:
            return request, None
        return request, find_mix(self.packs, request.start_mix, "start.styles")


def _events(work: OptimizeWork, request: OptimizeRequest) -> Callable[[JobStatus], Response]:
    steps = request.options.pixels.steps

    def event(status: JobStatus) -> Response:
        if not status.running and status.position > 0:
            return Response(queued=stylization_pb2.Queued(position=status.position))
        state = work.state
        progress = _Progress(
            step=state.step,
            steps=steps,
            scale=state.scale,
            scales=state.scales,
            seconds=state.seconds,
        )
        if state.losses is not None:
            progress.losses.CopyFrom(_losses(state.losses))
        return Response(progress=progress)

    return event


async def _send_result(call: Call, request: OptimizeRequest, job: Job[Finished]) -> None:
    finished = job.result()
    await send_all(call, layer_messages(finished.header, finished.data, Response))
    summary = optimization_pb2.OptimizeImageSummary(
        request_id=call.request_id,
        encoder=request.encoder.name,
        encoder_sha256=finished.encoder_sha256,
        width=finished.width,
        height=finished.height,
        steps=finished.steps,
        reason=_REASONS[finished.reason],
        queued_seconds=job.queued_seconds,
        compute_seconds=job.compute_seconds,
        notes=finished.notes,
    )
    if finished.losses is not None:
        summary.losses.CopyFrom(_losses(finished.losses))
    await call.send(Response(summary=summary))
    _log.info(
        "optimized %d x %d at %d x %d with %s in %d steps, %.2f s after %.2f s in the queue "
        "(request %r)",
        request.layout.width,
        request.layout.height,
        finished.width,
        finished.height,
        request.encoder.name,
        finished.steps,
        job.compute_seconds,
        job.queued_seconds,
        call.request_id,
    )


def _losses(losses: WeightedLosses) -> optimization_pb2.WeightedLosses:
    return optimization_pb2.WeightedLosses(
        total=losses.total, content=losses.content, style=losses.style, tv=losses.tv
    )
