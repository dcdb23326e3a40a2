"""The header of an OptimizeImage call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche.v1 import layer_pb2, optimization_pb2, stylization_pb2
from pastiche_client.enum_names import enum_name
from pastiche_client.layer import Layer
from pastiche_client.optimize_options import PackStart
from pastiche_client.pictures import layer_header
from pastiche_client.style_names import style_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pastiche_client.optimize_options import (
        Minimizer,
        OptimizeOptions,
        StyleLayer,
        Terms,
        Texture,
    )

_Choice = optimization_pb2.EncoderChoice
_Minimizer = optimization_pb2.Minimizer
_Start = optimization_pb2.StartPicture
_Statistic = optimization_pb2.StyleStatistic


def optimize_header(
    target: Layer | Texture,
    styles: Sequence[StyleLayer],
    options: OptimizeOptions,
    request_id: str,
) -> optimization_pb2.OptimizeImageHeader:
    """Raises ValueError where a name in the options is none that the API has."""
    content = target if isinstance(target, Layer) else None
    return optimization_pb2.OptimizeImageHeader(
        request_id=request_id,
        content=None if content is None else layer_header(content),
        texture=None if isinstance(target, Layer) else _texture(target),
        styles=[_style(style, target) for style in styles],
        terms=_terms(options.terms),
        encoder=encoder_choice(options.encoder, options.pooling, options.precision),
        minimizer=_minimizer(options.minimizer),
        start=_start(options),
        size=options.size,
        scales=options.scales,
        style_scale=options.style_scale,
        colors=enum_name(optimization_pb2.Colors, "COLORS", options.colors),
        seed=options.seed,
        strength=options.strength if isinstance(target, Layer) else None,
        previews=optimization_pb2.Previews(
            size=options.preview_size, interval_seconds=options.preview_seconds
        ),
    )


def encoder_choice(name: str, pooling: str | None, precision: str | None) -> _Choice:
    """An empty name is the built-in encoder's, None leaves it to the daemon. Raises ValueError."""
    return _Choice(
        name=name,
        pooling=enum_name(_Choice.Pooling, "POOLING", pooling),
        precision=enum_name(_Choice.Precision, "PRECISION", precision),
    )


def _texture(texture: Texture) -> layer_pb2.LayerHeader:
    return layer_pb2.LayerHeader(
        width=texture.width,
        height=texture.height,
        format=layer_pb2.PixelFormat.Name(texture.format),
        sample_type=layer_pb2.SampleType.Name(texture.sample_type),
    )


def _style(style: StyleLayer, target: Layer | Texture) -> optimization_pb2.StyleSource:
    region = None
    if style.region is not None:
        region = optimization_pb2.Region(width=target.width, height=target.height)
    return optimization_pb2.StyleSource(
        layer=layer_header(style.layer), weight=style.weight, region=region
    )


def _terms(terms: Terms) -> optimization_pb2.ObjectiveTerms:
    normalization = enum_name(
        optimization_pb2.ContentNormalization, "CONTENT_NORMALIZATION", terms.content_normalization
    )
    return optimization_pb2.ObjectiveTerms(
        content_weight=terms.content,
        style_weight=terms.style,
        tv_weight=terms.tv,
        tv_exponent=terms.tv_exponent,
        content_layers=layer_weights(terms.content_layers),
        style_layers=layer_weights(terms.style_layers),
        content_distance=_distance(terms.content_distance),
        content_normalization=normalization,
        statistic=_Statistic(
            kind=enum_name(_Statistic.Kind, "KIND", terms.statistic),
            distance=_distance(terms.distance),
            normalization=enum_name(_Statistic.Normalization, "NORMALIZATION", terms.normalization),
            constant=terms.constant,
            bandwidth=terms.bandwidth,
            features=terms.features,
        ),
    )


def layer_weights(layers: Mapping[str, float]) -> list[optimization_pb2.LayerWeight]:
    """Layers with their weights, as messages."""
    return [
        optimization_pb2.LayerWeight(layer=name, weight=weight) for name, weight in layers.items()
    ]


def _minimizer(minimizer: Minimizer) -> _Minimizer:
    return _Minimizer(
        algorithm=enum_name(_Minimizer.Algorithm, "ALGORITHM", minimizer.algorithm),
        learning_rate=minimizer.learning_rate,
        momentum=minimizer.momentum,
        steps=minimizer.steps,
        max_seconds=minimizer.max_seconds,
        tolerance=minimizer.tolerance,
        pixels=enum_name(_Minimizer.Pixels, "PIXELS", minimizer.pixels),
        variables=enum_name(_Minimizer.Variables, "VARIABLES", minimizer.variables),
    )


def _start(options: OptimizeOptions) -> _Start:
    start = options.start
    if isinstance(start, Layer):
        return _Start(kind="KIND_LAYER", layer=layer_header(start))
    if isinstance(start, PackStart):
        styles = [
            stylization_pb2.StyleWeight(style=name, weight=share)
            for name, share in style_shares(start.styles)
        ]
        return _Start(kind="KIND_PACK", styles=styles)
    return _Start(kind=enum_name(_Start.Kind, "KIND", start))


def _distance(name: str | None) -> str | None:
    return enum_name(optimization_pb2.Distance, "DISTANCE", name)
