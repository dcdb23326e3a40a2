"""UpscalingService."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from pastiche.v1 import stylization_pb2, upscaling_pb2
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue, Job, JobStatus, Stage
from pastiche_daemon.memory import UPSCALE_LESS, MemoryBudget
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.following import follow, notifier, with_heartbeat
from pastiche_daemon.services.steering import (
    first_header,
    receive_layer,
    send_layer,
)
from pastiche_daemon.services.upscale_request import UpscalePlan, check_request, find_upscaler
from pastiche_daemon.services.upscale_work import Upscaled, UpscaleWork, work_bytes
from pastiche_daemon.wire import LayerLimits

_log = logging.getLogger(__name__)

Response = upscaling_pb2.UpscaleImageResponse
_Progress = upscaling_pb2.UpscaleProgress

_STAGES = {
    Stage.LOADING: _Progress.STAGE_LOADING,
    Stage.UPSCALING: _Progress.STAGE_UPSCALING,
}


@dataclass(frozen=True)
class UpscalingService:
    """Making single layers larger: work that ends with its call."""

    store: PackStore
    engine: Engine
    queue: DeviceQueue
    budget: MemoryBudget
    limits: LayerLimits

    @answers
    async def UpscaleImage(self, _: object, call: Call) -> None:  # noqa: N802
        request = check_request(await first_header(call), self.limits)
        plan = await with_heartbeat(
            call,
            lambda: find_upscaler(self.store, request, self.limits),
            Response(progress=_Progress(stage=_Progress.STAGE_LOADING)),
        )
        with self.queue.admit(call.client) as admission:
            upload = await receive_layer(
                call,
                request.layout,
                work_bytes(request, plan, self.budget),
                self.budget,
                self.queue,
                UPSCALE_LESS,
            )
            changed = asyncio.Event()
            work = UpscaleWork(self.engine, self.budget, request, plan, upload)
            job = admission.submit(work, notifier(changed))
        try:
            await follow(call, job, changed, _event, lambda: ())
            await _send_result(call, plan, job)
        finally:
            job.cancel()
            upload.close()


def _event(status: JobStatus) -> Response:
    if not status.running and status.position > 0:
        return Response(queued=stylization_pb2.Queued(position=status.position))
    return Response(progress=_Progress(fraction=status.fraction, stage=_STAGES[status.stage]))


async def _send_result(call: Call, plan: UpscalePlan, job: Job[Upscaled]) -> None:
    upscaled = job.result()
    await send_layer(call, plan.answer.header, upscaled.data, Response)
    manifest = plan.manifest
    summary = upscaling_pb2.UpscaleImageSummary(
        request_id=call.request_id,
        pack=f"packs/{manifest.id}",
        pack_version=manifest.version,
        factor=plan.factor,
        queued_seconds=job.queued_seconds,
        compute_seconds=job.compute_seconds,
        notes=upscaled.notes,
    )
    await call.send(Response(summary=summary))
    _log.info(
        "upscaled to %d x %d with %s %s in %.2f s after %.2f s in the queue (request %r)",
        plan.answer.width,
        plan.answer.height,
        manifest.id,
        manifest.version,
        job.compute_seconds,
        job.queued_seconds,
        call.request_id,
    )
