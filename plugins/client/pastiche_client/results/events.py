"""What is told of every call while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche_client.layer import Layer


@dataclass(frozen=True)
class Queued:
    """The call waits; `position` calls run before it."""

    position: int


@dataclass(frozen=True)
class Preview:
    """A quick picture of the result, smaller than the layer."""

    layer: Layer
