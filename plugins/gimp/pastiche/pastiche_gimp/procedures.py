"""What the procedures do when they are run."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import gi
from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.editing.presets import PaintPresetStore, PresetStore
from pastiche_client.editing.recipe import Recipe
from pastiche_client.paths import data_paths
from pastiche_gimp import arguments
from pastiche_gimp.recipes import recipe_of, recipe_text, source_of
from pastiche_gimp.return_values import (
    cancelled,
    failed,
    layers_returned,
    nothing_returned,
    text_returned,
)
from pastiche_gimp.source import check_layers
from pastiche_gimp.words import gimp_texts
from pastiche_gimp.work import Work, run_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pastiche_client.client import Client
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done

    # Gives the client, which takes time to be imported: not before it is needed.
    GetClient: TypeAlias = Callable[[], Client]


def stylize(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Stylize the selected layers."""

    def act(client: GetClient, texts: Texts) -> Done | None:
        layers = check_layers(image, drawables)
        if run_mode == Gimp.RunMode.INTERACTIVE:
            gi.require_version("GimpUi", "3.0")
            gi.require_version("Gtk", "3.0")
            from pastiche_gimp.dialog import run_dialog

            return run_dialog(config, client(), texts, layers)
        work = Work.read(layers, _given_options(config))
        return run_waiting(
            client(), work, texts, interactive=run_mode != Gimp.RunMode.NONINTERACTIVE
        )

    return _guarded(procedure, run_mode, act)


def paint(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Paint the selected layer like others."""
    from pastiche_gimp import paint_arguments
    from pastiche_gimp.paint_work import PaintWork, paint_waiting
    from pastiche_gimp.style_choices import find_pictures

    def act(client: GetClient, texts: Texts) -> Done | None:
        layers = check_layers(image, drawables)
        if len(layers) > 1:
            raise refusals.one_layer_to_paint()
        if run_mode == Gimp.RunMode.INTERACTIVE:
            gi.require_version("GimpUi", "3.0")
            gi.require_version("Gtk", "3.0")
            from pastiche_gimp.paint_dialog import run_paint_dialog

            return run_paint_dialog(config, client(), texts, layers[0])
        if run_mode == Gimp.RunMode.WITH_LAST_VALS:
            options = PaintPresetStore(data_paths(), "gimp").last()
            if options is None:
                raise refusals.no_last_values()
            pictures = find_pictures(options.styles, layers[0].get_image(), of_this_image=False)
        else:
            pictures = paint_arguments.given_pictures(config, layers[0].get_image())
            styles = tuple(picture.choice for picture in pictures)
            options = paint_arguments.paint_options_of(config, styles)
        work = PaintWork.read(layers[0], pictures, options)
        return paint_waiting(client(), work, texts)

    return _guarded(procedure, run_mode, act)


def rerun(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Stylize what the selected layer was made of once more, with its recipe."""

    def act(client: GetClient, texts: Texts) -> Done | None:
        if image is None:
            raise refusals.no_image()
        layer = next((item for item in drawables if isinstance(item, Gimp.Layer)), None)
        if layer is None:
            raise refusals.no_layer()
        recipe = recipe_of(layer)
        if recipe is None:
            raise refusals.no_recipe(layer.get_name())
        layers = check_layers(image, [source_of(layer)])
        if not isinstance(recipe, Recipe):
            from pastiche_gimp.paint_work import PaintWork, paint_waiting
            from pastiche_gimp.style_choices import find_pictures

            pictures = find_pictures(recipe.options.styles, image, of_this_image=True)
            work = PaintWork.read(layers[0], pictures, recipe.options, layer)
            return paint_waiting(client(), work, texts)
        work = Work.read(layers, recipe.same_options(), top=layer)
        return run_waiting(
            client(), work, texts, interactive=run_mode != Gimp.RunMode.NONINTERACTIVE
        )

    return _guarded(procedure, run_mode, act)


def get_recipe(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    """Return a layer's recipe as it is stored."""
    layer = config.get_property("layer")
    text = recipe_text(layer)
    if text is None:
        sentence = gimp_texts().sentence(refusals.no_recipe(layer.get_name()), data_paths())
        return failed(procedure, sentence)
    return text_returned(procedure, text.decode("utf-8", errors="replace"))


def _guarded(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    act: Callable[[GetClient, Texts], Done | None],
) -> Gimp.ValueArray:
    """Return what `act` did; whatever is raised is told in a sentence."""
    loading = threading.Thread(target=_client_class, name="pastiche-import")
    loading.start()  # while GIMP reads the layer
    texts = gimp_texts()
    with ExitStack() as stack:
        stack.callback(loading.join)

        def client() -> Client:
            return stack.enter_context(_client_class()(client_id="gimp"))

        try:
            done = act(client, texts)
        except Exception as error:  # noqa: BLE001 - GIMP's boundary: it is reported there
            return failed(procedure, texts.sentence(error, data_paths()))
        if done is None:
            return cancelled(procedure)
        if run_mode == Gimp.RunMode.NONINTERACTIVE:
            return layers_returned(done.image, done.layers)
        for sentence in done.told:
            Gimp.message(sentence)
        return nothing_returned(procedure)


def _client_class() -> type[Client]:
    from pastiche_client.client import Client

    return Client


def _given_options(config: Gimp.ProcedureConfig) -> Options:
    """A script's options; without a style those of the last time have theirs."""
    if not config.get_property("style"):
        last = PresetStore(data_paths(), "gimp").last()
        if last is None:
            raise refusals.no_style()
        config.set_property("style", last.style)
    return arguments.options_of(config)
