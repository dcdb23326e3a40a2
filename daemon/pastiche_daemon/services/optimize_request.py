"""Checks what an OptimizeImage call asks for. Nothing of a layer's size is allocated here.

Takes torch's time to be imported the first time: not for the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2, optimization_pb2
from pastiche_daemon.services.encoder_request import (
    LARGEST_WEIGHT,
    POOLINGS,
    PRECISIONS,
    check_layer_weights,
    check_layers,
    find_encoder,
)
from pastiche_daemon.services.fields import choice, integer, layer_planes, number, optional
from pastiche_daemon.services.preview_request import PreviewRequest, check_previews
from pastiche_daemon.services.stylize_request import check_styles
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    LayerLimits,
    PlannedPlane,
    parse_layer_header,
)

if TYPE_CHECKING:
    from pastiche_daemon.encoder_store import EncoderFile, EncoderStore
    from pastiche_daemon.nn.encoder import Pooling
    from pastiche_daemon.nn.image_objective import ImageTerms
    from pastiche_daemon.nn.losses import ContentNormalization, Distance
    from pastiche_daemon.nn.pixel_optimizer import (
        OptimizerName,
        PixelOptions,
        PixelRange,
        Variables,
    )
    from pastiche_daemon.nn.runtime import Precision
    from pastiche_daemon.nn.style_statistics import (
        StatisticKind,
        StatisticNormalization,
        StyleStatistic,
    )
    from pastiche_daemon.optimize import Colors, OptimizeOptions, Start

Header = optimization_pb2.OptimizeImageHeader
_Terms = optimization_pb2.ObjectiveTerms
_Statistic = optimization_pb2.StyleStatistic
_Minimizer = optimization_pb2.Minimizer
_Start = optimization_pb2.StartPicture

MOST_STYLES = 16
LEAST_STYLE_SIDE = 16
_MOST_STEPS = 100_000
_LONGEST_SECONDS = 7 * 24 * 3600.0
_DEFAULT_SIZE = 512

_STATISTICS: Mapping[int, StatisticKind] = {
    _Statistic.KIND_UNSPECIFIED: "gram",
    _Statistic.KIND_GRAM: "gram",
    _Statistic.KIND_MMD_LINEAR: "mmd-linear",
    _Statistic.KIND_MMD_POLYNOMIAL: "mmd-polynomial",
    _Statistic.KIND_MMD_GAUSSIAN: "mmd-gaussian",
    _Statistic.KIND_MOMENTS: "moments",
    _Statistic.KIND_WASSERSTEIN: "wasserstein",
}
_STATISTIC_NORMALIZATIONS: Mapping[int, StatisticNormalization] = {
    _Statistic.NORMALIZATION_UNSPECIFIED: "target",
    _Statistic.NORMALIZATION_TARGET: "target",
    _Statistic.NORMALIZATION_GATYS: "gatys",
    _Statistic.NORMALIZATION_NONE: "none",
}
_DISTANCES: Mapping[int, Distance] = {
    optimization_pb2.DISTANCE_UNSPECIFIED: "l2",
    optimization_pb2.DISTANCE_L2: "l2",
    optimization_pb2.DISTANCE_L1: "l1",
}
_CONTENT_NORMALIZATIONS: Mapping[int, ContentNormalization] = {
    optimization_pb2.CONTENT_NORMALIZATION_UNSPECIFIED: "target",
    optimization_pb2.CONTENT_NORMALIZATION_TARGET: "target",
    optimization_pb2.CONTENT_NORMALIZATION_JOHNSON: "johnson",
    optimization_pb2.CONTENT_NORMALIZATION_GATYS: "gatys",
}
_COLORS: Mapping[int, Colors] = {
    optimization_pb2.COLORS_UNSPECIFIED: "style",
    optimization_pb2.COLORS_STYLE: "style",
    optimization_pb2.COLORS_LUMINANCE: "luminance",
    optimization_pb2.COLORS_RECOLORED: "recolored",
}
_ALGORITHMS: Mapping[int, OptimizerName] = {
    _Minimizer.ALGORITHM_UNSPECIFIED: "adam",
    _Minimizer.ALGORITHM_LBFGS: "lbfgs",
    _Minimizer.ALGORITHM_ADAM: "adam",
    _Minimizer.ALGORITHM_SGD: "sgd",
}
_PIXELS: Mapping[int, PixelRange] = {
    _Minimizer.PIXELS_UNSPECIFIED: "projected",
    _Minimizer.PIXELS_PROJECTED: "projected",
    _Minimizer.PIXELS_FREE: "free",
}
_VARIABLES: Mapping[int, Variables | None] = {
    _Minimizer.VARIABLES_UNSPECIFIED: None,
    _Minimizer.VARIABLES_PIXELS: "pixels",
    _Minimizer.VARIABLES_PYRAMID: "pyramid",
}
_STARTS: Mapping[int, Start] = {
    _Start.KIND_CONTENT: "content",
    _Start.KIND_STYLE: "style",
    _Start.KIND_NOISE: "noise",
}


@dataclass(frozen=True)
class StyleRequest:
    """A checked style image. `has_region`: a plane of the target's pixels comes with it."""

    layout: LayerLayout
    weight: float
    has_region: bool


