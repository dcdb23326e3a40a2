"""The job behind a StylizeImage call: what runs in the device's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import STYLIZE_LESS, MemoryBudget
from pastiche_daemon.services.steering import Preview
from pastiche_daemon.services.stylize_request import StyleMix, StylizeRequest
from pastiche_daemon.services.uploaded_layer import UploadedLayer
from pastiche_daemon.stylize_memory import StylizePlan, plan_stylizing
from pastiche_daemon.wire import LayerUpload, encode_preview

if TYPE_CHECKING:
    from pastiche_daemon.nn.transformer import TransformerNetwork
    from pastiche_daemon.stylize import LayerTensors, Stylized, StylizeOptions

_LOADED = 0.03
_PREVIEWED = 0.15
_STYLIZED = 0.98


class PartlyWrittenError(Exception):
    """The network failed when some rows were written over the layer's: nothing can repeat that."""


class StylizeWork:
    """Stylizes the uploaded layer in place and returns the notes for the user."""

    def __init__(
        self,
        engine: Engine,
        budget: MemoryBudget,
        request: StylizeRequest,
        mix: StyleMix,
        upload: LayerUpload,
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._request = request
        self._mix = mix
        self._upload = upload
        self._lock = threading.Lock()
        self._preview: Preview | None = None

    def take_preview(self) -> Preview | None:
        """The preview, once, as soon as there is one. For any thread."""
        with self._lock:
            preview, self._preview = self._preview, None
        return preview

    def __call__(self, context: JobContext) -> tuple[str, ...]:
        context.report(0.0, Stage.LOADING)
        notes, told = self._engine.attempt(lambda: self._stylized(context))
        context.report(1.0, Stage.STYLIZING)
        return (*notes, *told)

    def _stylized(self, context: JobContext) -> tuple[str, ...]:
        from pastiche_daemon.stylize import StylizeOptions

        request = self._request
        plan = stylize_plan(request, self._mix, self._budget)
        self._budget.require(plan.work_bytes, STYLIZE_LESS)
        network = self._engine.network(self._mix.pack)
        options = StylizeOptions(
            mix=self._mix.weights,
            strength=request.strength,
            preserve_colors=request.preserve_colors,
            stroke_size=request.stroke_size,
        )
        if plan.whole:
            return self._as_whole(network, options, context)
        return self._in_strips(network, options, plan, context)

    def _as_whole(
        self, network: TransformerNetwork, options: StylizeOptions, context: JobContext
    ) -> tuple[str, ...]:
        from pastiche_daemon.stylize import shrunk, stylize

        whole = UploadedLayer(self._request.layout, self._upload)
        layer = whole.rows(0, whole.height)
        start = self._show_preview(network, lambda size: shrunk(layer, size), options, context)
        report = _share(context, Stage.STYLIZING, start, _STYLIZED)
        stylized = stylize(network, layer, options, report)
        whole.put(0, stylized)
        return stylized.notes

    def _in_strips(
        self,
        network: TransformerNetwork,
        options: StylizeOptions,
        plan: StylizePlan,
        context: JobContext,
    ) -> tuple[str, ...]:
        from pastiche_daemon.nn.feature_store import FeatureStore
        from pastiche_daemon.stylize_strips import StripStylizer

        layer = UploadedLayer(self._request.layout, self._upload)
        spool, device_bytes = self._budget.spool, self._engine.free_bytes()
        limit = plan.map_bytes if device_bytes is None else device_bytes // 2
        with closing(FeatureStore(limit, None if spool is None else spool.file)) as store:
            strips = StripStylizer(network, layer, store, context.check, strip_rows=plan.strip_rows)
            start = self._show_preview(network, strips.shrunk, options, context)
            report = _share(context, Stage.STYLIZING, start, _STYLIZED)
            written = False

            def put(first: int, rows: Stylized) -> None:
                nonlocal written
                written = True
                layer.put(first, rows)

            try:
                return strips.stylize(options, report, put)
            except RuntimeError as error:
                if written:
                    raise PartlyWrittenError from error
                raise

    def _show_preview(
        self,
        network: TransformerNetwork,
        shrunk: Callable[[int], LayerTensors],
        options: StylizeOptions,
        context: JobContext,
    ) -> float:
        """Make the preview, if one is asked for. Returns the share of the work that is done."""
        from pastiche_daemon.stylize import preview_of

        size = self._request.preview_size
        if not size:
            return _LOADED
        report = _share(context, Stage.PREVIEW, _LOADED, _PREVIEWED)
        color, alpha = preview_of(network, shrunk(size), options, report)
        with self._lock:
            self._preview = Preview(*encode_preview(self._request.layout, color, alpha))
        return _PREVIEWED


def stylize_plan(request: StylizeRequest, mix: StyleMix, budget: MemoryBudget) -> StylizePlan:
    """How the job will run within the memory that it may take."""
    return plan_stylizing(
        (request.layout.height, request.layout.width),
        mix.pack.style_manifest.architecture.channels,
        request.stroke_size,
        budget.layer_limit,
    )


def _share(context: JobContext, stage: Stage, start: float, end: float) -> Callable[[float], None]:
    return lambda fraction: context.report(start + (end - start) * fraction, stage)
