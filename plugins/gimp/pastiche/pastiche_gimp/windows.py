"""Helpers for the thread of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

if TYPE_CHECKING:
    from collections.abc import Callable

SPACING = 6


def post(callback: Callable[[], None]) -> None:
    """Run a callback soon in the thread of windows; from any thread."""

    def once() -> bool:
        callback()
        return GLib.SOURCE_REMOVE

    GLib.idle_add(once, priority=GLib.PRIORITY_DEFAULT)


def row(*widgets: Gtk.Widget, spacing: int = SPACING) -> Gtk.Box:
    """Widgets side by side."""
    box = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=spacing)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box


def column(*widgets: Gtk.Widget, spacing: int = SPACING) -> Gtk.Box:
    """Widgets below each other."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box


def wrapping_label(width: int, text: str = "") -> Gtk.Label:
    """A label that breaks its lines at `width` characters and never widens its window."""
    label = Gtk.Label(label=text, xalign=0.0, wrap=True, selectable=False)
    label.set_max_width_chars(width)
    label.set_width_chars(1)
    return label
