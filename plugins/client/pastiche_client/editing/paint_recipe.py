"""The recipe of a layer that was painted like others, and recipes of either kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pastiche_client.editing.paint_options import PaintOptions
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.recipe_text import RecipeKind, RecipeText, dumps, kept_notes
from pastiche_client.results import StopReason
from pastiche_client.version import __version__

if TYPE_CHECKING:
    from pastiche_client.results import OptimizeResult


@dataclass(frozen=True)
class PaintRecipe:
    """How a layer was painted. The styles' pixels are not in it, only what finds them again.

    Attributes:
        options: all parameters.
        encoder: the loss network that was used.
        encoder_sha256: of its weights file.
        width, height: size of what was painted, which may have been scaled up.
        steps: how many were made.
        stopped: whether the user stopped it early.
        pastiche_version: the plug-in's version.
        daemon_version: the daemon's version; may be empty.
        notes: what the daemon told about the layer.
        ignored: options of the text it was loaded from that are unknown here; they are not stored.
    """

    options: PaintOptions
    encoder: str = ""
    encoder_sha256: str = ""
    width: int = 0
    height: int = 0
    steps: int = 0
    stopped: bool = False
    pastiche_version: str = __version__
    daemon_version: str = ""
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @staticmethod
    def of(options: PaintOptions, result: OptimizeResult) -> PaintRecipe:
        """The recipe of a finished painting."""
        summary = result.summary
        return PaintRecipe(
            options=options,
            encoder=summary.encoder,
            encoder_sha256=summary.encoder_sha256,
            width=summary.width,
            height=summary.height,
            steps=summary.steps,
            stopped=summary.reason is StopReason.ASKED,
            daemon_version=result.daemon_version,
            notes=kept_notes(summary.notes),
        )

    def dumps(self) -> str:
        """JSON in ASCII, at most LARGEST_RECIPE bytes. Raises RecipeError: it would be longer."""
        values = {
            "pastiche_version": self.pastiche_version,
            "daemon_version": self.daemon_version,
            "encoder": self.encoder,
            "encoder_sha256": self.encoder_sha256,
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "stopped": self.stopped,
            "options": self.options.to_dict(),
        }
        return dumps(RecipeKind.PAINT, values, self.notes)

    @staticmethod
    def loads(text: str | bytes) -> PaintRecipe:
        """The recipe of a text, which may come from anywhere.

        Raises:
            RecipeError: it is none, damaged, of another kind, or of a newer Pastiche.
        """
        return PaintRecipe.of_text(RecipeText.parse(text))

    @staticmethod
    def of_text(text: RecipeText) -> PaintRecipe:
        """Raises RecipeError, as `loads` does."""
        text.require(RecipeKind.PAINT)
        return PaintRecipe(
            options=text.options(PaintOptions.from_dict),
            encoder=text.text("encoder"),
            encoder_sha256=text.text("encoder_sha256"),
            width=text.count("width"),
            height=text.count("height"),
            steps=text.count("steps"),
            stopped=text.values.get("stopped") is True,
            pastiche_version=text.text("pastiche_version"),
            daemon_version=text.text("daemon_version"),
            notes=text.notes(),
            ignored=text.ignored(PaintOptions.unknown_names),
        )


def any_recipe(text: str | bytes) -> Recipe | PaintRecipe:
    """The recipe of a text, of whichever kind. Raises RecipeError as `loads` of the kinds does."""
    parsed = RecipeText.parse(text)
    if parsed.kind is RecipeKind.PAINT:
        return PaintRecipe.of_text(parsed)
    return Recipe.of_text(parsed)
