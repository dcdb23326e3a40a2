"""The styles to paint like, chosen among what is open and from files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.editing.paint_options import MOST_STYLES, WEIGHTS, StyleChoice

from .guard import guard_with
from .paint_styles import choice_of_file, icon_of, other_pictures
from .qt import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSize,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from .region_combo import RegionCombo

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.texts import Texts

    from .studio import Studio

_ICON = QSize(24, 24)
_WIDTH_CHARACTERS = 8
# Krita opens these; the second entry shows all others, too.
_FILTERS = (
    "*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.exr *.psd *.ora *.xcf *.kra *.svg;;*"
)


class StyleRows(QWidget):
    """A row for each style, and one to begin with."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        texts = studio.texts
        self._studio = studio
        self._painting = studio.painting
        self._guard = guard_with(studio.tell_error)
        self._rows: list[_StyleRow] = []
        self._shown: tuple[StyleChoice, ...] | None = None
        title = QLabel(texts.paint_style)
        title.setToolTip(texts.paint_style_tip)
        self._add = QPushButton(texts.add_style)
        self._add.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._add.clicked.connect(self._guard(self._more))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addWidget(title)
        self._column.addWidget(self._add)
        self._painting.options_changed.connect(self._options_changed)
        self.refresh()

    def refresh(self) -> None:
        """Show the styles as they are now."""
        options = self._painting.options
        assert options is not None
        self._shown = options.styles
        self._show(options.styles, max(1, len(options.styles)))

    def _options_changed(self) -> None:
        # Not at every move of a slider: the pictures of styles take their time.
        options = self._painting.options
        if options is not None and options.styles != self._shown:
            self.refresh()

    def _show(self, styles: tuple[StyleChoice, ...], count: int) -> None:
        while len(self._rows) > count:
            row = self._rows.pop()
            self._column.removeWidget(row)
            row.deleteLater()
        while len(self._rows) < count:
            row = _StyleRow(self._studio.texts, self._guard)
            row.changed.connect(self._guard(self._changed))
            row.removed.connect(self._guard(lambda row=row: self._remove(row)))
            self._column.insertWidget(1 + len(self._rows), row)
            self._rows.append(row)
        for index, row in enumerate(self._rows):
            row.show_choice(styles[index] if index < len(styles) else None, alone=count == 1)
        self._add.setVisible(0 < len(styles) == count < MOST_STYLES)

    def _more(self) -> None:
        options = self._painting.options
        assert options is not None
        self._show(options.styles, len(options.styles) + 1)

    def _remove(self, row: _StyleRow) -> None:
        self._rows.remove(row)
        self._column.removeWidget(row)
        row.deleteLater()
        self._changed()
        self.refresh()

    def _changed(self) -> None:
        options = self._painting.options
        assert options is not None
        styles = tuple(row.choice for row in self._rows if row.choice is not None)
        if len(styles) == 1:  # it shows no share
            styles = (replace(styles[0], weight=1.0),)
        try:
            self._painting.set_options(replace(options, styles=styles))
        except ValueError:
            self.refresh()
            raise


class _StyleRow(QWidget):
    """One style, the part of the layer that gets it, and its share where there are several."""

    changed = pyqtSignal()
    removed = pyqtSignal()

    def __init__(self, texts: Texts, guard: Callable[..., Callable[..., None]]) -> None:
        super().__init__()
        self._choice: StyleChoice | None = None
        self._combo = _StyleCombo(texts)
        self._combo.chosen.connect(guard(self._chosen))
        self._share = QDoubleSpinBox()
        self._share.setRange(*WEIGHTS)
        self._share.setDecimals(2)
        self._share.setSingleStep(0.25)
        self._share.setKeyboardTracking(False)
        self._share.setToolTip(f"{texts.style_weight}: {texts.style_weight_tip}")
        self._share.setAccessibleName(texts.style_weight)
        self._share.valueChanged.connect(guard(self._weighed))
        self._remove = QToolButton()
        self._remove.setIcon(Krita.instance().icon("edit-delete"))
        self._remove.setToolTip(texts.remove_style)
        self._remove.setAccessibleName(texts.remove_style)
        self._remove.setAutoRaise(True)
        self._remove.clicked.connect(lambda: self.removed.emit())
        self._where = RegionCombo(texts.everywhere, texts.region)
        self._where.setToolTip(f"{texts.where}: {texts.where_masks_tip}")
        self._where.setAccessibleName(texts.where)
        self._where.chosen.connect(guard(self._placed))
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._combo, 1)
        row.addWidget(self._share)
        row.addWidget(self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self._where)

    @property
    def choice(self) -> StyleChoice | None:
        return self._choice

    def show_choice(self, choice: StyleChoice | None, *, alone: bool) -> None:
        """Show a style without telling of it; `alone`, if there is no other row."""
        self._choice = choice
        self._combo.show_choice(choice)
        self._share.blockSignals(True)
        self._share.setValue(choice.weight if choice else 1.0)
        self._share.blockSignals(False)
        self._where.show_choice(choice.where if choice else None)
        self._where.setVisible(choice is not None)
        self._share.setVisible(not alone)
        self._remove.setVisible(not alone)

    def _chosen(self) -> None:
        chosen = self._combo.choice
        if chosen is not None:
            self._choice = replace(chosen, weight=self._share.value(), where=self._where.choice)
            self.changed.emit()

    def _placed(self) -> None:
        if self._choice is not None:
            self._choice = replace(self._choice, where=self._where.choice)
            self.changed.emit()

    def _weighed(self) -> None:
        if self._choice is not None:
            self._choice = replace(self._choice, weight=self._share.value())
            self.changed.emit()


class _StyleCombo(QComboBox):
    """Lists what is open when it is opened: Krita does not tell of changes."""

    chosen = pyqtSignal()

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts
        self._choices: list[StyleChoice] = []
        self.choice: StyleChoice | None = None
        self.setIconSize(_ICON)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(_WIDTH_CHARACTERS)
        self.setToolTip(texts.paint_style_tip)
        self.setAccessibleName(texts.paint_style)
        self.activated.connect(self._activated)

    def show_choice(self, choice: StyleChoice | None) -> None:
        """Show a style without telling of it; None for none."""
        self.choice = choice
        document = Krita.instance().activeDocument()
        self._choices = [] if choice is None else [choice]
        self.clear()
        if choice is not None:
            self.addItem(icon_of(choice, document), self._texts.paint_source(choice))
        self.setCurrentIndex(len(self._choices) - 1)

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        self.fill()
        super().showPopup()

    def fill(self) -> None:
        """List what is open now."""
        document = Krita.instance().activeDocument()
        self._choices = other_pictures(document, document.activeNode()) if document else []
        shown = replace(self.choice, weight=1.0, where=None) if self.choice is not None else None
        if shown is not None and shown not in self._choices:
            self._choices.insert(0, shown)
        self.clear()
        for choice in self._choices:
            self.addItem(icon_of(choice, document), self._texts.paint_source(choice))
        if self._choices:
            self.insertSeparator(len(self._choices))
        self.addItem(self._texts.choose_file)
        self.setCurrentIndex(self._choices.index(shown) if shown is not None else -1)

    def _activated(self, index: int) -> None:
        if index < len(self._choices):
            self.choice = self._choices[index]
            self.chosen.emit()
            return
        path, _ = QFileDialog.getOpenFileName(
            self, self._texts.choose_file_title, self.choice.file if self.choice else "", _FILTERS
        )
        if path:
            self.choice = choice_of_file(path)
            self.chosen.emit()
        else:
            self.show_choice(self.choice)
