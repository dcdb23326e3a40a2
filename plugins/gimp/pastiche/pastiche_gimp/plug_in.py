"""What the plug-in offers to GIMP: its procedures and their places in the menus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing.translations import DOMAIN, LOCALE_FOLDER
from pastiche_gimp import arguments
from pastiche_gimp.words import gimp_texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STYLIZE = "plug-in-pastiche"
PAINT = "plug-in-pastiche-paint-like"
UPSCALE = "plug-in-pastiche-upscale"
LEARN = "plug-in-pastiche-learn"
RERUN = "plug-in-pastiche-rerun"
GET_RECIPE = "plug-in-pastiche-get-recipe"

_MENU = "<Image>/Filters/Artistic"
_MOST_FACTOR = 8
_FOLDER = Path(__file__).parents[1]


class PastichePlugIn(Gimp.PlugIn):
    """GIMP makes one for every query and every run, in a process of its own."""

    def do_set_i18n(self, _name: str) -> tuple[bool, str, str] | bool:
        # GIMP takes catalogues from within the plug-in's folder only.
        if not LOCALE_FOLDER.is_relative_to(_FOLDER):
            return False
        return True, DOMAIN, LOCALE_FOLDER.relative_to(_FOLDER).as_posix()

    def do_query_procedures(self) -> list[str]:
        return list(_PROCEDURES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        procedure = _PROCEDURES[name](self, name)
        procedure.set_attribution("The Pastiche authors", "The Pastiche authors", "2026")
        return procedure


def _stylize(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import stylize

        return stylize(*given)

    texts = gimp_texts()
    procedure = _image_procedure(plug_in, name, run)
    procedure.set_menu_label(texts.menu_entry)
    procedure.add_menu_path(_MENU)
    procedure.set_documentation(texts.blurb, texts.help, name)
    arguments.add_arguments(procedure, texts)
    _add_layers(procedure)
    return procedure


def _paint(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import paint

        return paint(*given)

    from pastiche_gimp.paint_arguments import add_paint_arguments

    texts = gimp_texts()
    procedure = _image_procedure(plug_in, name, run)
    procedure.set_menu_label(texts.paint_menu_entry)
    procedure.add_menu_path(_MENU)
    procedure.set_documentation(texts.paint_blurb, texts.paint_help, name)
    add_paint_arguments(procedure, texts)
    _add_layers(procedure)
    return procedure


def _upscale(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import upscale

        return upscale(*given)

    texts = gimp_texts()
    procedure = _image_procedure(plug_in, name, run)
    procedure.set_menu_label(texts.upscale_menu_entry)
    procedure.add_menu_path(_MENU)
    procedure.set_documentation(texts.upscale_blurb, texts.upscale_help, name)
    procedure.add_int_argument(
        "factor", texts.factor, texts.factor_argument, 0, _MOST_FACTOR, 0, arguments.FLAGS
    )
    _add_layers(procedure)
    return procedure


def _learn(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import learn

        return learn(*given)

    from pastiche_gimp.learn_arguments import add_learn_arguments

    texts = gimp_texts()
    procedure = _image_procedure(plug_in, name, run)
    procedure.set_menu_label(texts.learn_menu_entry)
    procedure.add_menu_path(_MENU)
    procedure.set_documentation(texts.learn_blurb, texts.learn_help, name)
    add_learn_arguments(procedure, texts)
    return procedure


def _rerun(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import rerun

        return rerun(*given)

    texts = gimp_texts()
    procedure = _image_procedure(plug_in, name, run)
    procedure.set_menu_label(texts.rerun)
    procedure.add_menu_path(_MENU)
    procedure.set_documentation(texts.rerun_tip, None, name)
    _add_layers(procedure)
    return procedure


def _get_recipe(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    def run(*given: Any) -> Gimp.ValueArray:
        from pastiche_gimp.procedures import get_recipe

        return get_recipe(*given)

    procedure = Gimp.Procedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_documentation(
        "Get the recipe with which Pastiche made a layer",
        "Returns JSON with the style, its pack and version, and all parameters.",
        name,
    )
    procedure.add_layer_argument("layer", "Layer", "The layer", False, arguments.FLAGS)
    procedure.add_string_return_value("recipe", "Recipe", "The recipe", "", arguments.FLAGS)
    return procedure


def _image_procedure(
    plug_in: Gimp.PlugIn, name: str, run: Callable[..., Gimp.ValueArray]
) -> Gimp.Procedure:
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    # Where there is nothing to work on, a sentence says so; a grey menu entry would not.
    procedure.set_sensitivity_mask(
        Gimp.ProcedureSensitivityMask.DRAWABLE
        | Gimp.ProcedureSensitivityMask.DRAWABLES
        | Gimp.ProcedureSensitivityMask.NO_DRAWABLES
        | Gimp.ProcedureSensitivityMask.NO_IMAGE
    )
    return procedure


def _add_layers(procedure: Gimp.Procedure) -> None:
    procedure.add_core_object_array_return_value(
        "layers",
        "Layers",
        "For scripts: the new layers, or those that were changed in place, from the top",
        Gimp.Layer,
        arguments.FLAGS,
    )


_PROCEDURES = {
    STYLIZE: _stylize,
    PAINT: _paint,
    UPSCALE: _upscale,
    LEARN: _learn,
    RERUN: _rerun,
    GET_RECIPE: _get_recipe,
}
