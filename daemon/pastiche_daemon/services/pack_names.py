"""The names of packs in requests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pastiche_daemon.wire import InvalidFieldError

_PACK_NAME = re.compile(r"packs/(?P<id>[^/@]+)(?:@(?P<version>[^/@]+))?")


@dataclass(frozen=True)
class PackRef:
    """A pack; its current version if None."""

    id: str
    version: str | None = None

    @property
    def name(self) -> str:
        """As requests and answers have it."""
        at = "" if self.version is None else f"@{self.version}"
        return f"packs/{self.id}{at}"


def pack_ref(field: str, name: str) -> PackRef:
    """What a name means: `packs/PACK` or `packs/PACK@VERSION`.

    Raises:
        InvalidFieldError: it is neither; `field` is its place in the request.
    """
    match = _PACK_NAME.fullmatch(name)
    if match is None:
        raise InvalidFieldError(field, f"must be packs/PACK, not {name[:100]!r}")
    return PackRef(match["id"], match["version"])
