"""Checks what a LearnStyle call asks for, and turns its layers into pictures."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from pastiche.v1 import training_pb2
from pastiche_daemon.learn_store import LearnRequest
from pastiche_daemon.packs.errors import UntrustedPackError
from pastiche_daemon.packs.manifest import Id, License, Line, Name, Paragraph
from pastiche_daemon.services.fields import integer, layer_planes, number, optional
from pastiche_daemon.wire import (
    InvalidFieldError,
    LayerLayout,
    LayerLimits,
    PlannedPlane,
    decode_layer,
    parse_layer_header,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from pastiche_daemon.packs.archive import Pack
    from pastiche_daemon.packs.store import PackStore

DEFAULT_BASE = "masters"
LEAST_SIDE = 16
MOST_PHOTOGRAPHS = 64
_LARGEST_WEIGHT = 1e6
# What the training looks at: styles of this longer side, photographs of this shorter one.
_STYLE_SIDE, _PHOTOGRAPH_SIDE = 2048, 512
_BASE_NAME = re.compile(r"(?:packs/)?([^/]+)")
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class CheckedLearnRequest:
    """A checked header. `base` is the pack whose network learns."""

    request: LearnRequest
    base: Pack
    style: LayerLayout
    photographs: tuple[LayerLayout, ...]

    @property
    def planes(self) -> tuple[PlannedPlane, ...]:
        """What has to come, in this order; some of it may have no bytes."""
        planes = list(layer_planes("style", self.style))
        for index, photograph in enumerate(self.photographs):
            planes += layer_planes(f"photographs[{index}]", photograph)
        return tuple(planes)


def check_request(
    header: training_pb2.LearnStyleHeader, limits: LayerLimits, packs: PackStore
) -> CheckedLearnRequest:
    """Check a header. Reads packs: not for the event loop's thread.

    Raises:
        InvalidFieldError: a field is missing or out of its range, or the name is taken.
        PackError: the base pack is missing or damaged, or no pack without a signature may be
            installed.
    """
    if packs.trusted_only:
        raise UntrustedPackError(
            "only packs that trusted keys have signed may be installed here, and a style that is "
            "learned has no signature; learn it elsewhere, have it signed, and install it"
        )
    display_name = " ".join(header.display_name.split())
    _check_text("display_name", display_name, Name, "must be 1 to 120 printable characters")
    pack_id = header.pack_id or pack_id_of(display_name)
    _check_text(
        "pack_id",
        pack_id,
        Id,
        "must be lower-case letters, digits, _ and -, beginning with a letter, at most 63",
    )
    _check_free(header, pack_id, packs)
    _check_text("artist", header.artist, Line, "must be at most 500 printable characters")
    _check_text("attribution", header.attribution, Paragraph, "must be at most 4000 characters")
    if header.license:
        _check_text("license", header.license, License, "must be an SPDX licence expression")
    if not header.HasField("style"):
        raise InvalidFieldError("style", "is missing; it is the picture to learn from")
    if len(header.photographs) > MOST_PHOTOGRAPHS:
        raise InvalidFieldError(
            "photographs", f"must be at most {MOST_PHOTOGRAPHS}, not {len(header.photographs)}"
        )
    request = LearnRequest(
        request_id=header.request_id,
        display_name=display_name,
        pack_id=pack_id,
        replace=header.replace,
        base_pack=_base_id(header.base_pack),
        minutes=number(
            "minutes", header.minutes if header.HasField("minutes") else 10.0, 0.1, 1440.0
        ),
        steps=integer(header, "steps", 0, 1, 100_000) or None,
        style_size=integer(header, "style_size", 512, 64, _STYLE_SIDE),
        crop_size=integer(header, "crop_size", 256, 64, 512),
        content_weight=optional(header, "content_weight", 0.1, 0.0, _LARGEST_WEIGHT),
        style_weight=optional(header, "style_weight", 1.0, 0.0, _LARGEST_WEIGHT),
        tv_weight=optional(header, "tv_weight", 8.0, 0.0, _LARGEST_WEIGHT),
        also_convolutions=header.also_convolutions,
        seed=_seed(header.seed),
        artist=header.artist,
        license=header.license,
        attribution=header.attribution,
    )
    if not request.style_weight:
        raise InvalidFieldError("style_weight", "must be larger than 0, or nothing is learned")
    return CheckedLearnRequest(
        request=request,
        base=_base_pack(request.base_pack, packs),
        style=_layout(header.style, limits, "style"),
        photographs=tuple(
            _layout(photograph, limits, f"photographs[{index}]")
            for index, photograph in enumerate(header.photographs)
        ),
    )


def pack_id_of(display_name: str) -> str:
    """An id made of a name: `Café by Night` becomes `cafe-by-night`."""
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode().lower()
    name = _NOT_IN_IDS.sub("-", plain).strip("-")
    if not name[:1].isalpha():
        name = f"style-{name}".rstrip("-")
    return name[:63].rstrip("-")


def pictures(
    checked: CheckedLearnRequest, planes: Sequence[bytearray]
) -> tuple[bytes, tuple[bytes, ...]]:
    """The style image and the photographs as PNG files, no larger than they are looked at.

    Raises:
        InvalidFieldError: nothing of a picture is seen.
    """
    from pastiche_daemon.photographs import fit_long_side

    rest = iter(planes)
    style = _visible_part(checked.style, next(rest), next(rest), "style")
    if max(style.size) > _STYLE_SIDE:
        style = fit_long_side(style, _STYLE_SIDE)
    photographs = tuple(
        _png(_shrunk(_visible_part(layout, next(rest), next(rest), f"photographs[{index}]")))
        for index, layout in enumerate(checked.photographs)
    )
    return _png(style), photographs


def _visible_part(layout: LayerLayout, data: bytearray, mask: bytearray, field: str) -> Image:
    """The rectangle of a layer in which anything counts, what does not count there filled in."""
    from pastiche_daemon.photographs import tensor_picture
    from pastiche_daemon.stylize import LayerTensors, counted_pixels, visible_colors

    layer = decode_layer(layout, data, mask)
    counted = counted_pixels(layer)
    if counted is None:
        return tensor_picture(visible_colors(layer))
    seen = counted > 0
    rows, columns = (seen.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    if not rows:
        raise InvalidFieldError(field, "is fully transparent, or nothing of it is selected")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if min(bottom - top, right - left) < LEAST_SIDE:
        raise InvalidFieldError(
            field,
            f"only {right - left} x {bottom - top} pixels of it are visible and selected; "
            f"it needs at least {LEAST_SIDE} on both sides",
        )
    part = LayerTensors(layer.color[:, top:bottom, left:right], counted[top:bottom, left:right])
    return tensor_picture(visible_colors(part))


def _shrunk(picture: Image) -> Image:
    from pastiche_daemon.photographs import fit_long_side

    shorter = min(picture.size)
    if shorter <= _PHOTOGRAPH_SIDE:
        return picture
    return fit_long_side(picture, round(max(picture.size) * _PHOTOGRAPH_SIDE / shorter))


def _png(picture: Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _layout(header: Any, limits: LayerLimits, field: str) -> LayerLayout:
    layout = parse_layer_header(header, limits, field)
    if min(layout.width, layout.height) < LEAST_SIDE:
        raise InvalidFieldError(
            field,
            f"is {layout.width} x {layout.height} pixels; it needs at least {LEAST_SIDE} on both "
            "sides",
        )
    return layout


def _base_id(name: str) -> str:
    match = _BASE_NAME.fullmatch(name or DEFAULT_BASE)
    if match is None:
        raise InvalidFieldError("base_pack", f"must be packs/PACK, not {name[:100]!r}")
    return match[1]


def _base_pack(pack_id: str, packs: PackStore) -> Pack:
    pack = packs.get(pack_id)
    norm = getattr(pack.manifest.architecture, "norm", None)
    if norm != "conditional_instance":
        usable = [
            other.manifest.id
            for other in packs.list()
            if getattr(other.manifest.architecture, "norm", None) == "conditional_instance"
        ]
        raise InvalidFieldError(
            "base_pack",
            f"the pack {pack_id!r} has no conditional instance norm, so that its network cannot "
            f"learn another style; use one of {', '.join(usable[:30]) or 'none that is here'}",
            reason="BASE_NOT_CONDITIONAL",
        )
    return pack


def _check_free(header: training_pb2.LearnStyleHeader, pack_id: str, packs: PackStore) -> None:
    field = "pack_id" if header.pack_id else "display_name"
    if packs.is_built_in(pack_id):
        raise InvalidFieldError(
            field,
            f"the pack {pack_id!r} is built in and cannot be replaced; choose another name",
            reason="PACK_BUILT_IN",
        )
    taken = any(pack.manifest.id == pack_id for pack in packs.list())
    if taken and not header.replace:
        raise InvalidFieldError(
            field,
            f"a pack {pack_id!r} is installed already; choose another name, or replace it",
            reason="PACK_EXISTS",
        )


def _check_text(field: str, text: str, kind: Any, message: str) -> None:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise InvalidFieldError(field, message) from error


def _seed(seed: int) -> int:
    # What torch's generators and TOML's integers take, whatever it is multiplied with.
    return int(number("seed", seed, 0, 2**31 - 1))


def layers(checked: CheckedLearnRequest) -> Iterator[LayerLayout]:
    """All layers that come."""
    yield checked.style
    yield from checked.photographs
