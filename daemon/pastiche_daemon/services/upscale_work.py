"""The job behind an UpscaleImage call: what runs in the device's thread."""

from __future__ import annotations

from dataclasses import dataclass

from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import MemoryBudget, upscale_bytes
from pastiche_daemon.services.upscale_request import UpscalePlan, UpscaleRequest
from pastiche_daemon.wire import LayerUpload, decode_layer, encode_part

_LOADED = 0.03


@dataclass(frozen=True)
class Upscaled:
    """The answer's pixels in its layout, and notes for the user."""

    data: bytearray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class UpscaleWork:
    """Upscales the uploaded layer, tile by tile."""

    engine: Engine
    budget: MemoryBudget
    request: UpscaleRequest
    plan: UpscalePlan
    upload: LayerUpload

    def __call__(self, context: JobContext) -> Upscaled:
        from pastiche_daemon.upscale import upscale

        request, answer = self.request, self.plan.answer
        context.report(0.0, Stage.LOADING)
        self.budget.require(work_bytes(request, self.plan))
        network = self.engine.upscaler(self.plan.pack)
        layer = decode_layer(request.layout, self.upload.layer, self.upload.mask)
        upscaling = upscale(
            network,
            layer,
            lambda done: context.report(_LOADED + (1 - _LOADED) * done, Stage.UPSCALING),
            match_histogram=request.match_histogram,
        )
        data = bytearray(answer.layer_bytes)
        for part in upscaling.parts:
            encode_part(answer, data, part.top, part.left, part.color, part.alpha)
        return Upscaled(data, upscaling.notes)


def work_bytes(request: UpscaleRequest, plan: UpscalePlan) -> int:
    """The memory that the job will take beside the layer's own bytes."""
    layout = request.layout
    return upscale_bytes(
        layout.pixels,
        plan.factor,
        plan.manifest.architecture.channels,
        layout.samples.count * layout.dtype.itemsize,
        whole=request.match_histogram,
    )
