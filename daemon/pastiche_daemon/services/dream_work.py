"""The job behind a DreamImage call: what runs in the device's thread."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import MemoryBudget, require_bytes
from pastiche_daemon.services.dream_request import DreamRequest
from pastiche_daemon.services.steering import Preview, SteeredWork, answered
from pastiche_daemon.wire import (
    InvalidFieldError,
    PlanesUpload,
    decode_layer,
    encode_layer,
    encode_preview,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pastiche_daemon.dream import Dreamed, DreamOptions, DreamStep, Guide
    from pastiche_daemon.nn.inception import FeatureNetwork
    from pastiche_daemon.stylize import LayerTensors

# The layers' colours in float32, clamped, scaled and mixed.
_BYTES_PER_PIXEL = 96
# The picture, its details and gradients, while they are smoothed.
_BYTES_PER_DREAMED_PIXEL = 3 * 4 * 14
# Beside what autograd keeps for a tile: what the backward pass makes of it.
_BACKWARD = 1.6
_FIXED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class DreamState:
    """How far the work is. `octave` counts from 1; `seconds` since the first step began."""

    step: int = 0
    steps: int = 0
    octave: int = 0
    octaves: int = 0
    activation: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Finished:
    """The answer's header and bytes, and what its summary tells.

    `dreamed` is None where nothing had to be done; `width` and `height` are then 0.
    """

    header: layer_pb2.LayerHeader
    data: bytearray
    encoder_sha256: str
    width: int
    height: int
    dreamed: Dreamed | None
    notes: tuple[str, ...]


class DreamWork(SteeredWork[DreamState]):
    """Dreams over the layer of an uploaded request."""

    def __init__(
        self, engine: Engine, budget: MemoryBudget, request: DreamRequest, upload: PlanesUpload
    ) -> None:
        super().__init__(DreamState())
        self._engine = engine
        self._budget = budget
        self._request = request
        self._upload = upload
        self._layer: LayerTensors | None = None
        self._small: LayerTensors | None = None
        self._began = 0.0
        self._previewed = 0.0
        self._dreamed: Dreamed | None = None
        self._shape = (0, 0)
        self._notes: list[str] = []

    def __call__(self, context: JobContext) -> Finished:
        from pastiche_daemon.stylize import blend

        request = self._request
        context.report(0.0, Stage.LOADING)
        self._budget.require(input_bytes(request))
        loaded = self._engine.feature_network(request.encoder, request.pooling, request.precision)
        planes = self._upload.planes
        layer = self._layer = decode_layer(request.layout, planes[0], planes[1])
        guide = self._guide()
        # Where nothing changes, nothing is dreamed.
        done = blend(
            layer,
            request.strength,
            lambda color: self._picture(color, loaded.encoder, guide, context),
        )
        if self._dreamed is None:
            self._notes.append(
                "nothing was dreamed: the strength is 0 or nothing visible is selected"
            )
        encode_layer(request.layout, planes[0], done)
        height, width = self._shape
        return Finished(
            header=answered(request.layout.header),
            data=planes[0],
            encoder_sha256=loaded.sha256,
            width=width,
            height=height,
            dreamed=self._dreamed,
            notes=(*done.notes, *self._notes),
        )

    def _guide(self) -> Guide | None:
        from pastiche_daemon.dream import Guide
        from pastiche_daemon.stylize import counted_pixels, visible_colors

        if self._request.guide is None:
            return None
        layer = decode_layer(self._request.guide, self._upload.planes[2], self._upload.planes[3])
        counted = counted_pixels(layer)
        if counted is not None and not bool((counted > 0).any()):
            raise InvalidFieldError("guide", "is fully transparent, or nothing of it is selected")
        return Guide(visible_colors(layer), counted)

    def _picture(
        self,
        color: Tensor,
        network: FeatureNetwork,
        guide: Guide | None,
        context: JobContext,
    ) -> Tensor:
        """The dream of the layer's size, 3 x H x W in 0..1."""
        from pastiche_daemon.dream import Guide, dream, enlarged
        from pastiche_daemon.optimize_size import working_shape
        from pastiche_daemon.stylize import resize

        full = (color.shape[-2], color.shape[-1])
        self._shape = working_shape(full, self._request.size)
        small = resize(color, self._shape)
        device = network.preprocess.weight.device
        if guide is not None:
            counted = None if guide.counted is None else guide.counted.to(device)
            guide = Guide(guide.color.to(device), counted)
        self._began = self._previewed = time.monotonic()
        try:
            options = self._fitting(network, self._shape)
            dreamed = dream(
                network,
                small.to(device),
                options,
                lambda step: self._on_step(step, context),
                guide,
                before_tile=context.check,
            )
        except ValueError as error:
            raise _invalid(error) from error
        self._dreamed = dreamed
        if dreamed.octaves < options.octaves:
            self._notes.append(
                f"{dreamed.octaves} of {options.octaves} octaves were dreamed; the picture would "
                "have been too small for the layers in the others"
            )
        if self._shape == full:
            return dreamed.color.cpu()
        self._notes.append(
            f"it was dreamed at {self._shape[1]} x {self._shape[0]} pixels, and what changed was "
            f"scaled up to {full[1]} x {full[0]}"
        )
        return (color + enlarged(dreamed.color.cpu() - small, full)).clamp_(0, 1)

    def _fitting(self, network: FeatureNetwork, shape: tuple[int, int]) -> DreamOptions:
        """The options with tiles for which there is memory.

        Raises InsufficientMemoryError where not even the smallest fit.
        """
        from pastiche_daemon.dream import dream_objective
        from pastiche_daemon.nn.image_tiles import LEAST_TILE

        options = self._request.options
        kept = dream_objective(network, options).kept_bytes() * _BACKWARD
        whole = shape[0] * shape[1] * _BYTES_PER_DREAMED_PIXEL + _FIXED_BYTES
        extended = tuple(side + options.jitter for side in shape)

        def needed(tile: int) -> int:
            return int(whole + kept * min(tile, extended[0]) * min(tile, extended[1]))

        free = self._engine.free_bytes()
        if free is None:
            free = self._budget.free(needed(options.tile))
        tile = options.tile
        while tile > LEAST_TILE and needed(tile) > free:
            tile = max(LEAST_TILE, tile // 2)
        require_bytes(needed(tile), free)
        if tile < options.tile:
            self._notes.append(
                f"it was dreamed in tiles of {tile} pixels, which is what the memory has room for"
            )
        return replace(options, tile=tile)

    def _on_step(self, step: DreamStep, context: JobContext) -> bool:
        context.report(step.step / step.steps, Stage.DREAMING)
        now = time.monotonic()
        preview = None
        previews = self._request.previews
        if previews.size and now - self._previewed >= previews.seconds:
            preview = self._preview_of(step)
            self._previewed = time.monotonic()
        self.show(
            DreamState(
                step.step,
                step.steps,
                step.octave + 1,
                step.octaves,
                step.activation,
                now - self._began,
            ),
            preview,
        )
        context.give_way()
        return not self.stopped

    def _preview_of(self, step: DreamStep) -> Preview:
        from pastiche_daemon.stylize import blend, resize, shrunk

        assert self._layer is not None
        if self._small is None:
            self._small = shrunk(self._layer, self._request.previews.size)
        small = self._small
        picture = resize(step.picture().cpu(), (small.color.shape[-2], small.color.shape[-1]))
        shown = blend(small, self._request.strength, lambda _: picture)
        return Preview(*encode_preview(self._request.layout, shown.color, small.alpha))


def input_bytes(request: DreamRequest) -> int:
    """The memory that the decoded layers take beside their own bytes."""
    guide = 0 if request.guide is None else request.guide.pixels
    return (request.layout.pixels + guide) * _BYTES_PER_PIXEL


def _invalid(error: ValueError) -> InvalidFieldError:
    """What the pictures alone could tell, such as layers that do not respond."""
    from pastiche_daemon.dream import NoGradientError

    field, _, message = str(error).partition(": ")
    reason = "NO_GRADIENT" if isinstance(error, NoGradientError) else "INVALID_FIELD"
    return InvalidFieldError(field, message, reason=reason)
