"""A layer that is read by rows, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pastiche_daemon.nn.feature_store import FeatureMap, FeatureStore
from pastiche_daemon.strip_resizing import PictureRows, ResizedRows
from pastiche_daemon.stylize import (
    LayerTensors,
    amount_of,
    finite_colors,
    halve,
    own_colors,
)

Check = Callable[[], None]
"""Called between strips; what it raises stops the work."""

# Pixels that are looked at at once where no network runs.
_PIXELS = 1 << 19


class LayerRows(Protocol):
    """A layer of any size that is read by rows."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def rows(self, start: int, stop: int) -> LayerTensors:
        """Rows ``start`` to ``stop``, within 0..height."""
        ...


@dataclass(frozen=True)
class TensorRows:
    """The rows of a layer in memory."""

    layer: LayerTensors

    @property
    def height(self) -> int:
        return self.layer.color.shape[-2]

    @property
    def width(self) -> int:
        return self.layer.color.shape[-1]

    def rows(self, start: int, stop: int) -> LayerTensors:
        color, alpha, mask = self.layer.color, self.layer.alpha, self.layer.mask
        return LayerTensors(
            color[:, start:stop],
            None if alpha is None else alpha[start:stop],
            None if mask is None else mask[start:stop],
        )


@dataclass(frozen=True)
class Survey:
    """What a look at all of a layer says.

    Attributes:
        notes: tell the user what was done to unusual values.
        has_holes: whether some pixels are fully transparent.
        has_target: whether some pixels are selected and not fully transparent.
    """

    notes: tuple[str, ...]
    has_holes: bool
    has_target: bool


def survey(layer: LayerRows, check: Check) -> Survey:
    """Look at all of a layer."""
    notes: tuple[str, ...] = ()
    has_holes = has_target = False
    for start, stop in strips(layer.height, layer.width):
        check()
        part = layer.rows(start, stop)
        notes = notes or finite_colors(part)[1]
        has_holes = has_holes or (part.alpha is not None and not bool((part.alpha > 0).all()))
        has_target = has_target or bool((amount_of(part) > 0).any())
    return Survey(notes, has_holes, has_target)


def visible_rows(
    layer: LayerRows, surveyed: Survey, store: FeatureStore, check: Check
) -> PictureRows:
    """What `stylize.visible_colors` gives of a layer, by rows.

    ``store`` keeps the coarser levels of the filled picture, a third of a float32 picture with
    alpha in all, where there are holes.
    """
    if not surveyed.has_holes:
        return _Colors(layer)
    coarser = _Pyramid(store, check).filled(layer)
    return _Filled(layer, coarser)


@dataclass(frozen=True)
class _OfLayer:
    """What is made of a layer's rows, in its size."""

    layer: LayerRows

    @property
    def height(self) -> int:
        return self.layer.height

    @property
    def width(self) -> int:
        return self.layer.width


@dataclass(frozen=True)
class PlaneRows(_OfLayer):
    """One of a layer's planes, chosen by ``plane``: alpha or the mask."""

    plane: Callable[[LayerTensors], Tensor | None]

    def rows(self, start: int, stop: int) -> Tensor:
        plane = self.plane(self.layer.rows(start, stop))
        assert plane is not None
        return plane[None, None]


@dataclass(frozen=True)
class _Colors(_OfLayer):
    """The colours in 0..1."""

    def rows(self, start: int, stop: int) -> Tensor:
        return finite_colors(self.layer.rows(start, stop))[0][None]


@dataclass(frozen=True)
class _Filled(_OfLayer):
    """The colours in 0..1, those under fully transparent pixels replaced."""

    coarser: PictureRows | None

    def rows(self, start: int, stop: int) -> Tensor:
        part = self.layer.rows(start, stop)
        color = finite_colors(part)[0][None]
        if part.alpha is None or bool((part.alpha > 0).all()):
            return color
        fill = 0.0 if self.coarser is None else self.coarser.rows(start, stop)
        return torch.where(part.alpha > 0, color, fill)


@dataclass(frozen=True)
class _Level:
    """A level of the pyramid: three colours and their weight, 1 x 4 x height x width.

    The colours are weighted until the level is filled.
    """

    kept: FeatureMap
    width: int

    @property
    def height(self) -> int:
        return self.kept.height

    def rows(self, start: int, stop: int) -> Tensor:
        """The colours."""
        return self.kept.rows(start, stop)[:, :3]


class _Pyramid:
    """The levels of `stylize.fill_transparent` below the first, strip by strip."""

    def __init__(self, store: FeatureStore, check: Check) -> None:
        self._store = store
        self._check = check

    def filled(self, layer: LayerRows) -> PictureRows | None:
        """The first level's fillings, in the layer's size; None for a single pixel."""
        levels: list[_Level] = []

        def weighted(start: int, stop: int) -> Tensor:
            part = layer.rows(start, stop)
            assert part.alpha is not None
            color = finite_colors(part)[0]
            return torch.cat([color * part.alpha, part.alpha[None]])[None]

        rows, height, width, holes = weighted, layer.height, layer.width, True
        while holes and max(height, width) > 1:
            level, holes = self._halved(rows, height, width)
            levels.append(level)
            rows, height, width = level.kept.rows, level.height, level.width
        if not levels:
            return None
        filled = self._fill(levels.pop(), None)
        while levels:
            filled = self._fill(levels.pop(), filled)
        return ResizedRows.of(filled, (layer.height, layer.width))

    def _halved(
        self, rows: Callable[[int, int], Tensor], height: int, width: int
    ) -> tuple[_Level, bool]:
        """The next level, and whether it has holes."""
        kept: FeatureMap | None = None
        holes = False
        for start, stop in strips(height, width):
            self._check()
            part = halve(rows(start, stop))
            holes = holes or not bool((part[:, 3:] > 0).all())
            kept = kept or self._store.new(part, -(-height // 2))
            kept.write(start // 2, part)
        assert kept is not None
        return _Level(kept, -(-width // 2)), holes

    def _fill(self, level: _Level, coarser: _Level | None) -> _Level:
        """Overwrite a level's weighted colours with its own, and its holes with coarser ones.

        Closes the coarser level, which is not needed any more.
        """
        filling = None if coarser is None else ResizedRows.of(coarser, (level.height, level.width))
        for start, stop in strips(level.height, level.width):
            self._check()
            part = level.kept.rows(start, stop)
            weight = part[:, 3:]
            color = own_colors(part[:, :3], weight)
            if filling is not None:
                color = torch.where(weight > 0, color, filling.rows(start, stop))
            level.kept.write(start, torch.cat([color, weight], dim=1))
        if coarser is not None:
            coarser.kept.close()
        return level


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Cuts of a picture, of an even number of rows but for the last."""
    step = max(2, _PIXELS // width // 2 * 2)
    for start in range(0, height, step):
        yield start, min(height, start + step)
