"""The job behind an OptimizeImage call: what runs in the device's thread."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext, Stage
from pastiche_daemon.memory import MemoryBudget, require_bytes
from pastiche_daemon.services.optimize_request import OptimizeRequest, StyleRequest
from pastiche_daemon.services.steering import Preview, SteeredWork, answered
from pastiche_daemon.services.stylize_request import StyleMix
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    PlanesUpload,
    decode_layer,
    decode_mask,
    encode_layer,
    encode_preview,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from torch import Tensor

    from pastiche_daemon.encoders import LoadedEncoder
    from pastiche_daemon.nn.encoder import Encoder
    from pastiche_daemon.nn.image_objective import ImageTerms, Objective, WeightedStyle
    from pastiche_daemon.nn.objective import Losses
    from pastiche_daemon.nn.pixel_optimizer import StopReason
    from pastiche_daemon.optimize import Optimized, OptimizeOptions, OptimizeStep, StyleImage
    from pastiche_daemon.optimize_size import SizePlan
    from pastiche_daemon.stylize import LayerTensors

# The layers' colours in float32, clamped, scaled and mixed.
_BYTES_PER_PIXEL = 96


@dataclass(frozen=True)
class WeightedLosses:
    total: float
    content: float
    style: float
    tv: float


@dataclass(frozen=True)
class OptimizeState:
    """How far the work is. `scale` counts from 1; `seconds` since the first step began."""

    step: int = 0
    scale: int = 0
    scales: int = 0
    losses: WeightedLosses | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Finished:
    """The answer's header and bytes, and what its summary tells.

    `reason` and `losses` are None where nothing had to be optimized; `width` and `height` are then
    0.
    """

    header: layer_pb2.LayerHeader
    data: bytes | bytearray
    encoder_sha256: str
    width: int
    height: int
    steps: int
    reason: StopReason | None
    losses: WeightedLosses | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Inputs:
    """The tensors of a request. Without a content layer, `layer` is None."""

    layer: LayerTensors | None
    styles: tuple[StyleImage, ...]
    start: Tensor | None


class OptimizeWork(SteeredWork[OptimizeState]):
    """Optimizes the picture of an uploaded request."""

    def __init__(
        self,
        engine: Engine,
        budget: MemoryBudget,
        request: OptimizeRequest,
        mix: StyleMix | None,
        upload: PlanesUpload,
    ) -> None:
        """`mix` is the pack's stylization to start from, if that was asked for."""
        self._engine = engine
        self._budget = budget
        self._request = request
        self._mix = mix
        self._upload = upload
        super().__init__(OptimizeState())

    def __call__(self, context: JobContext) -> Finished:
        from pastiche_daemon.stylize import blend, resize

        request, layout = self._request, self._request.layout
        context.report(0.0, Stage.LOADING)
        self._budget.require(input_bytes(request))
        loaded = self._engine.encoder(request.encoder, request.pooling, request.precision)
        inputs = self._decoded()
        exact = self._engine.encoder(request.encoder, request.pooling, "float32")
        run = _Run(self, context, loaded.encoder, exact.encoder, inputs)
        if inputs.layer is None:
            color = resize(run.picture(None), (layout.height, layout.width))
            header, data = encode_preview(layout, color, None)
            return self._finished(header, data, loaded, run, ())
        # Where nothing changes, nothing is optimized.
        done = blend(inputs.layer, request.strength, run.picture)
        notes = done.notes
        if run.found is None:
            notes = ("nothing was optimized: the strength is 0 or nothing visible is selected",)
        data = self._upload.planes[0]
        encode_layer(layout, data, done)
        return self._finished(answered(layout.header), data, loaded, run, notes)

    @property
    def request(self) -> OptimizeRequest:
        return self._request

    def room_for(self, bytes_needed: int) -> int:
        """Bytes that are free where the networks run."""
        free = self._engine.free_bytes()
        return self._budget.free(bytes_needed) if free is None else free

    @property
    def memory_limit(self) -> int | None:
        """Bytes that it shall do with if it can."""
        return self._budget.given_limit

    def pack_picture(self, color: Tensor) -> Tensor:
        """The content as a pack's network paints it. Needs the mix."""
        from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize

        assert self._mix is not None
        network = self._engine.network(self._mix.pack)
        options = StylizeOptions(mix=self._mix.weights)
        # A copy may be optimized; what inference made may not.
        return stylize(network, LayerTensors(color), options, lambda _: None).color.clone()

    def _decoded(self) -> _Inputs:
        from pastiche_daemon.stylize import visible_colors

        request, planes = self._request, iter(self._upload.planes)
        layer = None
        if request.has_content:
            layer = decode_layer(request.layout, next(planes), next(planes))
        styles = tuple(
            _style(index, style, request.layout, planes)
            for index, style in enumerate(request.styles)
        )
        start = None
        if request.start_layout is not None:
            given = decode_layer(request.start_layout, next(planes), next(planes))
            start = visible_colors(given)
        return _Inputs(None if layer is None else _limited(layer, styles), styles, start)

    def _finished(
        self,
        header: layer_pb2.LayerHeader,
        data: bytes | bytearray,
        loaded: LoadedEncoder[Encoder],
        run: _Run,
        notes: tuple[str, ...],
    ) -> Finished:
        found = run.found
        height, width = run.shape if found else (0, 0)
        return Finished(
            header=header,
            data=data,
            encoder_sha256=loaded.sha256,
            width=width,
            height=height,
            steps=found.steps if found else 0,
            reason=found.reason if found else None,
            losses=run.best,
            notes=(*notes, *run.notes),
        )


