"""The windows of dialogs, with their usual buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_gimp.dialog_run import RESET

if TYPE_CHECKING:
    from pastiche_client.editing.texts import Texts

_PROGRESS_WIDTH = 520


def dialog_window(texts: Texts, title: str, ok: str) -> GimpUi.Dialog:
    """Reset, Cancel and OK, named `ok`; beside GIMP's own window, which stays usable."""
    dialog = _window(title)
    reset = dialog.add_button(texts.reset, RESET)
    reset.set_tooltip_text(texts.reset_tip)
    dialog.add_button(texts.cancel, Gtk.ResponseType.CANCEL)
    dialog.add_button(ok, Gtk.ResponseType.OK).grab_focus()
    dialog.set_alternative_button_order_from_array(
        [Gtk.ResponseType.OK, RESET, Gtk.ResponseType.CANCEL]
    )
    dialog.set_default_response(Gtk.ResponseType.OK)
    return dialog


def ok_window(texts: Texts, title: str, ok: str) -> GimpUi.Dialog:
    """Cancel and OK, named `ok`, in a window that is wide enough for a line of progress."""
    dialog = progress_window(texts, title)
    dialog.add_button(ok, Gtk.ResponseType.OK).grab_focus()
    dialog.set_alternative_button_order_from_array([Gtk.ResponseType.OK, Gtk.ResponseType.CANCEL])
    dialog.set_default_response(Gtk.ResponseType.OK)
    return dialog


def closing_window(texts: Texts, title: str, ok: str) -> GimpUi.Dialog:
    """Close and OK, named `ok`, for what goes on when the window is closed."""
    dialog = _window(title)
    dialog.add_button(texts.close, Gtk.ResponseType.CLOSE)
    dialog.add_button(ok, Gtk.ResponseType.OK)
    dialog.set_alternative_button_order_from_array([Gtk.ResponseType.OK, Gtk.ResponseType.CLOSE])
    dialog.set_default_response(Gtk.ResponseType.OK)
    dialog.set_size_request(_PROGRESS_WIDTH, -1)
    return dialog


def progress_window(texts: Texts, title: str) -> GimpUi.Dialog:
    """A window that can only be cancelled, wide enough for a line of progress."""
    dialog = _window(title)
    dialog.add_button(texts.cancel, Gtk.ResponseType.CANCEL)
    dialog.set_size_request(_PROGRESS_WIDTH, -1)
    return dialog


def _window(title: str) -> GimpUi.Dialog:
    dialog = GimpUi.Dialog(title=title, role="pastiche")
    dialog.set_resizable(False)
    GimpUi.window_set_transient(dialog)
    return dialog