@dataclass(frozen=True)
class OptimizeRequest:
    """A checked header.

    `layout` is the content's, or without one (`has_content`) that of the answer. `start_layout` is
    of the picture to start from, `start_mix` holds styles of a pack that are not looked up yet.
    """

    layout: LayerLayout
    has_content: bool
    styles: tuple[StyleRequest, ...]
    options: OptimizeOptions
    encoder: EncoderFile
    pooling: Pooling | None
    precision: Precision | None
    start_layout: LayerLayout | None
    start_mix: tuple[tuple[str, float], ...]
    strength: float
    previews: PreviewRequest

    @property
    def planes(self) -> tuple[PlannedPlane, ...]:
        """What has to come, in this order; some of it may have no bytes."""
        planes = list(layer_planes("content", self.layout)) if self.has_content else []
        for index, style in enumerate(self.styles):
            owner = f"styles[{index}]"
            planes += layer_planes(owner, style.layout)
            size = self.layout.pixels if style.has_region else 0
            planes.append(PlannedPlane(layer_pb2.PLANE_REGION, size, owner))
        if self.start_layout is not None:
            planes += layer_planes("start", self.start_layout)
        return tuple(planes)


def check_request(header: Header, limits: LayerLimits, store: EncoderStore) -> OptimizeRequest:
    """Check a header.

    Raises:
        InvalidFieldError: a field is missing or out of its range.
        EncoderFileError: the encoder's weights are missing or damaged.
    """
    from pastiche_daemon.optimize import OptimizeOptions

    layout, has_content = _target(header, limits)
    styles = _styles(header.styles, layout, limits)
    encoder = find_encoder(header.encoder, store)
    if not has_content and header.colors in {
        optimization_pb2.COLORS_LUMINANCE,
        optimization_pb2.COLORS_RECOLORED,
    }:
        raise InvalidFieldError("colors", "a texture has no content to keep the colours of")
    start, start_layout, start_mix = _start(header.start, limits, has_content, bool(styles))
    strength = optional(header, "strength", 1.0, 0.0, 1.0)
    if not has_content and strength != 1.0:
        raise InvalidFieldError("strength", "a texture has no layer to fade from; leave it at 1")
    size = integer(header, "size", _DEFAULT_SIZE, 0, 65535)
    if 0 < size < 32:
        raise InvalidFieldError("size", f"must be 0 or at least 32 pixels, not {size}")
    try:
        options = OptimizeOptions(
            terms=_terms(header.terms, encoder, has_content, bool(styles), header.seed),
            pixels=_pixels(header.minimizer),
            start=start,
            scales=integer(header, "scales", 1, 1, 8),
            size=size or None,
            style_scale=optional(header, "style_scale", 1.0, 0.1, 10.0),
            colors=choice("colors", header.colors, _COLORS),
            seed=header.seed,
        )
    except ValueError as error:  # what single fields do not tell
        raise InvalidFieldError("header", str(error)) from error
    return OptimizeRequest(
        layout=layout,
        has_content=has_content,
        styles=styles,
        options=options,
        encoder=encoder,
        pooling=choice("encoder.pooling", header.encoder.pooling, POOLINGS),
        precision=choice("encoder.precision", header.encoder.precision, PRECISIONS),
        start_layout=start_layout,
        start_mix=start_mix,
        strength=strength,
        previews=check_previews(header.previews),
    )


