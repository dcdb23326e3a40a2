"""The styles to paint like: one or several, each with its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GdkPixbuf, Gtk, Pango

from pastiche_client.editing.paint_options import MOST_STYLES, WEIGHTS
from pastiche_gimp.mask_field import MaskField
from pastiche_gimp.masks import found_choice
from pastiche_gimp.style_choices import StylePicture, file_path, find_pictures, is_there
from pastiche_gimp.windows import SPACING, column, row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gi.repository import Gimp

    from pastiche_client.editing.paint_options import RegionChoice, StyleChoice
    from pastiche_client.editing.texts import Texts

_SIDE = 32
_NUMBER, _LABEL, _PICTURE = range(3)
_FILE = "file"


class StyleList:
    """Fields to choose styles. `widget` is the list."""

    def __init__(
        self,
        texts: Texts,
        image: Gimp.Image,
        offered: Sequence[StylePicture],
        masks: Sequence[RegionChoice],
    ) -> None:
        self._texts = texts
        self._image = image
        self._masks = list(masks)
        self._offered: list[StylePicture] = []
        self._model = Gtk.ListStore(str, str, GdkPixbuf.Pixbuf)
        self._model.append([_FILE, texts.choose_file, None])
        for picture in offered:
            self._offer(picture)
        self._rows: list[_StyleRow] = []
        self._box = column(spacing=SPACING)
        self._add = Gtk.Button.new_with_label(texts.add_style)
        self._add.set_halign(Gtk.Align.START)
        self._add.connect("clicked", lambda _: self._add_row())
        self.widget = column(self._box, self._add, spacing=SPACING)
        self._add_row()

    def pictures(self) -> list[StylePicture]:
        """What is chosen, with its shares and places."""
        return [
            self._offered[line.number].used(line.weight if self._several else 1.0, line.where)
            for line in self._rows
            if line.number is not None
        ]

    def use(self, styles: Sequence[StyleChoice]) -> list[str]:
        """Choose these, but for those that are not there; returns what is not.

        Where none of them is there, what was chosen stays.
        """
        there = [style for style in styles if is_there(style, self._image)]
        notes = [self._texts.paint_style_missing(style) for style in styles if style not in there]
        if there:
            for line in list(self._rows):
                self._drop(line)
            for picture in find_pictures(there, self._image, of_this_image=False):
                style = picture.choice
                where = found_choice(style.where, self._image)
                if style.where is not None and where is None:
                    notes.append(self._texts.region_missing(style.where, style))
                self._add_row(self._offer(picture), style.weight, where)
        return notes

    def offer_masks(self, masks: Sequence[RegionChoice]) -> None:
        """Add places that are new."""
        self._masks = list(masks)
        for line in self._rows:
            line.offer_masks(masks)

    @property
    def _several(self) -> bool:
        return len(self._rows) > 1

    def _offer(self, picture: StylePicture) -> int:
        """The number of a picture in the lists, where it may be new."""
        for number, known in enumerate(self._offered):
            if _place(known.choice) == _place(picture.choice):
                return number
        number = len(self._offered)
        self._offered.append(picture)
        label = self._texts.paint_source(picture.choice)
        # Before the entry for files.
        self._model.insert(number, [str(number), label, picture.thumbnail(_SIDE)])
        return number

    def _add_row(
        self,
        number: int | None = None,
        weight: float = 1.0,
        where: RegionChoice | None = None,
    ) -> None:
        if number is None:
            used = {line.number for line in self._rows}
            free = [index for index in range(len(self._offered)) if index not in used]
            number = free[0] if free else None
        line = _StyleRow(self._texts, self._model, number, weight, self._ask_file, self._drop)
        line.offer_masks(self._masks)
        line.choose_where(where)
        self._rows.append(line)
        self._box.pack_start(line.widget, False, False, 0)
        line.widget.show_all()
        self._changed()

    def _drop(self, line: _StyleRow) -> None:
        self._rows.remove(line)
        line.widget.destroy()
        self._changed()

    def _changed(self) -> None:
        for line in self._rows:
            line.set_among_several(several=self._several)
        self._add.set_sensitive(len(self._rows) < MOST_STYLES)

    def _ask_file(self) -> int | None:
        """The number of a file that the user chooses; None for none."""
        window = self.widget.get_toplevel()
        dialog = Gtk.FileChooserDialog(
            title=self._texts.choose_file_title,
            transient_for=window,
            modal=True,
            action=Gtk.FileChooserAction.OPEN,
        )
        dialog.add_button(self._texts.cancel, Gtk.ResponseType.CANCEL)
        dialog.add_button(self._texts.ok, Gtk.ResponseType.OK)
        dialog.set_default_response(Gtk.ResponseType.OK)
        path = file_path(self._image)
        if path is not None:
            dialog.set_current_folder(str(path.parent))
        try:
            chosen = dialog.get_file() if dialog.run() == Gtk.ResponseType.OK else None
        finally:
            dialog.destroy()
        return None if chosen is None else self._offer(StylePicture.of_file(chosen))


def _place(choice: StyleChoice) -> tuple[str, ...]:
    return (choice.kind.value, choice.layer, choice.file, "" if choice.file else choice.name)


class _StyleRow:
    """One style: which, where, its share, and a button to remove it. `number` is what is chosen."""

    def __init__(
        self,
        texts: Texts,
        model: Gtk.ListStore,
        number: int | None,
        weight: float,
        ask_file: Callable[[], int | None],
        drop: Callable[[_StyleRow], None],
    ) -> None:
        self._ask_file = ask_file
        self.number = number
        self._combo = Gtk.ComboBox(model=model, hexpand=True)
        self._combo.set_id_column(_NUMBER)
        self._combo.set_tooltip_text(texts.paint_style_tip)
        self._combo.get_accessible().set_name(texts.paint_style)
        picture = Gtk.CellRendererPixbuf(width=_SIDE + 8)
        label = Gtk.CellRendererText(
            ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=18, max_width_chars=30
        )
        self._combo.pack_start(picture, False)
        self._combo.add_attribute(picture, "pixbuf", _PICTURE)
        self._combo.pack_start(label, True)
        self._combo.add_attribute(label, "text", _LABEL)
        self._show()
        self._handler = self._combo.connect("changed", self._chosen)
        self._where = MaskField(texts.everywhere, texts.region, ())
        self._where.widget.set_tooltip_text(texts.where_tip)
        self._where.widget.get_accessible().set_name(texts.where)
        self._weight = Gtk.SpinButton.new_with_range(*WEIGHTS, 0.5)
        self._weight.set_digits(1)
        self._weight.set_value(weight)
        self._weight.set_tooltip_text(texts.style_weight_tip)
        self._weight.get_accessible().set_name(texts.style_weight)
        self._remove = Gtk.Button.new_from_icon_name("list-remove", Gtk.IconSize.BUTTON)
        self._remove.set_tooltip_text(texts.remove_style)
        self._remove.get_accessible().set_name(texts.remove_style)
        self._remove.connect("clicked", lambda _: drop(self))
        for widget in (self._weight, self._remove):
            widget.set_no_show_all(True)
        self.widget = row(spacing=SPACING)
        self.widget.pack_start(self._combo, True, True, 0)
        self.widget.pack_start(self._where.widget, False, False, 0)
        self.widget.pack_start(self._weight, False, False, 0)
        self.widget.pack_start(self._remove, False, False, 0)

    @property
    def weight(self) -> float:
        return self._weight.get_value()

    @property
    def where(self) -> RegionChoice | None:
        return self._where.choice

    def choose_where(self, where: RegionChoice | None) -> None:
        self._where.choose(where)

    def offer_masks(self, masks: Sequence[RegionChoice]) -> None:
        self._where.offer(masks)

    def set_among_several(self, *, several: bool) -> None:
        """A single style has no share, and cannot be removed."""
        self._weight.set_visible(several)
        self._remove.set_visible(several)

    def _show(self) -> None:
        self._combo.set_active_id(None if self.number is None else str(self.number))

    def _chosen(self, combo: Gtk.ComboBox) -> None:
        chosen = combo.get_active_id()
        if chosen == _FILE:
            number = self._ask_file()
            if number is not None:
                self.number = number
            with combo.handler_block(self._handler):
                self._show()
        elif chosen is not None:
            self.number = int(chosen)
