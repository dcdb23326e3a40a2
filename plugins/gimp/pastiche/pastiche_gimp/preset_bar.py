"""Presets, and the recipes of the image's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from gi.repository import Gtk

from pastiche_client.editing.option_store import OptionsT
from pastiche_client.editing.told import ToldError
from pastiche_gimp.windows import SPACING, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.option_store import OptionStore
    from pastiche_client.editing.texts import Texts

RecipeT = TypeVar("RecipeT")


class PresetBar(Generic[OptionsT, RecipeT]):
    """Chooses, saves and deletes presets; loads recipes.

    `options` gives the values to save; `use` and `use_recipe` get what was chosen; `tell` gets
    what went wrong.
    """

    def __init__(
        self,
        texts: Texts,
        store: OptionStore[OptionsT],
        recipes: list[tuple[str, RecipeT]],
        *,
        options: Callable[[], OptionsT],
        use: Callable[[OptionsT], None],
        use_recipe: Callable[[str, RecipeT], None],
        tell: Callable[[Exception], None],
    ) -> None:
        self._texts = texts
        self._store = store
        self._options = options
        self._use = use
        self._tell = tell
        self._combo = Gtk.ComboBoxText()
        self._combo.set_tooltip_text(texts.preset_tip)
        self._handler = self._combo.connect("changed", self._changed)
        self._save = self._button("document-save", texts.save_preset, self._ask_name)
        self._delete = self._button("edit-delete", texts.delete_preset, self._remove)
        label = Gtk.Label(label=texts.presets + ":", xalign=0.0)
        self.widget = row(label)
        self.widget.pack_start(self._combo, True, True, 0)
        self.widget.pack_start(self._save, False, False, 0)
        self.widget.pack_start(self._delete, False, False, 0)
        if recipes:
            menu = self._recipe_menu(recipes, use_recipe)
            self.widget.pack_start(menu, False, False, 0)
        self._fill("")

    def _button(self, icon: str, tip: str, act: Callable[[], None]) -> Gtk.Button:
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
        button.set_tooltip_text(tip)
        button.get_accessible().set_name(tip)
        button.connect("clicked", lambda _: act())
        return button

    def _recipe_menu(
        self, recipes: list[tuple[str, RecipeT]], use: Callable[[str, RecipeT], None]
    ) -> Gtk.MenuButton:
        menu = Gtk.Menu()
        for name, recipe in recipes:
            item = Gtk.MenuItem(label=name)
            item.connect("activate", lambda _, name=name, recipe=recipe: use(name, recipe))
            menu.append(item)
        menu.show_all()
        button = Gtk.MenuButton(label=self._texts.load_recipe, popup=menu)
        button.set_tooltip_text(self._texts.load_recipe_tip)
        return button

    def _fill(self, chosen: str) -> None:
        names = self._store.names()
        with self._combo.handler_block(self._handler):
            self._combo.remove_all()
            for name in names:
                self._combo.append(name, name)
            if chosen in names:
                self._combo.set_active_id(chosen)
        self._combo.set_sensitive(bool(names))
        self._delete.set_sensitive(self._combo.get_active_id() is not None)
        self._tell_problems()

    def _changed(self, combo: Gtk.ComboBoxText) -> None:
        name = combo.get_active_id()
        self._delete.set_sensitive(name is not None)
        options = self._store.get(name) if name is not None else None
        if options is not None:
            self._use(options)
        self._tell_problems()

    def _tell_problems(self) -> None:
        for problem in self._store.problems[-1:]:
            self._tell(problem)

    def _ask_name(self) -> None:
        window = self.widget.get_toplevel()
        dialog = Gtk.Dialog(title=self._texts.save_preset, transient_for=window, modal=True)
        dialog.add_button(self._texts.cancel, Gtk.ResponseType.CANCEL)
        dialog.add_button(self._texts.ok, Gtk.ResponseType.OK)
        dialog.set_default_response(Gtk.ResponseType.OK)
        entry = Gtk.Entry(text=self._combo.get_active_id() or "", activates_default=True)
        content = dialog.get_content_area()
        content.set_border_width(12)
        content.set_spacing(SPACING)
        content.pack_start(Gtk.Label(label=self._texts.preset_name, xalign=0.0), False, False, 0)
        content.pack_start(entry, False, False, 0)
        dialog.show_all()
        name = entry.get_text() if dialog.run() == Gtk.ResponseType.OK else None
        dialog.destroy()
        if name is not None and self._may_save(window, name):
            self._keep(name)

    def _may_save(self, window: Gtk.Window, name: str) -> bool:
        if self._store.get(name) is None:
            return True
        question = Gtk.MessageDialog(
            transient_for=window,
            modal=True,
            message_type=Gtk.MessageType.QUESTION,
            buttons=Gtk.ButtonsType.OK_CANCEL,
            text=self._texts.preset_exists(name),
        )
        answer = question.run()
        question.destroy()
        return answer == Gtk.ResponseType.OK

    def _keep(self, name: str) -> None:
        try:
            self._store.save(name, self._options())
        except ToldError as error:
            self._tell(error)
        self._fill(" ".join(name.split()))

    def _remove(self) -> None:
        name = self._combo.get_active_id()
        if name is None:
            return
        try:
            self._store.delete(name)
        except ToldError as error:
            self._tell(error)
        self._fill("")