class _Run:
    """One optimization: picks its size, runs it, and tells how it goes."""

    def __init__(
        self,
        work: OptimizeWork,
        context: JobContext,
        encoder: Encoder,
        exact: Encoder,
        inputs: _Inputs,
    ) -> None:
        self._work = work
        self._context = context
        self._encoder = encoder
        self._exact = exact
        self._inputs = inputs
        self._request = work.request
        self._began = 0.0
        self._previewed = 0.0
        self._small: LayerTensors | None = None
        self._scales = 0
        self.found: Optimized | None = None
        self.best: WeightedLosses | None = None
        self._best_scale = -1
        self.shape = (0, 0)
        self.notes: tuple[str, ...] = ()

    def picture(self, content: Tensor | None) -> Tensor:
        """The pastiche of the content's size, 3 x H x W in 0..1; of its own size without one."""
        from pastiche_daemon.optimize import optimize, scale_shapes
        from pastiche_daemon.stylize import keep_colors, resize

        request, layout = self._request, self._request.layout
        full = (layout.height, layout.width)
        plan = self._plan(full)
        self.shape, self.notes = plan.shape, _notes(plan, full, request.options.size)
        options = replace(request.options, size=None)
        device = self._encoder.preprocess.weight.device
        small = None if content is None else resize(content, self.shape).to(device)
        start = self._inputs.start
        if request.start_mix and small is not None:
            start = self._work.pack_picture(small)
        styles = [_on_device(style, device) for style in self._shrunk_styles(options)]
        self._scales = len(scale_shapes(self.shape, options.scales))
        self._began = self._previewed = time.monotonic()
        try:
            self.found = optimize(
                self._encoder,
                small,
                styles,
                options,
                self._on_step,
                start=None if start is None else start.to(device),
                shape=self.shape,
                exact=None if self._exact is self._encoder else self._exact,
                make_objective=partial(self._objective, plan),
            )
        except FloatingPointError as error:
            raise InvalidFieldError(
                "terms",
                f"{error}; use smaller weights, another normalization, or float32",
                reason="LOSS_NOT_FINITE",
            ) from error
        found = resize(self.found.color.cpu(), full)
        if content is not None and request.options.colors == "luminance":
            # The content's own colours, in full resolution.
            return keep_colors(content, found)
        return found

    def _plan(self, full: tuple[int, int]) -> SizePlan:
        from pastiche_daemon.optimize_size import OptimizeCost, plan_size, working_shape

        request, options = self._request, self._request.options
        pixels = options.pixels
        cost = OptimizeCost(
            self._encoder.spec,
            options.terms,
            tuple((style.layout.height, style.layout.width) for style in request.styles),
            options.style_scale,
            history=min(pixels.history, pixels.steps) if pixels.optimizer == "lbfgs" else 0,
            value_bytes=self._exact.value_dtype.itemsize,
            regions=sum(style.has_region for style in request.styles),
        )
        free = self._work.room_for(cost.whole(working_shape(full, options.size)))
        plan = plan_size(full, options.size, cost, free, self._work.memory_limit)
        require_bytes(plan.bytes_needed, free)
        return plan

    def _objective(
        self,
        plan: SizePlan,
        encoder: Encoder,
        terms: ImageTerms,
        content: Tensor | None,
        styles: Sequence[WeightedStyle],
        shape: tuple[int, int],
    ) -> Objective:
        from pastiche_daemon.nn.tiled_objective import TiledObjective
        from pastiche_daemon.optimize import whole_objective

        tile = plan.tile_at(shape)
        if tile is None:
            return whole_objective(encoder, terms, content, styles, shape)
        return TiledObjective(
            encoder, terms, content, styles, tile=tile, before_tile=self._before_tile
        )

    def _before_tile(self) -> bool:
        self._context.give_way()
        return not self._work.stopped

    def _shrunk_styles(self, options: OptimizeOptions) -> Iterator[StyleImage]:
        """The styles no larger than they are looked at: every scale resizes them again."""
        from pastiche_daemon.optimize_size import working_shape
        from pastiche_daemon.stylize import resize

        largest = max(32, round(max(self.shape) * options.style_scale))
        for style in self._inputs.styles:
            shape = (style.color.shape[-2], style.color.shape[-1])
            yield replace(style, color=resize(style.color, working_shape(shape, largest)))

    def _on_step(self, step: OptimizeStep) -> bool:
        self._context.report(step.step / step.steps, Stage.OPTIMIZING)
        losses = _numbers(step.losses)
        if self.best is None or step.scale != self._best_scale or losses.total < self.best.total:
            self.best, self._best_scale = losses, step.scale
        now = time.monotonic()
        state = OptimizeState(step.step, step.scale + 1, self._scales, losses, now - self._began)
        preview = None
        if self._request.previews.size and now - self._previewed >= self._request.previews.seconds:
            preview = self._preview_of(step)
            self._previewed = time.monotonic()
        self._work.show(state, preview)
        self._context.give_way()
        return not self._work.stopped

    def _preview_of(self, step: OptimizeStep) -> Preview:
        from pastiche_daemon.optimize_size import working_shape
        from pastiche_daemon.stylize import blend, resize, shrunk

        request, layer = self._request, self._inputs.layer
        picture = step.picture().cpu()
        if layer is None:
            shape = working_shape(
                (request.layout.height, request.layout.width), request.previews.size
            )
            return Preview(*encode_preview(request.layout, resize(picture, shape), None))
        if self._small is None:
            self._small = shrunk(layer, request.previews.size)
        small = self._small
        size = (small.color.shape[-2], small.color.shape[-1])
        shown = blend(small, request.strength, lambda _: resize(picture, size))
        return Preview(*encode_preview(request.layout, shown.color, small.alpha))


