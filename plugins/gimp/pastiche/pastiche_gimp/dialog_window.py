"""A dialog's window with its usual buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_gimp.dialog_run import RESET

if TYPE_CHECKING:
    from pastiche_client.editing.texts import Texts


def dialog_window(texts: Texts, title: str, ok: str) -> GimpUi.Dialog:
    """Reset, Cancel and OK, named `ok`; beside GIMP's own window, which stays usable."""
    dialog = GimpUi.Dialog(title=title, role="pastiche")
    reset = dialog.add_button(texts.reset, RESET)
    reset.set_tooltip_text(texts.reset_tip)
    dialog.add_button(texts.cancel, Gtk.ResponseType.CANCEL)
    dialog.add_button(ok, Gtk.ResponseType.OK).grab_focus()
    dialog.set_alternative_button_order_from_array(
        [Gtk.ResponseType.OK, RESET, Gtk.ResponseType.CANCEL]
    )
    dialog.set_default_response(Gtk.ResponseType.OK)
    dialog.set_resizable(False)
    GimpUi.window_set_transient(dialog)
    return dialog