def _target(header: Header, limits: LayerLimits) -> tuple[LayerLayout, bool]:
    from pastiche_daemon.optimize import SMALLEST_SIDE

    target = header.WhichOneof("target")
    if target is None:
        raise InvalidFieldError(
            "content", "is missing; give the layer to repaint, or the size of a texture"
        )
    layout = parse_layer_header(getattr(header, target), limits, target)
    if min(layout.width, layout.height) < SMALLEST_SIDE:
        raise InvalidFieldError(
            target,
            f"is {layout.width} x {layout.height} pixels; to be optimized, both sides must have "
            f"at least {SMALLEST_SIDE}",
        )
    if target == "texture":
        if layout.header.has_mask:
            raise InvalidFieldError("texture.has_mask", "a texture has no selection")
        packed = layout.width * layout.samples.count * layout.dtype.itemsize
        if layout.row_stride != packed:
            raise InvalidFieldError("texture.row_stride", "a texture has no padding; leave it at 0")
    return layout, target == "content"


def _styles(
    given: Sequence[optimization_pb2.StyleSource], target: LayerLayout, limits: LayerLimits
) -> tuple[StyleRequest, ...]:
    if len(given) > MOST_STYLES:
        raise InvalidFieldError("styles", f"must be at most {MOST_STYLES}, not {len(given)}")
    styles: list[StyleRequest] = []
    for index, entry in enumerate(given):
        field = f"styles[{index}]"
        if not entry.HasField("layer"):
            raise InvalidFieldError(f"{field}.layer", "is missing")
        layout = parse_layer_header(entry.layer, limits, f"{field}.layer")
        if min(layout.width, layout.height) < LEAST_STYLE_SIDE:
            raise InvalidFieldError(
                f"{field}.layer",
                f"is {layout.width} x {layout.height} pixels; a style needs at least "
                f"{LEAST_STYLE_SIDE} on both sides",
            )
        region = (entry.region.width, entry.region.height)
        if entry.HasField("region") and region != (target.width, target.height):
            raise InvalidFieldError(
                f"{field}.region",
                f"is {region[0]} x {region[1]} pixels; it must have the "
                f"{target.width} x {target.height} of the target",
            )
        weight = optional(entry, "weight", 1.0, 0.0, LARGEST_WEIGHT, f"{field}.")
        styles.append(StyleRequest(layout, weight, entry.HasField("region")))
    if styles and not any(style.weight for style in styles):
        raise InvalidFieldError("styles", "the weights are all 0; one at least must be larger")
    return tuple(styles)


def _start(
    given: _Start, limits: LayerLimits, has_content: bool, has_styles: bool
) -> tuple[Start, LayerLayout | None, tuple[tuple[str, float], ...]]:
    """What `OptimizeOptions.start` is to be, and where the picture comes from."""
    kind = given.kind
    if given.HasField("layer") != (kind == _Start.KIND_LAYER):
        raise InvalidFieldError("start.layer", "belongs to the kind LAYER, which needs it")
    if bool(given.styles) != (kind == _Start.KIND_PACK):
        raise InvalidFieldError("start.styles", "belong to the kind PACK, which needs them")
    if kind == _Start.KIND_UNSPECIFIED:
        return "content" if has_content else "noise", None, ()
    if kind in {_Start.KIND_CONTENT, _Start.KIND_PACK} and not has_content:
        raise InvalidFieldError("start.kind", "there is no content; start from noise or a style")
    if kind == _Start.KIND_STYLE and not has_styles:
        raise InvalidFieldError("start.kind", "there is no style to start from")
    if kind == _Start.KIND_LAYER:
        return "image", parse_layer_header(given.layer, limits, "start.layer"), ()
    if kind == _Start.KIND_PACK:
        return "image", None, check_styles(given.styles, "start.styles")
    return choice("start.kind", kind, _STARTS), None, ()