def _notes(plan: SizePlan, full: tuple[int, int], size: int | None) -> tuple[str, ...]:
    """What the user should know of the size that was chosen."""
    from pastiche_daemon.optimize_size import working_shape

    notes: list[str] = []
    height, width = plan.shape
    if plan.tile is not None:
        notes.append(
            f"it was optimized in tiles of at most {plan.tile} x {plan.tile} pixels, because there "
            "is not enough memory for all of it at once; the result is the same, but it takes "
            "about twice as long"
        )
    if plan.shape != full:
        limited = plan.shape != working_shape(full, size)
        why = ", which is what the memory has room for" if limited else ""
        notes.append(
            f"it was optimized at {width} x {height} pixels{why}, and the result scaled up to "
            f"{full[1]} x {full[0]}"
        )
    return tuple(notes)


def input_bytes(request: OptimizeRequest) -> int:
    """The memory that the decoded layers take beside their own bytes."""
    pixels = request.layout.pixels + sum(style.layout.pixels for style in request.styles)
    if request.start_layout is not None:
        pixels += request.start_layout.pixels
    return pixels * _BYTES_PER_PIXEL


def _limited(layer: LayerTensors, styles: Sequence[StyleImage]) -> LayerTensors:
    """The layer, masked so that it stays as it is where no style goes."""
    from pastiche_daemon.optimize import covered

    cover = covered(styles)
    if cover is None:
        return layer
    return replace(layer, mask=cover if layer.mask is None else layer.mask * cover)


def _style(
    index: int, style: StyleRequest, target: LayerLayout, planes: Iterator[bytearray]
) -> StyleImage:
    from pastiche_daemon.optimize import StyleImage
    from pastiche_daemon.stylize import counted_pixels, visible_colors

    layer = decode_layer(style.layout, next(planes), next(planes))
    region = next(planes)
    counted = counted_pixels(layer)
    if counted is not None and not bool((counted > 0).any()):
        raise InvalidFieldError(
            f"styles[{index}].layer", "is fully transparent, or nothing of it is selected"
        )
    return StyleImage(
        color=visible_colors(layer),
        weight=style.weight,
        region=decode_mask(target, region) if style.has_region else None,
        counted=counted,
    )


def _on_device(style: StyleImage, device: torch.device) -> StyleImage:
    return replace(
        style,
        color=style.color.to(device),
        region=None if style.region is None else style.region.to(device),
        counted=None if style.counted is None else style.counted.to(device),
    )


def _numbers(losses: Losses) -> WeightedLosses:
    return WeightedLosses(
        *(float(term.item()) for term in (losses.total, losses.content, losses.style, losses.tv))
    )
