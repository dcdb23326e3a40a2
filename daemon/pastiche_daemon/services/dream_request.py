"""Checks what a DreamImage call asks for. Nothing of a layer's size is allocated here.

Takes torch's time to be imported the first time: not for the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import dream_pb2
from pastiche_daemon.services.encoder_request import (
    POOLINGS,
    PRECISIONS,
    check_layer_weights,
    find_network,
)
from pastiche_daemon.services.fields import choice, integer, layer_planes, optional
from pastiche_daemon.services.preview_request import PreviewRequest, check_previews
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    LayerLimits,
    PlannedPlane,
    parse_layer_header,
)

if TYPE_CHECKING:
    from pastiche_daemon.dream import DreamOptions, Normalization, Smoothing
    from pastiche_daemon.encoder_store import EncoderStore, NetworkFile
    from pastiche_daemon.nn.encoder import Pooling
    from pastiche_daemon.nn.runtime import Precision

Header = dream_pb2.DreamImageHeader
_Smoothing = dream_pb2.Smoothing

LEAST_GUIDE_SIDE = 16
_DEFAULT_SIZE = 768

_NORMALIZATIONS: Mapping[int, Normalization] = {
    Header.NORMALIZATION_UNSPECIFIED: "mean",
    Header.NORMALIZATION_MEAN: "mean",
    Header.NORMALIZATION_RMS: "rms",
    Header.NORMALIZATION_NONE: "none",
}
_SMOOTHINGS: Mapping[int, Smoothing] = {
    _Smoothing.KIND_UNSPECIFIED: "gaussian",
    _Smoothing.KIND_NONE: "none",
    _Smoothing.KIND_GAUSSIAN: "gaussian",
    _Smoothing.KIND_LAPLACIAN: "laplacian",
}


@dataclass(frozen=True)
class DreamRequest:
    """A checked header. `size` is the longer side to dream at, or None for the layer's own."""

    layout: LayerLayout
    guide: LayerLayout | None
    options: DreamOptions
    size: int | None
    encoder: NetworkFile
    pooling: Pooling | None
    precision: Precision | None
    strength: float
    previews: PreviewRequest

    @property
    def planes(self) -> tuple[PlannedPlane, ...]:
        """What has to come, in this order; some of it may have no bytes."""
        guide = () if self.guide is None else layer_planes("guide", self.guide)
        return (*layer_planes("layer", self.layout), *guide)


def check_request(header: Header, limits: LayerLimits, store: EncoderStore) -> DreamRequest:
    """Check a header.

    Raises:
        InvalidFieldError: a field is missing or out of its range.
        EncoderFileError: the network's weights are missing or damaged.
    """
    from pastiche_daemon.dream import SMALLEST_SIDE

    if not header.HasField("layer"):
        raise InvalidFieldError("layer", "is missing; give the layer to dream over")
    layout = parse_layer_header(header.layer, limits)
    if min(layout.width, layout.height) < SMALLEST_SIDE:
        raise InvalidFieldError(
            "layer",
            f"is {layout.width} x {layout.height} pixels; to dream over, both sides must have at "
            f"least {SMALLEST_SIDE}",
        )
    guide = None
    if header.HasField("guide"):
        guide = parse_layer_header(header.guide, limits, "guide")
        if min(guide.width, guide.height) < LEAST_GUIDE_SIDE:
            raise InvalidFieldError(
                "guide",
                f"is {guide.width} x {guide.height} pixels; a guide needs at least "
                f"{LEAST_GUIDE_SIDE} on both sides",
            )
    encoder = find_network(header.encoder, store)
    pooling = choice("encoder.pooling", header.encoder.pooling, POOLINGS)
    if pooling is not None and store.only_dreams(encoder.name):
        raise InvalidFieldError("encoder.pooling", f"{encoder.name} has its own; leave it")
    size = integer(header, "size", _DEFAULT_SIZE, 0, 65535)
    if 0 < size < SMALLEST_SIDE:
        raise InvalidFieldError("size", f"must be 0 or at least {SMALLEST_SIDE} pixels, not {size}")
    return DreamRequest(
        layout=layout,
        guide=guide,
        options=_options(header, encoder),
        size=size or None,
        encoder=encoder,
        pooling=pooling,
        precision=choice("encoder.precision", header.encoder.precision, PRECISIONS),
        strength=optional(header, "strength", 1.0, 0.0, 1.0),
        previews=check_previews(header.previews),
    )


def _options(header: Header, encoder: NetworkFile) -> DreamOptions:
    from pastiche_daemon.dream import MOST_OCTAVES, DreamOptions, default_layers

    layers = check_layer_weights(header.layers, "layers", encoder)
    default = DreamOptions(layers or default_layers(encoder.name, encoder.layers))
    smoothing = header.smoothing
    return DreamOptions(
        layers=default.layers,
        octaves=integer(header, "octaves", default.octaves, 1, MOST_OCTAVES),
        octave_scale=optional(header, "octave_scale", default.octave_scale, 1.01, 4.0),
        steps=integer(header, "steps", default.steps, 1, 10_000),
        step_size=optional(header, "step_size", default.step_size, 1e-12, 1e12),
        normalization=choice("normalization", header.normalization, _NORMALIZATIONS),
        smoothing=choice("smoothing.kind", smoothing.kind, _SMOOTHINGS),
        sigma=optional(smoothing, "sigma", default.sigma, 0.01, 64.0, "smoothing."),
        levels=integer(smoothing, "levels", default.levels, 1, 12, "smoothing."),
        jitter=integer(header, "jitter", default.jitter, 0, 512),
        tile=integer(header, "tile", default.tile, 128, 4096),
        seed=header.seed,
    )
