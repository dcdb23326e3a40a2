"""Checks what a StylizeImage call asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche.v1 import stylization_pb2
from pastiche_daemon.services.fields import number
from pastiche_daemon.wire import InvalidFieldError, LayerLayout, LayerLimits, parse_layer_header

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack
    from pastiche_daemon.packs.store import PackStore

_LARGEST_PREVIEW = 1024
_LARGEST_WEIGHT = 1e6
_MOST_STYLES = 128
_STROKE_SIZES = (0.25, 4.0)


@dataclass(frozen=True)
class StylizeRequest:
    """A checked header, its styles not looked up yet."""

    layout: LayerLayout
    styles: tuple[tuple[str, float], ...]
    strength: float
    preserve_colors: bool
    stroke_size: float
    preview_size: int


@dataclass(frozen=True)
class StyleMix:
    """A pack, and a weight for every style of its network; they sum to 1."""

    pack: Pack
    weights: tuple[float, ...]


def check_request(
    header: stylization_pb2.StylizeImageHeader, limits: LayerLimits
) -> StylizeRequest:
    """Check a header without touching anything.

    Raises:
        InvalidFieldError: a field is missing or out of its range.
    """
    if not header.HasField("layer"):
        raise InvalidFieldError("layer", "is missing; it says what the bytes that follow are")
    layout = parse_layer_header(header.layer, limits)
    low, high = _STROKE_SIZES
    if header.preview_size > _LARGEST_PREVIEW:
        raise InvalidFieldError(
            "preview_size", f"must be 0 to {_LARGEST_PREVIEW} pixels, not {header.preview_size}"
        )
    return StylizeRequest(
        layout=layout,
        styles=check_styles(header.styles),
        strength=number("strength", header.strength, 0.0, 1.0)
        if header.HasField("strength")
        else 1.0,
        preserve_colors=header.preserve_colors,
        stroke_size=number("stroke_size", header.stroke_size, low, high)
        if header.HasField("stroke_size")
        else 1.0,
        preview_size=header.preview_size,
    )


def find_mix(
    store: PackStore, styles: Sequence[tuple[str, float]], field: str = "styles"
) -> StyleMix:
    """Look the styles up. Reads pack files that it has not seen yet.

    Raises:
        InvalidFieldError: they are of several packs.
        UnknownPackError, UnknownStyleError, DamagedPackError: a style is not to be had.
    """
    found = [(store.find_style(name), weight) for name, weight in styles]
    pack = found[0][0].pack
    for index, (style, _) in enumerate(found):
        if style.pack.manifest.id != pack.manifest.id:
            raise InvalidFieldError(
                f"{field}[{index}].style",
                f"is of the pack {style.pack.manifest.id!r}, the first style is of "
                f"{pack.manifest.id!r}; only styles of one pack can be mixed",
            )
        if style.pack.manifest.version != pack.manifest.version:
            raise InvalidFieldError(
                f"{field}[{index}].style",
                f"is of version {style.pack.manifest.version} of its pack, the first style is of "
                f"{pack.manifest.version}; only styles of one version can be mixed",
            )
    weights = [0.0] * len(pack.manifest.styles)
    total = sum(weight for _, weight in found)
    for style, weight in found:
        weights[style.index] += weight / total
    return StyleMix(pack, tuple(weights))


def check_styles(
    given: Sequence[stylization_pb2.StyleWeight], field: str = "styles"
) -> tuple[tuple[str, float], ...]:
    """Names and weights of a mix; `field` is its place in the request.

    Raises:
        InvalidFieldError: there are none or too many, or a name or weight makes no sense.
    """
    if not 1 <= len(given) <= _MOST_STYLES:
        raise InvalidFieldError(field, f"must name 1 to {_MOST_STYLES} styles, not {len(given)}")
    styles: list[tuple[str, float]] = []
    for index, entry in enumerate(given):
        if not entry.style:
            raise InvalidFieldError(
                f"{field}[{index}].style", "is missing; it is named packs/PACK/styles/STYLE"
            )
        weight = 1.0
        if entry.HasField("weight"):
            weight = number(f"{field}[{index}].weight", entry.weight, 0.0, _LARGEST_WEIGHT)
        styles.append((entry.style, weight))
    if not sum(weight for _, weight in styles) > 0:
        raise InvalidFieldError(field, "the weights sum to 0; one at least must be larger")
    return tuple(styles)
