"""What the procedures do when they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi
from gi.repository import Gimp

from pastiche_client.client import Client
from pastiche_client.editing import refusals
from pastiche_client.editing.presets import PresetStore
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

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done


def stylize(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Stylize the selected layers."""

    def act(client: Client, texts: Texts) -> Done | None:
        layers = check_layers(image, drawables)
        if run_mode == Gimp.RunMode.INTERACTIVE:
            gi.require_version("GimpUi", "3.0")
            gi.require_version("Gtk", "3.0")
            from pastiche_gimp.dialog import run_dialog

            return run_dialog(config, client, texts, layers)
        options = _given_options(client, config)
        work = Work.read(layers, options)
        return run_waiting(client, work, texts, interactive=run_mode != Gimp.RunMode.NONINTERACTIVE)

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

    def act(client: Client, texts: Texts) -> Done | None:
        if image is None:
            raise refusals.no_image()
        layer = next((item for item in drawables if isinstance(item, Gimp.Layer)), None)
        if layer is None:
            raise refusals.no_layer()
        recipe = recipe_of(layer)
        if recipe is None:
            raise refusals.no_recipe(layer.get_name())
        work = Work.read(check_layers(image, [source_of(layer)]), recipe.options, top=layer)
        return run_waiting(client, work, texts, interactive=run_mode != Gimp.RunMode.NONINTERACTIVE)

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
    act: Callable[[Client, Texts], Done | None],
) -> Gimp.ValueArray:
    """Return what `act` did; whatever is raised is told in a sentence."""
    texts = gimp_texts()
    with Client(client_id="gimp") as client:
        try:
            done = act(client, texts)
        except Exception as error:  # noqa: BLE001 - GIMP's boundary: it is reported there
            return failed(procedure, texts.sentence(error, client.paths))
        if done is None:
            return cancelled(procedure)
        if run_mode == Gimp.RunMode.NONINTERACTIVE:
            return layers_returned(done.image, done.layers)
        for sentence in done.told:
            Gimp.message(sentence)
        return nothing_returned(procedure)


def _given_options(client: Client, config: Gimp.ProcedureConfig) -> Options:
    """A script's options; without a style those of the last time have theirs."""
    if not config.get_property("style"):
        last = PresetStore(client.paths, "gimp").last()
        if last is None:
            raise refusals.no_style()
        config.set_property("style", last.style)
    return arguments.options_of(config)
