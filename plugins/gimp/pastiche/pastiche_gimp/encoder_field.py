"""A list of the encoders that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from pastiche_client.editing.background import load_in_background
from pastiche_client.editing.paint_options import DEFAULT_ENCODER
from pastiche_gimp.windows import post

if TYPE_CHECKING:
    from gi.repository import Gimp

    from pastiche_client.client import Client
    from pastiche_client.results import Encoder

_PROPERTY = "encoder"


class EncoderField:
    """Follows the configuration's encoder, and sets it. `widget` is the list."""

    def __init__(self, config: Gimp.ProcedureConfig, client: Client) -> None:
        """The daemon is asked in the background; until it answers there is only what is chosen."""
        self.widget = Gtk.ComboBoxText()
        self._offered: set[str] = set()
        self._offer(DEFAULT_ENCODER, DEFAULT_ENCODER)
        self._config = config
        self._closed = False
        self._watch = config.connect(f"notify::{_PROPERTY}", lambda *_: self._show())
        self._show()
        self.widget.connect("changed", self._chosen)
        load_in_background(client.encoders, post, self._loaded, lambda _: None)

    def close(self) -> None:
        self._closed = True
        self._config.disconnect(self._watch)

    def _loaded(self, encoders: list[Encoder]) -> None:
        for encoder in encoders:
            if encoder.usable and not self._closed:
                self._offer(encoder.id, encoder.display_name)

    def _offer(self, name: str, label: str) -> None:
        if name not in self._offered:
            self._offered.add(name)
            self.widget.append(name, label)

    def _show(self) -> None:
        name = self._config.get_property(_PROPERTY) or DEFAULT_ENCODER
        self._offer(name, name)
        self.widget.set_active_id(name)

    def _chosen(self, combo: Gtk.ComboBoxText) -> None:
        name = combo.get_active_id()
        if name is not None and name != self._config.get_property(_PROPERTY):
            self._config.set_property(_PROPERTY, name)
