"""Checks of single fields of a request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pastiche.v1 import layer_pb2
from pastiche_daemon.wire import InvalidFieldError, LayerLayout, PlannedPlane

T = TypeVar("T")


def number(field: str, value: float, low: float, high: float) -> float:
    """The value, if it is a number within these bounds; else raises InvalidFieldError."""
    if math.isnan(value) or not low <= value <= high:
        raise InvalidFieldError(field, f"must be a number from {low:g} to {high:g}, not {value:g}")
    return value


def optional(
    message: Any, name: str, default: float, low: float, high: float, prefix: str = ""
) -> float:
    """The number of an optional field, `prefix` being where the message is."""
    if not message.HasField(name):
        return default
    return number(f"{prefix}{name}", getattr(message, name), low, high)


def integer(message: Any, name: str, default: int, low: int, high: int, prefix: str = "") -> int:
    """As `optional`, for whole numbers."""
    if not message.HasField(name):
        return default
    value = getattr(message, name)
    if not low <= value <= high:
        raise InvalidFieldError(f"{prefix}{name}", f"must be {low} to {high}, not {value}")
    return value


def choice(field: str, value: int, choices: Mapping[Any, T]) -> T:
    """What an enum's value stands for."""
    if value not in choices:
        raise InvalidFieldError(field, f"{value} has no meaning; see the API's description")
    return choices[value]


def layer_planes(owner: str, layout: LayerLayout) -> tuple[PlannedPlane, PlannedPlane]:
    """What comes of a layer: its pixels, and a mask, which may have no bytes."""
    return (
        PlannedPlane(layer_pb2.PLANE_LAYER, layout.layer_bytes, owner),
        PlannedPlane(layer_pb2.PLANE_MASK, layout.mask_bytes, owner),
    )
