"""What an editor's plug-in gives to what is shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

#: Runs a callback soon, in the thread of the editor's windows and in the order given: such as
#: `GLib.idle_add`, or a Qt signal of a queued connection. May be called from any thread.
Post: TypeAlias = Callable[[Callable[[], None]], None]
