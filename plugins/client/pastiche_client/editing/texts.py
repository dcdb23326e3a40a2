"""Everything that the plug-ins say, in the user's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.failures import sentence
from pastiche_client.editing.labels import Labels
from pastiche_client.editing.learn_labels import LearnLabels
from pastiche_client.editing.paint_labels import PaintLabels
from pastiche_client.editing.paint_options import StyleKind
from pastiche_client.editing.run_states import ResultT, RunStage
from pastiche_client.editing.upscale_labels import UpscaleLabels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.editing.catalogue import Catalogue
    from pastiche_client.editing.paint_options import RegionChoice, StyleChoice
    from pastiche_client.editing.paint_recipe import PaintRecipe
    from pastiche_client.editing.recipe import Recipe
    from pastiche_client.editing.run_states import Outcomes, RunState
    from pastiche_client.paths import DataPaths

# An animation may have hundreds of frames.
_MOST_NAMES = 5


class Texts(Labels, PaintLabels, UpscaleLabels, LearnLabels):
    """The labels, and the sentences that are made of several parts."""

    def sentence(self, error: BaseException, paths: DataPaths) -> str:
        """What to tell of anything that was raised, see `failures.sentence`."""
        return sentence(error, paths, self._tr)

    def layer_name(self, source: str, style_label: str) -> str:
        """The name of the new layer."""
        return self._tr("{layer} - {style}").format(layer=source, style=style_label)

    def undo_name(self, style_label: str) -> str:
        """The name of the undo step."""
        return self._tr("Pastiche: {style}").format(style=style_label)

    def frame(self, layer: str, time: int) -> str:
        """The name of one frame of an animated layer."""
        return self._tr("{layer}, frame {time}").format(layer=layer, time=time)

    def style_by(self, label: str, artist: str) -> str:
        """A style with who made the original."""
        return (
            self._tr("{style} ({artist})").format(style=label, artist=artist) if artist else label
        )

    def queue_position(self, position: int) -> str:
        """How many calls run before this one."""
        if position == 1:
            return self._tr("Waiting: next in the queue")
        return self._tr("Waiting: number {position} in the queue").format(position=position)

    def progress(self, state: RunState) -> str:
        """A line for the progress bar."""
        if state.stage is RunStage.QUEUED:
            now = self.queue_position(state.queue_position)
        else:
            now = {
                RunStage.STARTING: self._tr("Starting Pastiche's daemon…"),
                RunStage.SENDING: self._tr("Sending the layer…"),
                RunStage.LOADING: self._tr("Loading what is needed…"),
                RunStage.STYLIZING: self._tr("Stylizing “{layer}”…"),
                RunStage.UPSCALING: self._tr("Upscaling “{layer}”…"),
                RunStage.PAINTING: self._tr("Painting “{layer}”: step {step} of {steps}…"),
            }[state.stage].format(layer=state.label, step=state.step, steps=state.steps)
        if state.count <= 1:
            return now
        return self._tr("Layer {number} of {count}: {now}").format(
            number=state.index + 1, count=state.count, now=now
        )

    def summary(self, result: Outcomes[ResultT], paths: DataPaths) -> str:
        """How a run went: empty if all went well, else a line for each kind of failure."""
        lines: list[str] = []
        done, count = len(result.succeeded), len(result.outcomes)
        if done < count and (result.cancelled or count > 1):
            template = (
                self._tr("Cancelled; layers that were stylized: {done} of {count}.")
                if result.cancelled
                else self._tr("Layers that were stylized: {done} of {count}.")
            )
            lines.append(template.format(done=done, count=count))
        told: dict[str, list[str]] = {}
        for outcome in result.failed:
            if outcome.error is not None:
                told.setdefault(self.sentence(outcome.error, paths), []).append(outcome.label)
        for text, labels in told.items():
            names = self._listed(labels)
            lines.append(text if count == 1 or names in text else f"{names}: {text}")
        return "\n".join(lines)

    def _listed(self, labels: Sequence[str]) -> str:
        names = ", ".join(labels[:_MOST_NAMES])
        rest = len(labels) - _MOST_NAMES
        if rest <= 0:
            return names
        return self._tr("{names} and {count} more").format(names=names, count=rest)

    def edited_meanwhile(self, layer: str) -> str:
        """A note for a result that was put above a layer which has changed since."""
        return self._tr(
            "“{layer}” was edited while it was being stylized. The new layer shows it as it was "
            "before."
        ).format(layer=layer)

    def recipe_notes(self, recipe: Recipe, catalogue: Catalogue) -> tuple[str, ...]:
        """Why a recipe may give another result now than it gave; empty if nothing speaks for it."""
        notes: list[str] = []
        item = catalogue.find(recipe.options.style)
        if item is None:
            notes.append(self.style_missing(recipe.options.style))
        elif recipe.pack_version not in {item.pack_version, *item.pack_versions}:
            notes.append(self.other_pack_version(recipe, item.pack_version))
        return (*notes, *self._ignored(recipe.ignored))

    def paint_recipe_notes(self, recipe: PaintRecipe) -> tuple[str, ...]:
        """Why a recipe may give another result now than it gave; empty if nothing speaks for it."""
        notes: list[str] = []
        if recipe.stopped:
            notes.append(
                self._tr(
                    "The layer was stopped and kept after step {step}; made again, it is painted "
                    "to the end unless you stop it."
                ).format(step=recipe.steps)
            )
        return (*notes, *self._ignored(recipe.ignored))

    def _ignored(self, names: Sequence[str]) -> tuple[str, ...]:
        if not names:
            return ()
        told = self._tr(
            "The recipe has values that this Pastiche does not know and leaves out: {names}"
        )
        return (told.format(names=self._listed(names)),)

    def paint_layer_name(self, source: str, style: str) -> str:
        """The name of a layer that was painted like `style`."""
        return self._tr("{layer} like {style}").format(layer=source, style=style)

    def paint_undo_name(self, style: str) -> str:
        """The name of the undo step."""
        return self._tr("Paint like {style}").format(style=style)

    def paint_style_missing(self, style: StyleChoice) -> str:
        """A note for a recipe or preset whose style is not there."""
        return self._tr(
            "The style “{style}” is not there: open its image, or put its file back. Choose "
            "another one to go on without it."
        ).format(style=style.name or style.file)

    def region(self, choice: RegionChoice) -> str:
        """A mask for a list of places."""
        template = self._tr("Outside “{mask}”") if choice.outside else self._tr("In “{mask}”")
        return template.format(mask=choice.name)

    def strength_by(self, choice: RegionChoice) -> str:
        """A mask for a list of those that tell the strength."""
        template = self._tr("Opposite of “{mask}”") if choice.outside else self._tr("By “{mask}”")
        return template.format(mask=choice.name)

    def region_missing(self, region: RegionChoice, style: StyleChoice) -> str:
        """A note for a recipe or preset whose style had a place that is not there."""
        return self._tr(
            "The mask “{region}” is not in this image: the style “{style}” goes everywhere now. "
            "Choose another place for it if it should not."
        ).format(region=region.name, style=style.name or style.file)

    def strength_mask_missing(self, mask: RegionChoice) -> str:
        """A note for a recipe or preset."""
        return self._tr(
            "The mask “{mask}” is not in this image: the strength is full everywhere now. Choose "
            "another mask if it should not be."
        ).format(mask=mask.name)

    def frames_painted(self, done: int, count: int) -> str:
        """A note for an animated layer that was stopped and kept."""
        return self._tr(
            "Frames that were painted: {done} of {count}. The others are empty in the new layer, "
            "so that the layer below shows in them."
        ).format(done=done, count=count)

    def paint_source(self, style: StyleChoice) -> str:
        """A style for a list of several kinds of them."""
        if style.kind is StyleKind.FILE:
            return self._tr("File: {name}").format(name=style.name or style.file)
        if style.kind is StyleKind.IMAGE:
            return self._tr("Image: {name}").format(name=style.name)
        return self._tr("Layer: {name}").format(name=style.name)

    def other_pack_version(self, recipe: Recipe, installed: str) -> str:
        """A note for a recipe whose pack is installed in another version."""
        return self._tr(
            "The recipe was made with version {old} of the pack “{pack}”; version {new} is "
            "installed, and the result may differ."
        ).format(old=recipe.pack_version, pack=recipe.pack, new=installed)

    def style_missing(self, style: str) -> str:
        """A note for a recipe or preset whose style is not installed."""
        return self._tr(
            "The style “{style}” is not installed. Another one was chosen; install its pack to get "
            "the same result."
        ).format(style=style)

    def recipe_loaded(self, layer: str) -> str:
        return self._tr("The values of “{layer}” were loaded.").format(layer=layer)

    def preset_exists(self, name: str) -> str:
        """A question."""
        return self._tr("There is a preset “{name}” already. Replace it?").format(name=name)
