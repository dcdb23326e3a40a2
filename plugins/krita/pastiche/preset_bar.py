"""Saved values: choose, save, delete, and take a layer's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krita import Krita

from .qt import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMessageBox,
    QSizePolicy,
    QToolButton,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .guard import Guard
    from .option_holder import OptionHolder
    from .studio import Studio


class PresetBar(QWidget):
    """A row with the presets of one kind of values."""

    def __init__(
        self, holder: OptionHolder[Any], studio: Studio, guard: Guard, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._holder = holder
        self._texts = texts
        self._presets = QComboBox()
        self._presets.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._presets.setToolTip(texts.preset_tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        label = QLabel(texts.presets)
        label.setBuddy(self._presets)
        row.addWidget(label)
        row.addWidget(self._presets, 1)
        self._delete = _button("edit-delete", texts.delete_preset)
        buttons: list[tuple[QToolButton, Callable[[], object]]] = [
            (_button("document-save", texts.save_preset), self._save),
            (self._delete, self._remove),
            (_button("view-refresh", f"{texts.reset}: {texts.reset_tip}"), holder.reset),
            (_button("selection-info", texts.load_recipe_tip), studio.use_recipe),
        ]
        for button, act in buttons:
            button.clicked.connect(guard(act))
            row.addWidget(button)
        self._presets.activated.connect(guard(self._choose))
        holder.presets_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the presets as they are now."""
        chosen = self._presets.currentText()
        self._presets.clear()
        self._presets.addItems(self._holder.presets.names())
        self._presets.setCurrentIndex(self._presets.findText(chosen) if chosen else -1)
        self._delete.setEnabled(self._presets.currentIndex() >= 0)

    def _choose(self) -> None:
        self._delete.setEnabled(True)
        self._holder.use_preset(self._presets.currentText())

    def _save(self) -> None:
        texts = self._texts
        name, accepted = QInputDialog.getText(
            self, texts.save_preset, texts.preset_name, text=self._presets.currentText()
        )
        if not accepted:
            return
        if name in self._holder.presets.names() and not self._may_replace(name):
            return
        self._holder.save_preset(name)
        self._presets.setCurrentIndex(self._presets.findText(name.strip()))
        self._delete.setEnabled(self._presets.currentIndex() >= 0)

    def _may_replace(self, name: str) -> bool:
        texts = self._texts
        answer = QMessageBox.question(self, texts.save_preset, texts.preset_exists(name))
        return answer == QMessageBox.StandardButton.Yes

    def _remove(self) -> None:
        name = self._presets.currentText()
        if name:
            self._holder.delete_preset(name)


def _button(icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(Krita.instance().icon(icon))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRaise(True)
    return button
