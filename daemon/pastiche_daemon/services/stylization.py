"""StylizationService."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from pastiche.v1 import stylization_pb2
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue, Job, JobStatus, Stage
from pastiche_daemon.memory import STYLIZE_LESS, MemoryBudget
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.following import follow, notifier, with_heartbeat
from pastiche_daemon.services.steering import (
    answered,
    first_header,
    preview_messages,
    receive_layer,
    send_layer,
)
from pastiche_daemon.services.stylize_request import (
    StyleMix,
    StylizeRequest,
    check_request,
    find_mix,
)
from pastiche_daemon.services.stylize_work import StylizeWork, stylize_plan
from pastiche_daemon.wire import LayerLimits, LayerUpload

_log = logging.getLogger(__name__)

Response = stylization_pb2.StylizeImageResponse
_Progress = stylization_pb2.Progress

_STAGES = {
    Stage.LOADING: _Progress.STAGE_LOADING,
    Stage.PREVIEW: _Progress.STAGE_PREVIEW,
    Stage.STYLIZING: _Progress.STAGE_STYLIZING,
}


@dataclass(frozen=True)
class StylizationService:
    """Interactive stylization: work that ends with its call."""

    store: PackStore
    engine: Engine
    queue: DeviceQueue
    budget: MemoryBudget
    limits: LayerLimits

    @answers
    async def StylizeImage(self, _: object, call: Call) -> None:  # noqa: N802
        request = check_request(await first_header(call), self.limits)
        loading = Response(progress=_Progress(stage=_Progress.STAGE_LOADING))
        mix = await with_heartbeat(call, lambda: find_mix(self.store, request.styles), loading)
        with self.queue.admit(call.client) as admission:
            upload = await receive_layer(
                call,
                request.layout,
                stylize_plan(request, mix, self.budget).work_bytes,
                self.budget,
                self.queue,
                STYLIZE_LESS,
            )
            changed = asyncio.Event()
            work = StylizeWork(self.engine, self.budget, request, mix, upload)
            job = admission.submit(work, notifier(changed))
        try:
            await follow(
                call, job, changed, _event, lambda: preview_messages(work.take_preview(), Response)
            )
            await _send_result(call, request, mix, upload, job)
        finally:
            job.cancel()
            upload.close()


def _event(status: JobStatus) -> Response:
    if not status.running and status.position > 0:
        return Response(queued=stylization_pb2.Queued(position=status.position))
    return Response(progress=_Progress(fraction=status.fraction, stage=_STAGES[status.stage]))


async def _send_result(
    call: Call,
    request: StylizeRequest,
    mix: StyleMix,
    upload: LayerUpload,
    job: Job[tuple[str, ...]],
) -> None:
    notes = job.result()
    header = answered(request.layout.header)
    await send_layer(call, header, upload.layer, Response)
    manifest = mix.pack.manifest
    summary = stylization_pb2.StylizeImageSummary(
        request_id=call.request_id,
        pack=f"packs/{manifest.id}",
        pack_version=manifest.version,
        queued_seconds=job.queued_seconds,
        compute_seconds=job.compute_seconds,
        notes=notes,
    )
    await call.send(Response(summary=summary))
    _log.info(
        "stylized %d x %d with %s %s in %.2f s after %.2f s in the queue (request %r)",
        request.layout.width,
        request.layout.height,
        manifest.id,
        manifest.version,
        job.compute_seconds,
        job.queued_seconds,
        call.request_id,
    )
