"""The second style of a mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GdkPixbuf, Gtk

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.catalogue import Catalogue
    from pastiche_client.editing.texts import Texts

_SIDE = 24
_NAME, _LABEL, _PICTURE, _HAS_PICTURE = range(4)


class SecondStyle:
    """A list of the styles that can be mixed with the first one, and none."""

    def __init__(
        self,
        texts: Texts,
        on_chosen: Callable[[str], None],
        picture: Callable[[str], GdkPixbuf.Pixbuf | None],
    ) -> None:
        self._texts = texts
        self._on_chosen = on_chosen
        self._picture = picture
        self._model = Gtk.ListStore(str, str, GdkPixbuf.Pixbuf, bool)
        self.widget = Gtk.ComboBox(model=self._model)
        self.widget.set_id_column(_NAME)
        self.widget.set_tooltip_text(texts.second_style_tip)
        self.widget.set_hexpand(True)
        picture_cell = Gtk.CellRendererPixbuf(width=_SIDE + 8)
        label = Gtk.CellRendererText()
        self.widget.pack_start(picture_cell, False)
        self.widget.add_attribute(picture_cell, "pixbuf", _PICTURE)
        # Without a picture its text begins where that of the other lists does.
        self.widget.add_attribute(picture_cell, "visible", _HAS_PICTURE)
        self.widget.pack_start(label, True)
        self.widget.add_attribute(label, "text", _LABEL)
        self._handler = self.widget.connect("changed", self._changed)

    def show(self, catalogue: Catalogue, first: str, chosen: str) -> None:
        """Offer what can be mixed with `first`, and mark `chosen`, without telling of it."""
        with self.widget.handler_block(self._handler):
            self._model.clear()
            self._model.append(["", self._texts.no_second_style, None, False])
            for item in catalogue.mixable(first):
                self._model.append([item.name, item.label, self._small(item.name), True])
            if not self.widget.set_active_id(chosen):
                self.widget.set_active_id("")

    def refresh_pictures(self) -> None:
        for line in self._model:
            if line[_NAME] and line[_PICTURE] is None:
                line[_PICTURE] = self._small(line[_NAME])

    def _small(self, name: str) -> GdkPixbuf.Pixbuf | None:
        picture = self._picture(name)
        if picture is None:
            return None
        return picture.scale_simple(_SIDE, _SIDE, GdkPixbuf.InterpType.BILINEAR)

    def _changed(self, combo: Gtk.ComboBox) -> None:
        self._on_chosen(combo.get_active_id() or "")
