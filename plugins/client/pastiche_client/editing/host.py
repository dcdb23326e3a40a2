"""What an editor's plug-in gives, and gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from pastiche_client.layer import Layer

#: Runs a callback soon, in the thread of the editor's windows and in the order given: such as
#: `GLib.idle_add`, or a Qt signal of a queued connection. May be called from any thread.
Post: TypeAlias = Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class Target:
    """A layer that was read to be stylized.

    Attributes:
        key: the editor's own handle of the layer.
        name: the layer's name.
        layer: its pixels within the selection's bounds, with the selection as mask.
        has_content: whether any pixel is visible.
    """

    key: object
    name: str
    layer: Layer
    has_content: bool


class Host(Protocol):
    """An editor."""

    def post(self, callback: Callable[[], None], /) -> None:
        """See `Post`."""
        ...
