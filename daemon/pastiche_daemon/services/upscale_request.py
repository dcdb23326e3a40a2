"""Checks what an UpscaleImage call asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from pastiche.v1 import upscaling_pb2
from pastiche_daemon.nn.upscaler_switches import Factor
from pastiche_daemon.packs.errors import UnknownFactorError
from pastiche_daemon.packs.manifest import UpscalerManifest
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    LayerLimits,
    parse_layer_header,
    resized_layout,
)

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack
    from pastiche_daemon.packs.store import PackStore

_PACK_NAME = re.compile(r"packs/([^/]+)")
_FACTORS: tuple[int, ...] = get_args(Factor)


@dataclass(frozen=True)
class UpscaleRequest:
    """A checked header, its pack not looked up yet. `factor` is 0 where only `pack` was given."""

    layout: LayerLayout
    pack: str
    factor: int
    match_histogram: bool


@dataclass(frozen=True)
class UpscalePlan:
    """The pack that upscales, and the layout of its answer."""

    pack: Pack
    manifest: UpscalerManifest
    answer: LayerLayout

    @property
    def factor(self) -> int:
        return self.manifest.architecture.factor


def check_request(header: upscaling_pb2.UpscaleImageHeader, limits: LayerLimits) -> UpscaleRequest:
    """Check a header without touching anything.

    Raises:
        InvalidFieldError: a field is missing or out of its range.
    """
    if not header.HasField("layer"):
        raise InvalidFieldError("layer", "is missing; it says what the bytes that follow are")
    layout = parse_layer_header(header.layer, limits)
    if header.layer.has_mask:
        raise InvalidFieldError("layer.has_mask", "must be false: the whole layer is upscaled")
    if header.pack and _PACK_NAME.fullmatch(header.pack) is None:
        raise InvalidFieldError("pack", f"must be packs/PACK, not {header.pack[:100]!r}")
    if header.factor not in (0, *_FACTORS):
        raise InvalidFieldError("factor", f"must be 2, 4 or 8, not {header.factor}")
    if not header.pack and not header.factor:
        raise InvalidFieldError("pack", "is missing; name a pack that upscales, or give a factor")
    return UpscaleRequest(layout, header.pack, header.factor, header.match_histogram)


def find_upscaler(store: PackStore, request: UpscaleRequest, limits: LayerLimits) -> UpscalePlan:
    """Look the pack up. Reads pack files that it has not seen yet.

    Raises:
        InvalidFieldError: the pack has another factor, or the answer would be too large.
        UnknownPackError, WrongPackKindError, DamagedPackError: the pack is not to be had.
        UnknownFactorError: there is no pack of that factor.
    """
    pack = _pack_of(store, request)
    manifest = pack.upscaler_manifest
    factor = manifest.architecture.factor
    if request.factor not in (0, factor):
        raise InvalidFieldError(
            "factor", f"the pack {manifest.id!r} upscales by {factor}, not {request.factor}"
        )
    layout = request.layout
    answer = resized_layout(layout, factor * layout.width, factor * layout.height)
    if (
        max(answer.width, answer.height) > limits.max_side
        or answer.pixels > limits.max_pixels
        or answer.layer_bytes > limits.max_bytes
    ):
        raise InvalidFieldError(
            "layer",
            f"the result would have {answer.width} x {answer.height} pixels; "
            f"{limits.max_side} a side and {limits.max_pixels} in all are allowed, "
            "so upscale parts of it or use a smaller factor",
        )
    return UpscalePlan(pack, manifest, answer)


def _pack_of(store: PackStore, request: UpscaleRequest) -> Pack:
    if request.pack:
        pack_id, _, version = request.pack.removeprefix("packs/").partition("@")
        return store.get(pack_id, version or None)
    found = {
        pack.manifest.id: (pack, pack.manifest.architecture.factor)
        for pack in store.list()
        if isinstance(pack.manifest, UpscalerManifest)
    }
    fitting = [pack for pack, factor in found.values() if factor == request.factor]
    if fitting:
        return min(fitting, key=lambda pack: (not store.is_built_in(pack.manifest.id), pack.path))
    there = ", ".join(f"{name} (x{factor})" for name, (_, factor) in found.items()) or "none"
    raise UnknownFactorError(
        f"there is no pack that upscales by {request.factor}; there are: {there}. "
        f"Train one with: pastiche train-upscaler --factor {request.factor}"
    )
