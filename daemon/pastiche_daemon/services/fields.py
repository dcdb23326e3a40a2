"""Checks of single fields of a request."""

from __future__ import annotations

import math

from pastiche_daemon.wire import InvalidFieldError


def number(field: str, value: float, low: float, high: float) -> float:
    """The value, if it is a number within these bounds; else raises InvalidFieldError."""
    if math.isnan(value) or not low <= value <= high:
        raise InvalidFieldError(field, f"must be a number from {low:g} to {high:g}, not {value:g}")
    return value
