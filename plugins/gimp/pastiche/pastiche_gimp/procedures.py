"""What the procedures do when they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_client.editing.presets import PaintPresetStore, PresetStore
from pastiche_client.editing.recipe import Recipe
from pastiche_client.paths import data_paths
from pastiche_gimp import arguments
from pastiche_gimp.calls import Call, answered
from pastiche_gimp.recipes import recipe_of, recipe_text, source_of
from pastiche_gimp.return_values import failed, text_returned
from pastiche_gimp.source import check_layers
from pastiche_gimp.words import gimp_texts
from pastiche_gimp.work import Work, run_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.paint_recipe import PaintRecipe
    from pastiche_gimp.paint_work import PaintWork
    from pastiche_gimp.work import Done


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


def _stylized(call: Call) -> Done | None:
    layers = call.layers()
    if call.asks:
        call.load_windows()
        from pastiche_gimp.dialog import run_dialog

        return run_dialog(call.config, call.client(), call.texts, layers)
    return _run(call, Work.read(layers, _given_options(call.config)))


def _painted(call: Call) -> Done | None:
    from pastiche_gimp.paint_arguments import given_work
    from pastiche_gimp.paint_work import PaintWork, paint_waiting
    from pastiche_gimp.style_choices import find_pictures

    layers = call.layers()
    if len(layers) > 1:
        raise refusals.one_layer_to_paint()
    layer = layers[0]
    if call.asks:
        call.load_windows()
        from pastiche_gimp.paint_dialog import run_paint_dialog

        return run_paint_dialog(call.config, call.client(), call.texts, layer)
    if call.mode == Gimp.RunMode.WITH_LAST_VALS:
        options = PaintPresetStore(data_paths(), "gimp").last()
        if options is None:
            raise refusals.no_last_values()
        pictures = find_pictures(options.styles, layer.get_image(), of_this_image=False)
        work = PaintWork.read(layer, pictures, options, of_this_image=False)
    else:
        work = given_work(call.config, layer)
    return paint_waiting(call.client(), work, call.texts)


def _made_again(call: Call) -> Done | None:
    if call.image is None:
        raise refusals.no_image()
    layer = next((item for item in call.drawables if isinstance(item, Gimp.Layer)), None)
    if layer is None:
        raise refusals.no_layer()
    recipe = recipe_of(layer)
    if recipe is None:
        raise refusals.no_recipe(layer.get_name())
    (source,) = check_layers(call.image, [source_of(layer)])
    if isinstance(recipe, Recipe):
        return _run(call, Work.read([source], recipe.same_options(), top=layer))
    return _painted_again(call, _repainting(source, layer, recipe))


def _repainting(source: Gimp.Layer, made: Gimp.Layer, recipe: PaintRecipe) -> PaintWork:
    from pastiche_gimp.paint_work import PaintWork
    from pastiche_gimp.style_choices import find_pictures

    options = recipe.options
    pictures = find_pictures(options.styles, source.get_image(), of_this_image=True)
    return PaintWork.read(source, pictures, options, of_this_image=True, top=made)


def _painted_again(call: Call, work: PaintWork) -> Done | None:
    if call.asks:
        call.load_windows()
        from pastiche_gimp.painting_window import paint_in_window

        return paint_in_window(call.client(), work, call.texts)
    from pastiche_gimp.paint_work import paint_waiting

    return paint_waiting(call.client(), work, call.texts)


def _upscaled(call: Call) -> Done | None:
    from pastiche_gimp.upscale_work import UpscaleWork, factors_of, upscale_waiting

    layers = call.layers()
    if len(layers) > 1:
        raise refusals.one_layer_to_upscale()
    if call.asks:
        call.load_windows()
        from pastiche_gimp.upscale_dialog import run_upscale_dialog

        return run_upscale_dialog(call.config, call.client(), call.texts, layers[0])
    factor = call.config.get_property("factor") or factors_of(call.client())[0]
    return upscale_waiting(call.client(), UpscaleWork.read(layers[0], factor), call.texts)


def _run(call: Call, work: Work) -> Done | None:
    interactive = call.mode != Gimp.RunMode.NONINTERACTIVE
    return run_waiting(call.client(), work, call.texts, interactive=interactive)


def _given_options(config: Gimp.ProcedureConfig) -> Options:
    """A script's options; without a style those of the last time have theirs."""
    if not config.get_property("style"):
        last = PresetStore(data_paths(), "gimp").last()
        if last is None:
            raise refusals.no_style()
        config.set_property("style", last.style)
    return arguments.options_of(config)


def _learned(call: Call) -> str | None:
    from pastiche_gimp.learn_arguments import one_layer

    if call.asks:
        call.load_windows()
        from pastiche_gimp.learn_dialog import run_learn_dialog

        run_learn_dialog(call, call.client())
        return ""
    from pastiche_client.trainings import LearnOptions
    from pastiche_gimp.learn_source import read_learned

    name = call.config.get_property("name").strip()
    if not name:
        raise refusals.no_learn_name()
    style = read_learned(one_layer(call))
    options = LearnOptions(minutes=call.config.get_property("minutes"))
    return call.client().start_learning(style, name, options).id


def _procedure(
    act: Callable[[Call], Done | str | None],
) -> Callable[..., Gimp.ValueArray]:
    def run(
        procedure: Gimp.Procedure,
        run_mode: Gimp.RunMode,
        image: Gimp.Image | None,
        drawables: Sequence[Gimp.Drawable],
        config: Gimp.ProcedureConfig,
        _data: object,
    ) -> Gimp.ValueArray:
        return answered(procedure, run_mode, image, drawables, config, act)

    return run


#: Stylizes the selected layers.
stylize = _procedure(_stylized)
#: Paints the selected layer like others.
paint = _procedure(_painted)
#: Puts a larger copy of the selected layer above it.
upscale = _procedure(_upscaled)
#: Learns the style of the selected layer, or shows what is being learned.
learn = _procedure(_learned)
#: Makes once more what the selected layer was made of, with its recipe.
rerun = _procedure(_made_again)
