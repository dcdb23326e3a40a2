"""A list of an image's masks, one of which can be chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.editing.style_choice import RegionChoice

_NUMBER, _LABEL = range(2)
_NONE = ""


class MaskField:
    """A mask, its opposite, or none. `widget` is the list."""

    def __init__(
        self, none: str, label: Callable[[RegionChoice], str], masks: Sequence[RegionChoice]
    ) -> None:
        """`none` is the entry for no mask; `label` names the others."""
        self._label = label
        self._choices: list[RegionChoice] = []
        self._model = Gtk.ListStore(str, str)
        self._model.append([_NONE, none])
        self.widget = Gtk.ComboBox(model=self._model)
        self.widget.set_id_column(_NUMBER)
        text = Gtk.CellRendererText(
            ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=12, max_width_chars=30
        )
        self.widget.pack_start(text, True)
        self.widget.add_attribute(text, "text", _LABEL)
        self.offer(masks)
        self.widget.set_active_id(_NONE)

    @property
    def choice(self) -> RegionChoice | None:
        number = self.widget.get_active_id()
        return self._choices[int(number)] if number else None

    def choose(self, choice: RegionChoice | None) -> None:
        """Choose a mask, which need not have been offered."""
        self.widget.set_active_id(_NONE if choice is None else self._number(choice))

    def offer(self, masks: Sequence[RegionChoice]) -> None:
        """Add those that are new; what is gone stays, for it may be chosen."""
        for mask in masks:
            for outside in (False, True):
                self._number(replace(mask, outside=outside))

    def _number(self, choice: RegionChoice) -> str:
        if choice not in self._choices:
            self._choices.append(choice)
            self._model.append([str(len(self._choices) - 1), self._label(choice)])
        return str(self._choices.index(choice))
