"""Checks the values of options, which may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import Enum
from typing import Any, ClassVar, Protocol, TypeVar

from pastiche_client.editing.told import ToldError, marked

ChoiceT = TypeVar("ChoiceT", bound=Enum)

_LONGEST_TEXT = 4096


class IsDataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class OptionError(ToldError, ValueError):
    """A value cannot be used; `field` names it."""

    def __init__(self, field: str, template: str, **values: object) -> None:
        super().__init__(template, field=field, **values)
        self.field = field


def number(field: str, value: object, allowed: tuple[float, float]) -> float:
    """The value as a number within the range. Raises OptionError."""
    low, high = allowed
    # NaN is in no range.
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise OptionError(
        field,
        marked("{field} must be a number from {low} to {high}, not {value}."),
        low=f"{low:g}",
        high=f"{high:g}",
        value=shown(value),
    )


def flag(field: str, value: object) -> bool:
    """The value, which must be a bool. Raises OptionError."""
    if isinstance(value, bool):
        return value
    raise OptionError(
        field, marked("{field} must be true or false, not {value}."), value=shown(value)
    )


def text(field: str, value: object) -> str:
    """The value, which must be a text of at most 4096 characters. Raises OptionError."""
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        return value
    raise OptionError(field, marked("{field} must be a text, not {value}."), value=shown(value))


def choice(field: str, value: object, kind: type[ChoiceT]) -> ChoiceT:
    """The member of an enumeration with this value. Raises OptionError."""
    try:
        return kind(value)
    except ValueError:
        raise OptionError(
            field,
            marked("{field} must be one of {allowed}, not {value}."),
            allowed=", ".join(str(member.value) for member in kind),
            value=shown(value),
        ) from None


def shown(value: object) -> str:
    """A value as it may stand in a sentence."""
    try:
        return f"{value!r:.80}"
    except ValueError:  # a number of thousands of digits
        return type(value).__name__


def known_fields(kind: type[IsDataclass], values: Mapping[str, object]) -> dict[str, object]:
    """The values that fields of a dataclass have the names of."""
    return {entry.name: values[entry.name] for entry in fields(kind) if entry.name in values}


def plain_fields(options: IsDataclass) -> dict[str, Any]:
    """A dataclass's fields, and theirs, as plain values for JSON."""
    return {
        name: value.value if isinstance(value, Enum) else value
        for name, value in asdict(options).items()
    }
