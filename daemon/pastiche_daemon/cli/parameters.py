"""Types of options that click does not have."""

from __future__ import annotations

import math
import re
from typing import Any

import click

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)


class FiniteRange(click.FloatRange):
    """A number within bounds. click's own type lets NaN pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class ByteSize(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - of newer click
    """A number of bytes such as 1.5GiB or 800M; units are powers of 1024."""

    name = "size"

    def __init__(self, least: int) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is not a size such as 1.5GiB or 800MiB.", param, ctx)
        unit = match[2].lower()
        size = int(float(match[1]) * (1 << _UNITS[unit]))
        if size < self._least:
            self.fail(f"{value} is less than {self._least >> 20} MiB.", param, ctx)
        return size
