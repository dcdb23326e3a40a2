"""What a live preview shows of a layer, and how it is asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pastiche_client.editing.options import STROKE_SIZES
from pastiche_client.editing.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.options import Options
    from pastiche_client.layer import Layer

#: Longer side of a preview, in pixels.
PREVIEW_SIDE = 384
# Longer side of what the network sees for a preview: more is no longer quick.
_NETWORK_SIDE = 512
# And how much of that is the detail, the rest being its surroundings.
_DETAIL_SIDE = 320


class PreviewMode(str, Enum):
    """FIT shows the whole layer, DETAIL a part of it pixel by pixel."""

    FIT = "fit"
    DETAIL = "detail"


@dataclass(frozen=True)
class PreviewPlan:
    """What to read, and what to ask for.

    Attributes:
        x, y, width, height: the part of the layer to read, in the layer's pixels.
        out_width, out_height: the size to reduce it to; the part's own for a detail.
        options: what to ask the daemon for at that size.
        true_strokes: whether the strokes look as they will in the result, save for the scale.
        surroundings: for a detail of a layer that is larger, what to read of the layer to put
            around it, see `surround`; its own options are of no use.
    """

    x: int
    y: int
    width: int
    height: int
    out_width: int
    out_height: int
    options: Options
    true_strokes: bool
    surroundings: PreviewPlan | None = None

    def surround(self, read: Callable[[PreviewPlan], Layer]) -> Surroundings | None:
        """What to hand to the live preview beside the layer itself; None if it needs nothing.

        `read` gives the part of a plan at its size. What it raises is raised.
        """
        whole = self.surroundings
        if whole is None:
            return None
        return Surroundings(
            read(whole),
            _place(self.x, whole.width - self.width, whole.out_width - self.out_width),
            _place(self.y, whole.height - self.height, whole.out_height - self.out_height),
        )

    @property
    def scale(self) -> float:
        """Pixels of the preview for a pixel of the layer, above 0, at most 1."""
        return max(self.out_width, self.out_height) / max(self.width, self.height)


def plan_preview(
    mode: PreviewMode,
    width: int,
    height: int,
    options: Options,
    center: tuple[float, float] = (0.5, 0.5),
) -> PreviewPlan:
    """The preview of a layer of `width` x `height` pixels.

    A detail is cut out around `center` (shares of width and height, 0..1) and asked for with the
    options as they are. Fine strokes make the network see the picture enlarged, so that the detail
    is made smaller to stay quick. Its colours are those of the result only about, see
    `surroundings`.

    A fitting preview is reduced, and its strokes with it as far as that stays quick: beyond that
    they look larger than they will be, and `true_strokes` is false.

    Raises:
        ValueError: the layer has no pixels.
    """
    if width < 1 or height < 1:
        raise ValueError(f"width and height must be at least 1, not {width} x {height}")
    if mode is PreviewMode.DETAIL:
        return _detail(width, height, options, center)
    return _fit(width, height, options)


def _detail(width: int, height: int, options: Options, center: tuple[float, float]) -> PreviewPlan:
    side = min(PREVIEW_SIDE, int(_DETAIL_SIDE * options.stroke_size))
    part_width, part_height = min(width, side), min(height, side)
    x, y = _start(center[0], width, part_width), _start(center[1], height, part_height)
    around = int(_NETWORK_SIDE * min(options.stroke_size, PREVIEW_SIDE / _DETAIL_SIDE))
    surroundings = PreviewPlan(
        0, 0, width, height, min(width, around), min(height, around), options, true_strokes=False
    )
    return PreviewPlan(
        x,
        y,
        part_width,
        part_height,
        part_width,
        part_height,
        options,
        true_strokes=True,
        surroundings=None if (part_width, part_height) == (width, height) else surroundings,
    )


def _place(start: int, room: int, small_room: int) -> int:
    """Where a part that starts at `start` of `room` starts when there is less room."""
    return round(start * small_room / room) if room > 0 else 0


def _start(center: float, whole: int, part: int) -> int:
    return max(0, min(whole - part, round(center * whole - part / 2)))


def _fit(width: int, height: int, options: Options) -> PreviewPlan:
    scale = min(1.0, PREVIEW_SIDE / max(width, height))
    out_width, out_height = max(1, round(width * scale)), max(1, round(height * scale))
    wanted = options.stroke_size * scale
    least = max(STROKE_SIZES[0], max(out_width, out_height) / _NETWORK_SIDE)
    asked = min(STROKE_SIZES[1], max(wanted, least))
    return PreviewPlan(
        0,
        0,
        width,
        height,
        out_width,
        out_height,
        dataclasses.replace(options, stroke_size=asked),
        true_strokes=wanted >= least,
    )
