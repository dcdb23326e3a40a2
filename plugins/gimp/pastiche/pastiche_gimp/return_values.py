"""What the procedures return to GIMP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp, GLib, GObject

if TYPE_CHECKING:
    from collections.abc import Sequence


def layers_returned(image: Gimp.Image, layers: Sequence[Gimp.Layer]) -> Gimp.ValueArray:
    """Success, with these layers, which become the selected ones.

    GIMP crashes where a procedure returns layers of an image that was closed while it ran, and it
    does not tell a procedure of that: this is for scripts, which know what becomes of their images.
    """
    image.set_selected_layers(list(layers))
    # Python cannot make a value that holds an array of GIMP's objects. This one's first value is
    # the call's status, its second the array: just what is to be returned.
    ask = Gimp.get_pdb().lookup_procedure("gimp-image-get-selected-layers")
    config = ask.create_config()
    config.set_property("image", image)
    return ask.run(config)


def nothing_returned(procedure: Gimp.Procedure) -> Gimp.ValueArray:
    """Success, for a user who sees what was done."""
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


def text_returned(procedure: Gimp.Procedure, text: str) -> Gimp.ValueArray:
    """Success, with a text."""
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
    values.remove(1)
    values.insert(1, GObject.Value(GObject.TYPE_STRING, text))
    return values


def cancelled(procedure: Gimp.Procedure) -> Gimp.ValueArray:
    """The user cancelled; nothing was changed."""
    return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())


def failed(procedure: Gimp.Procedure, sentence: str) -> Gimp.ValueArray:
    """It did not work; GIMP shows the sentence to the user, or gives it to the script."""
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)
