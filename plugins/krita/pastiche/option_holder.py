"""The values that a page of the docker shows and changes, with their presets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from pastiche_client.editing import refusals
from pastiche_client.editing.option_store import OptionsT

from .qt import QObject, pyqtSignal

if TYPE_CHECKING:
    from pastiche_client.editing.option_store import OptionStore


class OptionHolder(QObject, Generic[OptionsT]):
    """Shared by all windows.

    Attributes:
        options: the values as they are now; None while there are none.
        presets: those that were saved, and those of the last time.
    """

    options_changed = pyqtSignal()
    presets_changed = pyqtSignal()

    def __init__(self, presets: OptionStore[OptionsT], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.presets = presets
        self.options: OptionsT | None = None

    def set_options(self, options: OptionsT) -> None:
        """Take other values, and show them in every docker."""
        if options != self.options:
            self.options = options
            self.options_changed.emit()

    def use_options(self, options: OptionsT) -> None:
        """Take values from a preset or a recipe, which may not fit what is there now.

        Raises:
            RefusalError: nothing of them can be used.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Take the values to begin with."""
        raise NotImplementedError

    def save_preset(self, name: str) -> None:
        """Keep the values under a name. Raises PresetError, RefusalError."""
        if self.options is None:
            raise refusals.no_style()
        self.presets.save(name, self.options)
        self.presets_changed.emit()

    def delete_preset(self, name: str) -> None:
        """Raises PresetError."""
        self.presets.delete(name)
        self.presets_changed.emit()

    def use_preset(self, name: str) -> None:
        """Take a preset's values. Raises RefusalError if nothing of them can be used."""
        options = self.presets.get(name)
        if options is None:  # another editor removed it
            self.presets_changed.emit()
            return
        self.use_options(options)