def _terms(
    given: _Terms, encoder: EncoderFile, has_content: bool, has_styles: bool, seed: int
) -> ImageTerms:
    from pastiche_daemon.nn.image_objective import ImageTerms

    default = ImageTerms()
    content = _weight(given, "content_weight", default.content if has_content else 0.0)
    style = _weight(given, "style_weight", default.style)
    tv = _weight(given, "tv_weight", default.tv)
    if content == style == tv == 0:
        raise InvalidFieldError(
            "terms", "the weights of content, style and total variation are all 0; give one of them"
        )
    if content and not has_content:
        raise InvalidFieldError("terms.content_weight", "a texture has no content; leave it at 0")
    if style and not has_styles:
        raise InvalidFieldError("styles", "are missing; give one, or set terms.style_weight to 0")
    content_layers = check_layer_weights(given.content_layers, "terms.content_layers", encoder)
    style_layers = check_layer_weights(given.style_layers, "terms.style_layers", encoder)
    used_content = content_layers or dict(default.content_layers)
    used_style = style_layers or dict(default.style_layers)
    if content:
        check_layers(used_content, "terms.content_layers", encoder)
    if style:
        check_layers(used_style, "terms.style_layers", encoder)
    return ImageTerms(
        content=content,
        style=style,
        tv=tv,
        tv_exponent=optional(given, "tv_exponent", default.tv_exponent, 0.01, 16.0, "terms."),
        content_layers=used_content,
        style_layers=used_style,
        content_distance=choice("terms.content_distance", given.content_distance, _DISTANCES),
        content_normalization=choice(
            "terms.content_normalization", given.content_normalization, _CONTENT_NORMALIZATIONS
        ),
        statistic=_statistic(given.statistic, seed),
    )


def _statistic(given: _Statistic, seed: int) -> StyleStatistic:
    from pastiche_daemon.nn.style_statistics import StyleStatistic

    field = "terms.statistic."
    kind = choice(f"{field}kind", given.kind, _STATISTICS)
    distance = choice(f"{field}distance", given.distance, _DISTANCES)
    if kind == "wasserstein" and distance != "l2":
        raise InvalidFieldError(f"{field}distance", "WASSERSTEIN has its own; leave it at L2")
    return StyleStatistic(
        kind=kind,
        distance=distance,
        normalization=choice(
            f"{field}normalization", given.normalization, _STATISTIC_NORMALIZATIONS
        ),
        constant=optional(given, "constant", 0.0, 0.0, 1e12, field),
        bandwidth=optional(given, "bandwidth", 1.0, 1e-6, 1e6, field),
        features=integer(given, "features", 512, 1, 8192, field),
        seed=seed,
    )


def _pixels(given: _Minimizer) -> PixelOptions:
    from pastiche_daemon.nn.pixel_optimizer import PixelOptions

    rate = None
    if given.HasField("learning_rate"):
        rate = number("minimizer.learning_rate", given.learning_rate, 1e-12, 1e12)
    seconds = number("minimizer.max_seconds", given.max_seconds, 0.0, _LONGEST_SECONDS)
    return PixelOptions(
        optimizer=choice("minimizer.algorithm", given.algorithm, _ALGORITHMS),
        steps=integer(given, "steps", 300, 1, _MOST_STEPS, "minimizer."),
        learning_rate=rate,
        momentum=optional(given, "momentum", 0.9, 0.0, 0.9999, "minimizer."),
        pixels=choice("minimizer.pixels", given.pixels, _PIXELS),
        variables=choice("minimizer.variables", given.variables, _VARIABLES),
        max_seconds=seconds or None,
        tolerance=number("minimizer.tolerance", given.tolerance, 0.0, 0.9999),
    )


def _weight(given: _Terms, name: str, default: float) -> float:
    return optional(given, name, default, 0.0, LARGEST_WEIGHT, "terms.")
