"""What the recipes of all kinds have in common: the text that is stored with a layer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn, TypeVar, cast

from pastiche_client.editing.option_values import OptionError
from pastiche_client.editing.told import ToldError, marked

OptionsT = TypeVar("OptionsT")

#: The name of the GIMP parasite, and of the Krita annotation.
RECIPE_NAME = "pastiche-recipe"
#: Bytes that a recipe may have.
LARGEST_RECIPE = 64 * 1024
SCHEMA = 1

_LONGEST_TEXT = 1000
_LONGEST_NAME = 80
_MOST_NOTES = 32


class RecipeError(ToldError, ValueError):
    """A text is no recipe that can be used."""


class RecipeKind(str, Enum):
    """What a layer was made with. Recipes without a kind are of the first one."""

    STYLIZE = "stylize"
    PAINT = "paint"


@dataclass(frozen=True)
class RecipeText:
    """A recipe's text, taken apart.

    Attributes:
        kind: what the layer was made with.
        values: everything that stands in it.
    """

    kind: RecipeKind
    values: Mapping[str, object]

    @staticmethod
    def parse(text: str | bytes) -> RecipeText:
        """Raises RecipeError for what is no recipe, damaged, or of a newer Pastiche."""
        values = _object(text)
        schema = values.get("schema")
        if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            damaged("schema")
        kinds = {kind.value: kind for kind in RecipeKind}
        named = values.get("kind", RecipeKind.STYLIZE.value)
        if not isinstance(named, str):
            damaged("kind")
        if schema > SCHEMA or named not in kinds:
            raise RecipeError(
                marked(
                    "The recipe was written by a newer Pastiche ({version}). "
                    "Update Pastiche to load it."
                ),
                version=_text(values, "pastiche_version") or "?",
            )
        return RecipeText(kinds[named], values)

    def require(self, kind: RecipeKind) -> None:
        """Raises RecipeError for a recipe of another kind."""
        if self.kind is kind:
            return
        if self.kind is RecipeKind.PAINT:
            raise RecipeError(
                marked(
                    "The layer was painted like another layer: load its recipe in “Paint like "
                    "another layer”."
                )
            )
        raise RecipeError(
            marked("The layer was made with a trained style: load its recipe in “Pastiche”.")
        )

    def text(self, name: str) -> str:
        """A value that is a text, empty if it is missing. Raises RecipeError."""
        return _text(self.values, name)

    def count(self, name: str) -> int:
        """A value that is a number of something, 0 if it is missing. Raises RecipeError."""
        value = self.values.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
            damaged(name)
        return value

    def options(self, read: Callable[[Mapping[str, object]], OptionsT]) -> OptionsT:
        """The options, as `read` makes them of plain values. Raises RecipeError."""
        try:
            return read(self._options())
        except OptionError as error:
            raise RecipeError(
                marked("The recipe cannot be used: its {field} is wrong ({problem})"),
                field=error.field,
                problem=str(error),
            ) from error

    def ignored(self, unknown: Callable[[Mapping[str, object]], Sequence[str]]) -> tuple[str, ...]:
        """The names of options that `unknown` finds to be unknown here."""
        return tuple(name[:_LONGEST_NAME] for name in unknown(self._options())[:_MOST_NOTES])

    def notes(self) -> tuple[str, ...]:
        """What the daemon told about the layer. Raises RecipeError."""
        notes = self.values.get("notes", [])
        if not isinstance(notes, list):
            damaged("notes")
        texts = cast("list[object]", notes)
        return kept_notes([note for note in texts if isinstance(note, str)])

    def _options(self) -> dict[str, object]:
        chosen = self.values.get("options")
        if not isinstance(chosen, dict):
            damaged("options")
        return cast("dict[str, object]", chosen)


def dumps(kind: RecipeKind, values: Mapping[str, Any], notes: Sequence[str]) -> str:
    """JSON in ASCII, at most LARGEST_RECIPE bytes: the values, and the notes if there is room.

    Raises:
        RecipeError: the values alone are too long.
    """
    head = {"schema": SCHEMA, "program": "pastiche", "kind": kind.value}
    for kept in (list(notes), []):
        text = json.dumps({**head, **values, "notes": kept}, indent=1)
        if len(text) <= LARGEST_RECIPE:
            return text
    raise RecipeError(marked("The recipe is too long to be stored with the layer."))


def kept_notes(notes: Sequence[str]) -> tuple[str, ...]:
    """Notes as a recipe keeps them: not too many, and none too long."""
    return tuple(note[:_LONGEST_TEXT] for note in notes[:_MOST_NOTES])


def damaged(name: str) -> NoReturn:
    """Raises RecipeError for a value that is missing or wrong."""
    raise RecipeError(
        marked("The layer's recipe is damaged: {field} is missing or wrong."), field=name
    )


def _object(text: str | bytes) -> dict[str, object]:
    if len(text) > LARGEST_RECIPE:
        raise RecipeError(marked("The recipe is too large to be one."))
    try:
        values: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RecipeError(marked("The layer's recipe is damaged: it is not JSON.")) from error
    if not isinstance(values, dict):
        damaged("program")
    return cast("dict[str, object]", values)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        damaged(name)
    return value
