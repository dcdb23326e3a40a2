"""The job behind a StylizeImage call: what runs in the device's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import MemoryBudget, stylize_bytes
from pastiche_daemon.services.steering import Preview
from pastiche_daemon.services.stylize_request import StyleMix, StylizeRequest
from pastiche_daemon.wire import LayerUpload, decode_layer, encode_layer, encode_preview

_LOADED = 0.03
_PREVIEWED = 0.15
_STYLIZED = 0.98


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
        from pastiche_daemon.stylize import StylizeOptions, preview, stylize

        request, layout = self._request, self._request.layout
        context.report(0.0, Stage.LOADING)
        self._budget.require(work_bytes(request, self._mix))
        network = self._engine.network(self._mix.pack)
        options = StylizeOptions(
            mix=self._mix.weights,
            strength=request.strength,
            preserve_colors=request.preserve_colors,
            stroke_size=request.stroke_size,
        )
        layer = decode_layer(layout, self._upload.layer, self._upload.mask)
        done = _LOADED
        if request.preview_size:
            report = _share(context, Stage.PREVIEW, done, _PREVIEWED)
            color, alpha = preview(network, layer, options, request.preview_size, report)
            with self._lock:
                self._preview = Preview(*encode_preview(layout, color, alpha))
            done = _PREVIEWED
        report = _share(context, Stage.STYLIZING, done, _STYLIZED)
        stylized = stylize(network, layer, options, report)
        encode_layer(layout, self._upload.layer, stylized)
        context.report(1.0, Stage.STYLIZING)
        return stylized.notes


def work_bytes(request: StylizeRequest, mix: StyleMix) -> int:
    """The memory that the job will take beside the layer's own bytes."""
    channels = mix.pack.style_manifest.architecture.channels
    return stylize_bytes(request.layout.pixels, channels, request.stroke_size)


def _share(context: JobContext, stage: Stage, start: float, end: float) -> Callable[[float], None]:
    return lambda fraction: context.report(start + (end - start) * fraction, stage)
