"""The API's names of enum values."""

from __future__ import annotations

from typing import Any


def enum_name(enum: Any, prefix: str, name: str | None) -> str | None:
    """The API's name of a value, such as `KIND_MMD_LINEAR` for `mmd-linear`; None for None.

    Raises:
        ValueError: there is none of that name; the message lists those that there are.
    """
    if name is None:
        return None
    label = f"{prefix}_{name.upper().replace('-', '_')}"
    known: list[str] = enum.keys()
    if label not in known or label.endswith("_UNSPECIFIED"):
        names = ", ".join(
            key.removeprefix(f"{prefix}_").lower().replace("_", "-")
            for key in known
            if not key.endswith("_UNSPECIFIED")
        )
        raise ValueError(f"there is no {name!r}; choose one of {names}")
    return label
