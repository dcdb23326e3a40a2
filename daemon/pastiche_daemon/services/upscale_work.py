"""The job behind an UpscaleImage call: what runs in the device's thread."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import UPSCALE_LESS, MemoryBudget, upscale_bytes
from pastiche_daemon.services.uploaded_layer import BandedLayer, UploadedLayer
from pastiche_daemon.services.upscale_request import UpscalePlan, UpscaleRequest
from pastiche_daemon.spool import PlaneBytes
from pastiche_daemon.wire import LayerUpload

_LOADED = 0.03
_FLOAT32 = 4


@dataclass(frozen=True)
class Upscaled:
    """The answer's pixels in its layout, and notes for the user."""

    data: PlaneBytes
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
        context.report(0.0, Stage.LOADING)
        done, told = self.engine.attempt(lambda: self._upscaled(context))
        return Upscaled(done.data, (*done.notes, *told))

    def _upscaled(self, context: JobContext) -> Upscaled:
        from pastiche_daemon.nn.feature_store import FeatureStore
        from pastiche_daemon.upscale import upscale_rows

        request, answer = self.request, self.plan.answer
        network = self.engine.upscaler(self.plan.pack)
        value_bytes = network.last.conv.weight.element_size()
        work = work_bytes(request, self.plan, self.budget, value_bytes)
        self.budget.require(work, UPSCALE_LESS)
        spool = self.budget.spool
        with closing(
            FeatureStore(self.budget.layer_limit, None if spool is None else spool.file)
        ) as store:
            upscaling = upscale_rows(
                network,
                UploadedLayer(request.layout, self.upload),
                store,
                lambda done: context.report(_LOADED + (1 - _LOADED) * done, Stage.UPSCALING),
                context.check,
                match_histogram=request.match_histogram,
            )
            made = BandedLayer(answer, self.budget.new_plane(answer.layer_bytes))
            for part in upscaling.parts:
                made.put(part.top, part.left, part.color, part.alpha)
        return Upscaled(made.finish(), upscaling.notes)


def work_bytes(
    request: UpscaleRequest, plan: UpscalePlan, budget: MemoryBudget, value_bytes: int = _FLOAT32
) -> int:
    """The memory that the job will take beside the layer's own bytes.

    `value_bytes` is the size of a number in the network.
    """
    layout = request.layout
    held = plan.answer.layer_bytes if budget.keeps_in_memory(plan.answer.layer_bytes) else 0
    if request.match_histogram:
        floats = layout.pixels * plan.factor**2 * 4 * _FLOAT32
        held += floats if budget.spool is None else min(floats, budget.layer_limit)
    architecture = plan.manifest.architecture
    return held + upscale_bytes(
        layout.width, layout.height, architecture.channels, plan.factor, value_bytes
    )
