"""The styles with their preview pictures, to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GdkPixbuf, GLib, Gtk, Pango

from pastiche_gimp.pictures import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pastiche_client.editing.catalogue import Catalogue, StyleItem
    from pastiche_client.editing.texts import Texts

PICTURE_SIDE = 88
_ITEM_WIDTH = 108
_COLUMNS = 4
_HEIGHT = 224
_NAME, _LABEL, _PICTURE, _TIP = range(4)


class StyleChooser:
    """A field of pictures.

    `on_chosen` gets the name of the style that the user has chosen; `on_confirmed` is called when
    the user presses Return on it, or double-clicks it.
    """

    def __init__(
        self,
        texts: Texts,
        on_chosen: Callable[[str], None],
        on_confirmed: Callable[[], None],
    ) -> None:
        self._texts = texts
        self._on_chosen = on_chosen
        self._on_confirmed = on_confirmed
        self._pictures: dict[str, GdkPixbuf.Pixbuf] = {}
        self._on_picture: Callable[[], None] = lambda: None
        self._model = Gtk.ListStore(str, str, GdkPixbuf.Pixbuf, str)
        self._view = self._made_view()
        self.widget = Gtk.ScrolledWindow(
            hscrollbar_policy=Gtk.PolicyType.NEVER,
            vscrollbar_policy=Gtk.PolicyType.AUTOMATIC,
            shadow_type=Gtk.ShadowType.IN,
        )
        self.widget.set_size_request(_COLUMNS * (_ITEM_WIDTH + 12) + 24, _HEIGHT)
        self.widget.add(self._view)

    def fill(self, catalogue: Catalogue, on_picture: Callable[[], None]) -> None:
        """Show these styles; the pictures follow. `on_picture` is called for each of them."""
        self._on_picture = on_picture
        blank = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, PICTURE_SIDE, PICTURE_SIDE)
        blank.fill(0x80808040)
        self._model.clear()
        several = len(catalogue.packs()) > 1
        for item in catalogue.items:
            self._model.append([item.name, item.label, blank, self._tip(item, several=several)])
        pending = iter(catalogue.items)
        GLib.idle_add(self._load_next, pending)

    def picture(self, name: str) -> GdkPixbuf.Pixbuf | None:
        """The picture of a style, once it was loaded."""
        return self._pictures.get(name)

    def select(self, name: str) -> None:
        """Mark a style as chosen, without telling of it."""
        for line in self._model:
            if line[_NAME] == name and not self._view.path_is_selected(line.path):
                with self._view.handler_block(self._handler):
                    self._view.unselect_all()
                    self._view.select_path(line.path)
                    self._view.set_cursor(line.path, None, False)
                self._view.scroll_to_path(line.path, False, 0.0, 0.0)

    def _made_view(self) -> Gtk.IconView:
        view = Gtk.IconView(model=self._model)
        view.set_selection_mode(Gtk.SelectionMode.BROWSE)
        view.set_columns(_COLUMNS)
        view.set_item_width(_ITEM_WIDTH)
        view.set_item_padding(4)
        view.set_row_spacing(0)
        view.set_column_spacing(4)
        view.set_margin(4)
        view.set_tooltip_column(_TIP)
        picture = Gtk.CellRendererPixbuf()
        view.pack_start(picture, False)
        view.add_attribute(picture, "pixbuf", _PICTURE)
        label = Gtk.CellRendererText(
            xalign=0.5,
            alignment=Pango.Alignment.CENTER,
            wrap_mode=Pango.WrapMode.WORD_CHAR,
            wrap_width=_ITEM_WIDTH - 4,
            scale=0.9,
        )
        view.pack_start(label, False)
        view.add_attribute(label, "text", _LABEL)
        self._handler = view.connect("selection-changed", self._selection_changed)
        view.connect("item-activated", lambda *_: self._on_confirmed())
        view.get_accessible().set_name(self._texts.style)
        return view

    def _selection_changed(self, view: Gtk.IconView) -> None:
        paths = view.get_selected_items()
        if paths:
            self._on_chosen(self._model[paths[0]][_NAME])

    def _load_next(self, pending: Iterator[StyleItem]) -> bool:
        item = next(pending, None)
        if item is None:
            return GLib.SOURCE_REMOVE
        picture = decoded(item.preview, PICTURE_SIDE)
        if picture is not None:
            self._pictures[item.name] = picture
            for line in self._model:
                if line[_NAME] == item.name:
                    line[_PICTURE] = picture
            self._on_picture()
        return GLib.SOURCE_CONTINUE

    def _tip(self, item: StyleItem, *, several: bool) -> str:
        lines = [self._texts.style_by(item.label, item.artist)]
        if several:
            lines.append(item.pack_label)
        return "\n".join(GLib.markup_escape_text(line) for line in lines)
