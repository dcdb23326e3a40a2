"""The recipe of a pastiche: all that is needed to make it again, stored with the new layer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, cast

from pastiche_client.editing.options import OptionError, Options
from pastiche_client.editing.told import ToldError, marked
from pastiche_client.version import __version__

if TYPE_CHECKING:
    from pastiche_client.results import StylizeResult

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


@dataclass(frozen=True)
class Recipe:
    """How a layer was made.

    Attributes:
        options: all parameters.
        pack: id of the style pack.
        pack_version: the version that was used.
        pastiche_version: the plug-in's version.
        daemon_version: the daemon's version; may be empty.
        notes: what the daemon told about the layer.
        ignored: options of the text it was loaded from that are unknown here; they are not stored.
    """

    options: Options
    pack: str
    pack_version: str
    pastiche_version: str = __version__
    daemon_version: str = ""
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @staticmethod
    def of(options: Options, result: StylizeResult) -> Recipe:
        """The recipe of a finished stylization."""
        return Recipe(
            options=options,
            pack=result.summary.pack.removeprefix("packs/"),
            pack_version=result.summary.pack_version,
            daemon_version=result.daemon_version,
            notes=tuple(note[:_LONGEST_TEXT] for note in result.summary.notes[:_MOST_NOTES]),
        )

    def dumps(self) -> str:
        """JSON in ASCII, at most LARGEST_RECIPE bytes."""
        values = {
            "schema": SCHEMA,
            "program": "pastiche",
            "pastiche_version": self.pastiche_version,
            "daemon_version": self.daemon_version,
            "pack": self.pack,
            "pack_version": self.pack_version,
            "options": self.options.to_dict(),
            "notes": list(self.notes),
        }
        text = json.dumps(values, indent=1)
        if len(text) > LARGEST_RECIPE:  # only notes can be that long
            text = json.dumps({**values, "notes": []}, indent=1)
        return text

    @staticmethod
    def loads(text: str | bytes) -> Recipe:
        """The recipe of a text, which may come from anywhere.

        Raises:
            RecipeError: it is none, damaged, or of a newer Pastiche.
        """
        values = _object(text)
        schema = values.get("schema")
        if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            _damaged("schema")
        if schema > SCHEMA:
            raise RecipeError(
                marked(
                    "The recipe was written by a newer Pastiche ({version}). "
                    "Update Pastiche to load it."
                ),
                version=_text(values, "pastiche_version") or "?",
            )
        chosen = values.get("options")
        if not isinstance(chosen, dict):
            _damaged("options")
        given = cast("dict[str, object]", chosen)
        unknown = Options.unknown_names(given)
        try:
            options = Options.from_dict(given)
        except OptionError as error:
            raise RecipeError(
                marked("The recipe cannot be used: its {field} is wrong ({problem})"),
                field=error.field,
                problem=str(error),
            ) from error
        return Recipe(
            options=options,
            pack=_text(values, "pack") or options.pack,
            pack_version=_text(values, "pack_version"),
            pastiche_version=_text(values, "pastiche_version"),
            daemon_version=_text(values, "daemon_version"),
            notes=_notes(values),
            ignored=tuple(name[:_LONGEST_NAME] for name in unknown[:_MOST_NOTES]),
        )


def _object(text: str | bytes) -> dict[str, object]:
    if len(text) > LARGEST_RECIPE:
        raise RecipeError(marked("The recipe is too large to be one."))
    try:
        values: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RecipeError(marked("The layer's recipe is damaged: it is not JSON.")) from error
    if not isinstance(values, dict):
        _damaged("program")
    return cast("dict[str, object]", values)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _text(values: dict[str, object], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        _damaged(name)
    return value


def _notes(values: dict[str, object]) -> tuple[str, ...]:
    notes = values.get("notes", [])
    if not isinstance(notes, list):
        _damaged("notes")
    texts = cast("list[object]", notes)
    return tuple(note[:_LONGEST_TEXT] for note in texts[:_MOST_NOTES] if isinstance(note, str))


def _damaged(name: str) -> NoReturn:
    raise RecipeError(
        marked("The layer's recipe is damaged: {field} is missing or wrong."), field=name
    )
