"""The recipe of a pastiche: all that is needed to make it again, stored with the new layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_client.editing.options import Options
from pastiche_client.editing.recipe_text import (
    LARGEST_RECIPE,
    RECIPE_NAME,
    RecipeError,
    RecipeKind,
    RecipeText,
    dumps,
    kept_notes,
)
from pastiche_client.version import __version__

if TYPE_CHECKING:
    from pastiche_client.editing.catalogue import Catalogue
    from pastiche_client.results import StylizeResult

_VERSION = re.compile(r"\d[0-9A-Za-z.+-]{0,63}")

__all__ = ["LARGEST_RECIPE", "RECIPE_NAME", "Recipe", "RecipeError"]


@dataclass(frozen=True)
class Recipe:
    """How a layer was made.

    Attributes:
        options: all parameters; the styles' names leave the version of their pack open, which is
            `pack_version`.
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
            options=options.plain(),
            pack=result.summary.pack.removeprefix("packs/"),
            pack_version=result.summary.pack_version,
            daemon_version=result.daemon_version,
            notes=kept_notes(result.summary.notes),
        )

    def same_options(self) -> Options:
        """The options with which the same is made again: of the version that was used.

        The daemon refuses them where that version is gone.
        """
        if _VERSION.fullmatch(self.pack_version):
            return self.options.pinned(self.pack_version)
        return self.options  # of something that never was a version

    def usable_options(self, catalogue: Catalogue) -> Options:
        """The options with which to make it again as well as can be.

        They name the version that was used where it is there and not the current one.
        """
        same = self.same_options()
        return self.options if catalogue.with_version_of(same).find(same.style) is None else same

    def dumps(self) -> str:
        """JSON in ASCII, at most LARGEST_RECIPE bytes."""
        values = {
            "pastiche_version": self.pastiche_version,
            "daemon_version": self.daemon_version,
            "pack": self.pack,
            "pack_version": self.pack_version,
            "options": self.options.to_dict(),
        }
        return dumps(RecipeKind.STYLIZE, values, self.notes)

    @staticmethod
    def loads(text: str | bytes) -> Recipe:
        """The recipe of a text, which may come from anywhere.

        Raises:
            RecipeError: it is none, damaged, of another kind, or of a newer Pastiche.
        """
        return Recipe.of_text(RecipeText.parse(text))

    @staticmethod
    def of_text(text: RecipeText) -> Recipe:
        """Raises RecipeError, as `loads` does."""
        text.require(RecipeKind.STYLIZE)
        options = text.options(lambda values: Options.from_dict(values).plain())
        return Recipe(
            options=options,
            pack=text.text("pack") or options.pack,
            pack_version=text.text("pack_version"),
            pastiche_version=text.text("pastiche_version"),
            daemon_version=text.text("daemon_version"),
            notes=text.notes(),
            ignored=text.ignored(Options.unknown_names),
        )
