"""A box with the masks of the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from krita import Krita

from .qt import QComboBox, QSizePolicy, pyqtSignal
from .regions import regions_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.paint_options import RegionChoice


class RegionCombo(QComboBox):
    """Lists the masks when it is opened, each also as its opposite: Krita tells of no changes.

    Emits `chosen` when the user chooses; `choice` is None for no mask.
    """

    chosen = pyqtSignal()

    def __init__(self, none: str, describe: Callable[[RegionChoice], str]) -> None:
        """`none` is the entry without a mask; `describe` names one in the list."""
        super().__init__()
        self._none = none
        self._describe = describe
        self._entries: list[RegionChoice | None] = []
        self.choice: RegionChoice | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.activated.connect(self._activated)
        self.show_choice(None)

    def show_choice(self, choice: RegionChoice | None) -> None:
        """Show a mask without telling of it."""
        self.choice = choice
        self._show([None] if choice is None else [None, choice])

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        self.fill()
        super().showPopup()

    def fill(self) -> None:
        """List the masks that are there now."""
        document = Krita.instance().activeDocument()
        entries: list[RegionChoice | None] = [None]
        for region in regions_of(document) if document is not None else []:
            entries += [region, replace(region, outside=True)]
        if self.choice not in entries:
            entries.append(self.choice)
        self._show(entries)

    def _show(self, entries: list[RegionChoice | None]) -> None:
        self._entries = entries
        self.clear()
        self.addItems([self._none if entry is None else self._describe(entry) for entry in entries])
        self.setCurrentIndex(entries.index(self.choice))

    def _activated(self, index: int) -> None:
        self.choice = self._entries[index]
        self.chosen.emit()
