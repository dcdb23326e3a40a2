"""Checks which previews a call wants."""

from __future__ import annotations

from dataclasses import dataclass

from pastiche.v1 import optimization_pb2
from pastiche_daemon.services.fields import optional
from pastiche_daemon.wire import InvalidFieldError

_LARGEST = 1024
_SECONDS = 2.0


@dataclass(frozen=True)
class PreviewRequest:
    """`size` is the longer side in pixels, 0 for none; `seconds` from one to the next."""

    size: int
    seconds: float


def check_previews(previews: optimization_pb2.Previews) -> PreviewRequest:
    """Raises InvalidFieldError."""
    if previews.size > _LARGEST:
        raise InvalidFieldError(
            "previews.size", f"must be 0 to {_LARGEST} pixels, not {previews.size}"
        )
    return PreviewRequest(
        previews.size, optional(previews, "interval_seconds", _SECONDS, 0.1, 3600.0, "previews.")
    )
