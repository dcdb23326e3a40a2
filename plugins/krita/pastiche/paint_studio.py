"""What all windows share of painting a layer like others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing import refusals
from pastiche_client.editing.background import load_in_background
from pastiche_client.editing.option_store import PresetError
from pastiche_client.editing.paint_options import PaintOptions, StyleKind
from pastiche_client.editing.presets import PaintPresetStore

from .frames import AnimatedLayer
from .option_holder import OptionHolder
from .paint_job import PaintJob
from .paint_styles import check_there, is_file, is_painted, is_there
from .qt import pyqtSignal
from .reading import active_document, read_source, selected_layers
from .regions import find_region
from .work import PaintFrames, PaintWork

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.editing.paint_options import StyleChoice
    from pastiche_client.editing.paint_recipe import PaintRecipe
    from pastiche_client.results import Encoder

    from .studio import Studio


class PaintStudio(OptionHolder[PaintOptions]):
    """The values of painting, and the way to start it.

    Attributes:
        encoders: those that can be used; empty until they are loaded.
        all_frames: whether all frames of an animated layer are painted.
    """

    encoders_changed = pyqtSignal()
    wanted = pyqtSignal()  # the page is to be shown

    def __init__(self, studio: Studio) -> None:
        super().__init__(PaintPresetStore(studio.client.paths, "krita"), studio)
        self._studio = studio
        self.encoders: tuple[Encoder, ...] = ()
        self.all_frames = False
        last = self.presets.last() or PaintOptions()
        # The images and layers of the last time are not open any more, nor are their masks.
        styles = (replace(style, where=None) for style in last.styles if _is_file(style))
        self.options = replace(last, styles=tuple(styles), strength_mask=None)

    def load_encoders(self) -> None:
        """Ask the daemon, which must run, for the encoders."""
        client = self._studio.client
        load_in_background(
            client.encoders, self._studio.poster.post, self._loaded, self._studio.tell_error
        )

    def use_options(self, options: PaintOptions) -> None:
        """Take values from a preset or a recipe; what is not there is told."""
        # A preset is of any image: without styles it leaves those that are chosen.
        if not options.styles and self.options is not None:
            options = replace(options, styles=self.options.styles)
        document = Krita.instance().activeDocument()
        notes: list[str] = []
        if document is not None:
            options, notes = self._usable(options, document)
        self.set_options(options)
        if notes:
            self._studio.told.emit("\n".join(notes))

    def _usable(self, options: PaintOptions, document: Document) -> tuple[PaintOptions, list[str]]:
        """The values without masks that are not there, and what there is to tell."""
        texts = self._studio.texts
        notes = [
            texts.paint_style_missing(style)
            for style in options.styles
            if not is_there(style, document)
        ][:1]
        styles: list[StyleChoice] = []
        for style in options.styles:
            if style.where is not None and find_region(style.where, document) is None:
                notes.append(texts.region_missing(style.where, style))
                style = replace(style, where=None)
            styles.append(style)
        strength = options.strength_mask
        if strength is not None and find_region(strength, document) is None:
            notes.append(texts.strength_mask_missing(strength))
            strength = None
        return replace(options, styles=tuple(styles), strength_mask=strength), notes

    def use_recipe(self, recipe: PaintRecipe, layer: str) -> None:
        """Take the values with which a layer was painted, and show them."""
        self.wanted.emit()
        texts = self._studio.texts
        notes = texts.paint_recipe_notes(recipe)
        self._studio.told.emit("\n".join([texts.recipe_loaded(layer), *notes]))
        self.use_options(recipe.options)

    def reset(self) -> None:
        """Take the values to begin with; the styles stay."""
        styles = self.options.styles if self.options is not None else ()
        self.set_options(PaintOptions(styles))

    def paint(self) -> PaintJob:
        """Paint the selected layer like the chosen styles.

        Raises:
            RefusalError: it cannot be done as things are.
        """
        document = active_document()
        layers = selected_layers(document)
        if len(layers) > 1:
            raise refusals.one_layer_to_paint()
        (node,) = layers
        options = self.options
        if options is None or not options.styles:
            raise refusals.no_paint_style()
        for style in options.styles:
            check_there(style, document)
            if is_painted(style, document, node):
                raise refusals.no_other_layer()
        studio, texts = self._studio, self._studio.texts
        name = texts.paint_layer_name(node.name(), options.name)
        work = self._work(document, node, options, name)
        try:
            job = PaintJob(studio.services, document, work, options, name, studio)
        except refusals.RefusalError:
            work.close()
            raise
        studio.start_job(job)
        try:
            self.presets.remember_last(options)
        except PresetError as error:  # the work goes on all the same
            studio.tell_error(error)
        return job

    def _work(
        self, document: Document, node: Node, options: PaintOptions, name: str
    ) -> PaintWork | PaintFrames:
        texts = self._studio.texts
        if self.all_frames:
            return PaintFrames(document, AnimatedLayer(document, node), options, name, texts)
        return PaintWork(document, read_source(document, node), options, name, texts)

    def _loaded(self, encoders: list[Encoder]) -> None:
        self.encoders = tuple(encoder for encoder in encoders if encoder.usable)
        self.encoders_changed.emit()


def _is_file(style: StyleChoice) -> bool:
    return style.kind is StyleKind.FILE and is_file(style.file)
