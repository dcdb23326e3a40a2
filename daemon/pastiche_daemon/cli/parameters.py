"""Types of options that click does not have."""

from __future__ import annotations

import math
from typing import Any

import click

from pastiche_daemon.sizes import parse_size, size_text


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

    def __init__(self, least: int, automatic: str | None = None) -> None:
        """`automatic` is a word that stands for 0."""
        self._least = least
        self._automatic = automatic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value == self._automatic:
            return 0
        try:
            size = parse_size(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if size < self._least:
            self.fail(f"{value} is less than {size_text(self._least)}.", param, ctx)
        return size
