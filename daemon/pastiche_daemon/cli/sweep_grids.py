"""The grids of the literature: what their rows and columns change in an optimization.

Gatys et al., "A Neural Algorithm of Artistic Style", 2015, figures 1 and 3; Gatys et al., CVPR
2016, figures 5 and 6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pastiche_client.optimize_options import OptimizeOptions, Terms

Change = Callable[[OptimizeOptions, str], OptimizeOptions]
"""Options with a value of an axis; raises ValueError where that makes no sense."""

_FIRST_LAYERS = tuple(f"conv{block}_1" for block in range(1, 6))
_LARGEST_WEIGHT = 1e12


@dataclass(frozen=True)
class Axis:
    """Rows or columns. ``values`` are the literature's."""

    values: tuple[str, ...]
    change: Change
    label: Callable[[str], str] = str


def _unchanged(options: OptimizeOptions, _: str) -> OptimizeOptions:
    return options


ONE_ROW = Axis(("",), _unchanged)


@dataclass(frozen=True)
class Grid:
    """``base`` is what all cells share, beside what the user chose."""

    about: str
    columns: Axis
    rows: Axis = ONE_ROW
    base: Callable[[OptimizeOptions], OptimizeOptions] = lambda options: options

    def cell(self, options: OptimizeOptions, row: str, column: str) -> OptimizeOptions:
        """Raises ValueError where a value makes no sense."""
        return self.columns.change(self.rows.change(self.base(options), row), column)


def layers_up_to(layer: str) -> tuple[str, ...]:
    """`conv3_1` as conv1_1, conv2_1 and conv3_1. Raises ValueError."""
    match = re.fullmatch(r"(conv|relu)([1-5])_1", layer)
    if match is None:
        raise ValueError(f"{layer!r} is not the first layer of a block, such as conv3_1 or relu5_1")
    kind, last = match.groups()
    return tuple(f"{kind}{block}_1" for block in range(1, int(last) + 1))


def _terms(options: OptimizeOptions, **changes: object) -> OptimizeOptions:
    return replace(options, terms=replace(options.terms, **changes))  # pyright: ignore[reportArgumentType]


def _number(value: str, low: float = 0.0) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= _LARGEST_WEIGHT:
        raise ValueError(f"{value!r} is not a number of at least {low:g}")
    return number


def _style_up_to(options: OptimizeOptions, layer: str) -> OptimizeOptions:
    # Equal weights that sum to 1, as in the papers.
    layers = layers_up_to(layer)
    return _terms(options, style_layers=dict.fromkeys(layers, 1 / len(layers)))


def _up_to_label(layer: str) -> str:
    layers = layers_up_to(layer)
    return layers[0] if len(layers) == 1 else f"{layers[0]} to {layers[-1]}"


def _alpha(options: OptimizeOptions, value: str) -> OptimizeOptions:
    return _terms(options, content=_number(value), style=1.0)


def _ratio_label(value: str) -> str:
    return f"α/β {value}"  # noqa: RUF001 - the papers' letters


def _gatys(options: OptimizeOptions) -> OptimizeOptions:
    """The 2015 paper's objective: its normalizations, no TV, white noise, pixels left free."""
    terms = Terms(
        tv=0.0,
        content_layers=options.terms.content_layers or {"conv4_2": 1.0},
        content_normalization="gatys",
        normalization="gatys",
    )
    return replace(
        options,
        terms=terms,
        start="noise",
        minimizer=replace(options.minimizer, pixels="free"),
    )


def _content_at(options: OptimizeOptions, layer: str) -> OptimizeOptions:
    return _terms(options, content_layers={layer: 1.0})


_WITH_STYLE, _CONTENT_ALONE, _STYLE_ALONE = "with style", "content alone", "style alone"
_WITH_CONTENT = "with content"


def _alone(options: OptimizeOptions, row: str) -> OptimizeOptions:
    """Rows of the grids that also reconstruct one of both, from noise."""
    if row == _CONTENT_ALONE:
        return replace(_terms(options, content=1.0, style=0.0, tv=0.0), start="noise")
    if row == _STYLE_ALONE:
        return replace(_terms(options, content=0.0, style=1.0, tv=0.0), start="noise")
    if row in {_WITH_STYLE, _WITH_CONTENT}:
        return options
    raise ValueError(f"{row!r} is no row of this grid")


def _encoder(options: OptimizeOptions, name: str) -> OptimizeOptions:
    return replace(options, encoder=name)


_ALGORITHMS = {"lbfgs": "L-BFGS", "adam": "Adam", "sgd": "SGD with momentum"}


def _optimizer(options: OptimizeOptions, name: str) -> OptimizeOptions:
    if name not in _ALGORITHMS:
        raise ValueError(f"{name!r} is none of {', '.join(_ALGORITHMS)}")
    minimizer = replace(options.minimizer, algorithm=name)  # pyright: ignore[reportArgumentType]
    return replace(options, minimizer=minimizer)


def _tv(options: OptimizeOptions, value: str) -> OptimizeOptions:
    return _terms(options, tv=_number(value))


def _start(options: OptimizeOptions, value: str) -> OptimizeOptions:
    kind, colon, seed = value.partition(":")
    if kind not in {"content", "style", "noise"} or (colon and not (seed.isdigit())):
        raise ValueError(f"{value!r} is neither content, style, noise nor noise:SEED")
    chosen = replace(options, start=kind)  # pyright: ignore[reportArgumentType]
    return replace(chosen, seed=int(seed)) if colon else chosen


def grids() -> Mapping[str, Grid]:
    """By name."""
    return {
        "alpha-beta": Grid(
            "Content weight over style weight, for growing sets of style layers (2015, figure 3).",
            Axis(("1e-6", "1e-5", "1e-4", "1e-3", "1e-2"), _alpha, _ratio_label),
            Axis(_FIRST_LAYERS, _style_up_to, _up_to_label),
            _gatys,
        ),
        "content-layer": Grid(
            "Content at ever deeper layers, alone and with style (2015, figure 1; 2016, figure 5).",
            Axis(("conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1", "conv5_2"), _content_at),
            Axis((_CONTENT_ALONE, _WITH_STYLE), _alone),
        ),
        "style-layers": Grid(
            "Style at growing sets of layers, alone and with content (2015, figure 1).",
            Axis(_FIRST_LAYERS, _style_up_to, _up_to_label),
            Axis((_STYLE_ALONE, _WITH_CONTENT), _alone),
        ),
        "encoder": Grid("VGG-11 to VGG-19.", Axis(("vgg11", "vgg13", "vgg16", "vgg19"), _encoder)),
        "optimizer": Grid(
            "L-BFGS, Adam and SGD.", Axis(tuple(_ALGORITHMS), _optimizer, _ALGORITHMS.__getitem__)
        ),
        "tv": Grid(
            "The weight of total variation.",
            Axis(("0", "0.5", "2", "8", "32", "128"), _tv, lambda value: f"TV {value}"),
        ),
        "start": Grid(
            "What to begin with (2016, figure 6).",
            Axis(
                ("content", "style", "noise:0", "noise:1", "noise:2", "noise:3"),
                _start,
                lambda value: value.replace(":", ", seed "),
            ),
        ),
    }
