"""One use of the plug-in: layers that are read, stylized and placed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from gi.repository import Gimp

from pastiche_client.editing.blocking import run_and_wait
from pastiche_client.editing.options import Placement
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.run_states import Outcomes, ResultT, RunItem
from pastiche_client.errors import DaemonError
from pastiche_client.style_names import plain_style
from pastiche_gimp.placing import Finished, place_results
from pastiche_gimp.source import check_in_place, read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.client import Client
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.run_states import RunState
    from pastiche_client.editing.texts import Texts
    from pastiche_client.results import StylizeResult
    from pastiche_gimp.source import Source


@dataclass(frozen=True)
class Done:
    """What was done to an image. `told` are sentences for the user about what was not."""

    image: Gimp.Image
    layers: tuple[Gimp.Layer, ...]
    told: tuple[str, ...]


class AnyWork(ABC, Generic[ResultT]):
    """Layers of one image, as they were, and what is to be done with them."""

    sources: tuple[Source, ...]
    top: Gimp.Layer | None = None
    in_place: bool = False

    def items(self) -> list[RunItem]:
        return [RunItem(source, source.layer, source.name) for source in self.sources]

    @abstractmethod
    def finished(self, source: Source, result: ResultT, label: str, texts: Texts) -> Finished:
        """What is to be placed; `label` is the style's name for people."""

    def place(
        self, result: Outcomes[ResultT], label: str, client: Client, texts: Texts, *, partly: bool
    ) -> Done:
        """Put the results into the image.

        Args:
            label: the style's name for people.
            partly: place what there is, even if other layers failed.

        Raises:
            DaemonError, RefusalError: why nothing was placed.
        """
        failures = [outcome.error for outcome in result.failed if outcome.error is not None]
        if failures and not (partly and result.succeeded):
            raise failures[0]
        results = [
            self.finished(source, outcome.result, label, texts)
            for source, outcome in zip(self.sources, result.outcomes, strict=True)
            if outcome.result is not None
        ]
        placed = place_results(results, texts, in_place=self.in_place, top=self.top)
        if not placed.layers:
            raise placed.refused[0]
        refused = [texts.sentence(error, client.paths) for error in placed.refused]
        summary = [texts.summary(result, client.paths)] if failures else []
        told = (*summary, *refused, *placed.notes)
        return Done(self.sources[0].image, placed.layers, told)


@dataclass(frozen=True)
class Work(AnyWork["StylizeResult"]):
    """Layers to be stylized.

    New layers go above `top`, if given, and otherwise each above its source.
    """

    sources: tuple[Source, ...]
    options: Options
    top: Gimp.Layer | None = None
    in_place: bool = False

    @staticmethod
    def read(layers: Sequence[Gimp.Layer], options: Options, top: Gimp.Layer | None = None) -> Work:
        """Read layers that `check_layers` has passed. Raises RefusalError."""
        in_place = options.placement is Placement.IN_PLACE
        if in_place:
            check_in_place(layers)
        sources = tuple(read_source(layer, in_place=in_place) for layer in layers)
        return Work(sources, options, top, in_place)

    def finished(self, source: Source, result: StylizeResult, label: str, texts: Texts) -> Finished:
        name = texts.layer_name(source.name, label)
        recipe = Recipe.of(self.options, result)
        return Finished(source, result.layer, name, recipe, result.summary.notes)


def style_label(client: Client, options: Options) -> str:
    """The style's name for people, or its id where that cannot be had."""
    try:
        styles = client.list_styles(options.pack)
    except DaemonError:  # the result is there; its name is no reason to lose it
        styles = []
    names = {f"{style.pack_id}/{style.id}": style.display_name for style in styles}
    labels = [
        names.get(plain_style(style)) or style.rsplit("/", 1)[-1].replace("_", " ").capitalize()
        for style in options.styles()
    ]
    return " + ".join(labels)


def run_waiting(client: Client, work: Work, texts: Texts, *, interactive: bool) -> Done | None:
    """Stylize with GIMP's own progress bar; see `with_progress`.

    Raises:
        DaemonError, RefusalError: nothing was placed.
    """
    result = with_progress(
        texts.blurb,
        texts,
        lambda update: run_and_wait(client, work.items(), work.options, on_update=update),
    )
    if result.cancelled:
        return None
    label = style_label(client, work.options)
    return work.place(result, label, client, texts, partly=interactive)


def with_progress(
    title: str,
    texts: Texts,
    run: Callable[[Callable[[RunState], None]], Outcomes[ResultT]],
) -> Outcomes[ResultT]:
    """Run with GIMP's own progress bar, whose Cancel ends this very process."""
    Gimp.progress_init(title)

    def update(state: RunState) -> None:
        Gimp.progress_set_text(texts.progress(state))
        Gimp.progress_update(state.fraction)

    result = run(update)
    Gimp.progress_end()
    return result
