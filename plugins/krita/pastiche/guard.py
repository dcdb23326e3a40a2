"""The boundary between what the user does and what the plug-in does."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

#: Makes a slot of a function: what that raises is told in the docker, for beyond it there is only
#: Krita's dialog with a traceback. Arguments of signals are left out.
Guard: TypeAlias = "Callable[[Callable[[], object]], Callable[..., None]]"


def guard_with(report: Callable[[Exception], None]) -> Guard:
    """A guard that gives errors to `report`."""

    def guard(function: Callable[[], object]) -> Callable[..., None]:
        def slot(*_: object) -> None:
            try:
                function()
            except Exception as error:  # noqa: BLE001 - the outermost boundary: it is reported
                report(error)

        return slot

    return guard
