"""Paints one layer like others: slowly, with pictures of how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pastiche_client.cancel import StopToken
from pastiche_client.editing import refusals
from pastiche_client.editing.eight_bits import eight_bits
from pastiche_client.editing.item_run import ItemRun
from pastiche_client.editing.run_states import Outcome, Outcomes, RunItem, RunStage, RunState
from pastiche_client.layer import Layer, Pixels
from pastiche_client.optimize_options import StyleLayer
from pastiche_client.results import OptimizeEvent, OptimizeProgress, OptimizeResult, Preview, Queued

if TYPE_CHECKING:
    import concurrent.futures

    from pastiche_client.editing.host import Post
    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.style_choice import RegionChoice, StyleChoice
    from pastiche_client.optimize_options import OptimizeOptions
    from pastiche_client.paths import DataPaths

PaintOutcome: TypeAlias = Outcome[OptimizeResult]
PaintResult: TypeAlias = Outcomes[OptimizeResult]
#: A picture, or what reads it in the thread of windows.
Picture: TypeAlias = Layer | Callable[[], Layer]
#: A mask's own bytes for the pixels of the layer that is painted, 255 is all of it; or what reads
#: them in the thread of windows.
Plane: TypeAlias = Pixels | Callable[[], Pixels]

#: What the daemon needs on both sides, in pixels.
LEAST_LAYER_SIDE = 32
LEAST_STYLE_SIDE = 16


class Painter(Protocol):
    """What paints: a `Client`."""

    @property
    def paths(self) -> DataPaths: ...

    def submit_optimize(
        self,
        target: Layer,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions | None = None,
        *,
        on_event: Callable[[OptimizeEvent], None] | None = None,
        stop: StopToken | None = None,
    ) -> concurrent.futures.Future[OptimizeResult]: ...


class PaintRun(ItemRun[OptimizeResult]):
    """A run that paints one layer; see `ItemRun`. The result has one outcome.

    `on_preview` gets pictures of how far it is, through `post`: the layer's proportions, at most
    `PREVIEW_SIDE` pixels, its order of samples, eight bits each. None comes after `on_done`.

    Args:
        item: its layer has no mask of its own if there is a strength mask.
        styles: a picture for each of the options' styles, in their order.
        regions: the mask of each style's place in the same order, None for a style without;
            may be empty if there is no style with one.
        strength_mask: the mask that the options name, if they do.
    """

    def __init__(
        self,
        client: Painter,
        item: RunItem,
        styles: Sequence[Picture],
        options: PaintOptions,
        *,
        post: Post,
        on_update: Callable[[RunState], None],
        on_preview: Callable[[Layer], None],
        on_done: Callable[[PaintResult], None],
        regions: Sequence[Plane | None] = (),
        strength_mask: Plane | None = None,
    ) -> None:
        super().__init__(client, [item], post=post, on_update=on_update, on_done=self._ended)
        self._client = client
        self._styles = tuple(styles)
        self._options = options
        self._regions = tuple(regions) or (None,) * len(self._styles)
        self._strength_mask = strength_mask
        self._stop = StopToken()
        self._on_preview = on_preview
        self._on_end = on_done
        self._has_ended = False
        self._preview_lock = threading.Lock()  # guards what follows
        self._preview: Layer | None = None

    def stop_and_keep(self) -> None:
        """End soon with the picture as it stands; it is the result. From any thread."""
        self._stop.stop()

    @property
    def is_stopping(self) -> bool:
        return self._stop.stopped

    # In the thread of windows: ---------------------------------------------------------------

    def submit(
        self,
        index: int,  # noqa: ARG002 - there is but one
        item: RunItem,
    ) -> concurrent.futures.Future[OptimizeResult]:
        choices = self._options.styles
        if not choices or len(choices) != len(self._styles):
            raise refusals.no_paint_style()
        layer = _read(item.layer)
        if min(layer.width, layer.height) < LEAST_LAYER_SIDE:
            raise refusals.layer_too_small(item.label, LEAST_LAYER_SIDE)
        styles = [
            _style(*given) for given in zip(choices, self._styles, self._regions, strict=True)
        ]
        return self._client.submit_optimize(
            self._with_strength(layer),
            styles,
            self._options.optimize_options(),
            on_event=self._heard,
            stop=self._stop,
        )

    def _with_strength(self, layer: Layer) -> Layer:
        choice, mask = self._options.strength_mask, self._strength_mask
        if (choice is None) != (mask is None):
            raise ValueError("strength_mask: must be given where the options name one, and only so")
        if choice is None or mask is None:
            return layer
        plane = _plane(choice, mask)
        if not any(plane):
            raise refusals.strength_mask_empty(choice.name)
        return replace(layer, mask=plane)

    def _ended(self, result: PaintResult) -> None:
        self._has_ended = True
        self._on_end(result)

    def _show(self) -> None:
        with self._preview_lock:
            picture, self._preview = self._preview, None
        if picture is not None and not self._has_ended:
            self._on_preview(picture)

    # In any thread: --------------------------------------------------------------------------

    def _heard(self, event: OptimizeEvent) -> None:
        if isinstance(event, Queued):
            self.tell(stage=RunStage.QUEUED, queue_position=event.position)
        elif isinstance(event, OptimizeProgress):
            self.tell(
                stage=RunStage.PAINTING if event.step else RunStage.LOADING,
                queue_position=0,
                step=event.step,
                steps=event.steps,
                fraction=event.step / event.steps if event.steps else 0.0,
            )
        elif isinstance(event, Preview):  # pyright: ignore[reportUnnecessaryIsInstance]
            picture = eight_bits(event.layer)
            with self._preview_lock:
                is_posted, self._preview = self._preview is not None, picture
            if not is_posted:
                self.post(self._show)


def _style(chosen: StyleChoice, picture: Picture, region: Plane | None) -> StyleLayer:
    if (chosen.where is None) != (region is None):
        raise ValueError("regions: must be given where a style has a place, and only there")
    style = _read(picture)
    name = chosen.name or chosen.file
    if min(style.width, style.height) < LEAST_STYLE_SIDE:
        raise refusals.style_too_small(name, LEAST_STYLE_SIDE)
    if chosen.where is None or region is None:
        return StyleLayer(style, chosen.weight)
    plane = _plane(chosen.where, region)
    if not any(plane):
        raise refusals.region_empty(chosen.where.name, name)
    return StyleLayer(style, chosen.weight, plane)


def _plane(choice: RegionChoice, mask: Plane) -> bytes:
    return choice.plane(bytes(mask() if callable(mask) else mask))


def _read(picture: Picture) -> Layer:
    return picture() if callable(picture) else picture
