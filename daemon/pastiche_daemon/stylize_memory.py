"""How to stylize a layer within a bound of memory: as a whole, or how large its strips are."""

from __future__ import annotations

from dataclasses import dataclass

from pastiche_daemon.memory import strips_bytes, stylize_bytes

# Up to here a layer runs as a whole where the bound allows it: larger ones are no slower in strips,
# and can be stopped between them.
_WHOLE_PIXELS = 2_000_000
# Large enough that few rows are computed twice at a strip's borders.
_STRIP_PIXELS = 1 << 19
_LEAST_ROWS, _ROWS_STEP = 8, 4


@dataclass(frozen=True)
class StylizePlan:
    """How to stylize one layer.

    Attributes:
        whole: whether the network runs over the whole layer at once.
        strip_rows: the height of its strips otherwise, in its own pixels.
        map_bytes: how much of the feature maps between the strips' passes may be in memory; the
            rest goes to a file.
        work_bytes: about what the job holds in memory at once, beside the layer's own bytes.
    """

    whole: bool
    strip_rows: int
    map_bytes: int
    work_bytes: int


def plan_stylizing(
    shape: tuple[int, int], channels: tuple[int, int, int], stroke_size: float, limit: int
) -> StylizePlan:
    """How to stylize a layer of height and width `shape` within `limit` bytes.

    `channels` are the network's at full, half and quarter resolution. The least that strips take
    is needed even where it is more than the limit.
    """
    height, width = (max(1, round(side / stroke_size)) for side in shape)
    as_whole = stylize_bytes(shape[0] * shape[1], channels, stroke_size)
    if height * width <= _WHOLE_PIXELS and as_whole <= limit:
        return StylizePlan(whole=True, strip_rows=height, map_bytes=0, work_bytes=as_whole)
    # Half for the strips, half for the maps at least.
    one_row = strips_bytes(width, channels, stroke_size) - strips_bytes(0, channels, stroke_size)
    fitting = (limit // 2 - strips_bytes(0, channels, stroke_size)) // max(1, one_row)
    rows = max(_LEAST_ROWS, min(fitting, _STRIP_PIXELS // width, height + _ROWS_STEP))
    rows -= rows % _ROWS_STEP
    strips = strips_bytes(rows * width, channels, stroke_size)
    _, half, quarter = channels
    # In float32; half precision needs half of it.
    maps = height * width * max(half + quarter / 4, 2 * quarter / 4)
    in_memory = max(0, limit - strips)
    return StylizePlan(
        whole=False,
        strip_rows=rows,
        map_bytes=in_memory,
        work_bytes=strips + min(in_memory, int(maps)),
    )
