"""The daemon's packs and their styles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pastiche.v1 import packs_pb2


@dataclass(frozen=True)
class SliderRange:
    minimum: float
    maximum: float
    default: float

    @staticmethod
    def of(message: packs_pb2.SliderRange) -> SliderRange:
        return SliderRange(message.minimum, message.maximum, message.default_value)


@dataclass(frozen=True)
class PackSignature:
    """An Ed25519 public key in base64, and what the user calls it; empty if it is not trusted."""

    public_key: str
    key_name: str


@dataclass(frozen=True)
class Pack:
    """A pack of the daemon. `name` is `packs/{pack}`, or `packs/{pack}@{version}` where a version
    was asked for; `provenance` says how it was made.

    `factor` is that of packs that upscale, which have no styles, and 0 for packs of styles.
    `trusted` packs are built in or signed by a key that the user trusts; `signature` is None where
    nobody signed. `shared_folder` is empty unless it is in one. `versions` are all that there are,
    the newest first; the plain name means the `current` one, which is kept if it is `pinned`.
    """

    name: str
    display_name: str
    version: str
    description: str
    architecture: str
    style_count: int
    license: str
    attribution: str
    built_in: bool
    size_bytes: int
    provenance: dict[str, Any] = field(repr=False)
    strength: SliderRange
    stroke_size: SliderRange
    factor: int = 0
    signature: PackSignature | None = None
    trusted: bool = False
    shared_folder: str = ""
    versions: tuple[str, ...] = ()
    current: bool = True
    pinned: bool = False

    @property
    def id(self) -> str:
        return self.name.removeprefix("packs/").split("@", 1)[0]

    @staticmethod
    def of(message: packs_pb2.Pack) -> Pack:
        return Pack(
            name=message.name,
            display_name=message.display_name,
            version=message.version,
            description=message.description,
            architecture=message.architecture,
            style_count=message.style_count,
            license=message.license,
            attribution=message.attribution,
            built_in=message.built_in,
            size_bytes=message.size_bytes,
            provenance=json.loads(message.provenance_json or "{}"),
            strength=SliderRange.of(message.strength),
            stroke_size=SliderRange.of(message.stroke_size),
            factor=message.factor,
            signature=PackSignature(message.signature.public_key, message.signature.key_name)
            if message.HasField("signature")
            else None,
            trusted=message.trusted,
            shared_folder=message.shared_folder,
            versions=tuple(message.versions),
            current=message.current,
            pinned=message.pinned,
        )


@dataclass(frozen=True)
class Style:
    """A style of a pack. `name` is `packs/{pack}/styles/{style}`; `preview` an encoded picture."""

    name: str
    display_name: str
    artist: str
    license: str
    preview: bytes = field(repr=False)
    preview_media_type: str

    @property
    def id(self) -> str:
        return self.name.rsplit("/", 1)[-1]

    @property
    def pack_id(self) -> str:
        return self.name.removeprefix("packs/").split("/", 1)[0].split("@", 1)[0]

    @staticmethod
    def of(message: packs_pb2.Style) -> Style:
        return Style(
            name=message.name,
            display_name=message.display_name,
            artist=message.artist,
            license=message.license,
            preview=message.preview,
            preview_media_type=message.preview_media_type,
        )
