"""The styles, as pictures to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .qt import (
    QAbstractItemView,
    QFrame,
    QIcon,
    QListView,
    QPixmap,
    QSize,
    QStandardItem,
    QStandardItemModel,
    Qt,
    QWidget,
    pyqtSignal,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from pastiche_client.editing.catalogue import Catalogue, StyleItem
    from pastiche_client.editing.texts import Texts

    from .poster import Poster

_ICON = QSize(72, 72)
_CELL_WIDTH = 84
_LABEL_LINES = 3
_NAME = Qt.ItemDataRole.UserRole


class StyleChooser(QListView):
    """Emits `chosen` with `pack/style` when the user chooses another one."""

    chosen = pyqtSignal(str)

    def __init__(self, texts: Texts, poster: Poster, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self._poster = poster
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setIconSize(_ICON)
        small = self.font()
        small.setPointSizeF(small.pointSizeF() * 0.9)
        self.setFont(small)
        line = self.fontMetrics().lineSpacing()
        self._cell = QSize(_CELL_WIDTH, _ICON.height() + _LABEL_LINES * line + 8)
        self.setGridSize(self._cell)
        self.setUniformItemSizes(True)
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setMinimumHeight(self._cell.height() + 4)
        self.setAccessibleName(texts.style)
        self.selectionModel().currentChanged.connect(self._changed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(3 * self._cell.width() + 24, 2 * self._cell.height() + 4)

    def show_catalogue(self, catalogue: Catalogue | None) -> None:
        """Show these styles; their pictures follow."""
        self.selectionModel().blockSignals(True)
        self._items.clear()
        entries: list[tuple[QStandardItem, StyleItem]] = []
        for style in catalogue.items if catalogue else ():
            entry = QStandardItem(_blank(), style.label)
            entry.setData(style.name, _NAME)
            tip = self._texts.style_by(style.label, style.artist)
            entry.setToolTip(f"{tip}\n{style.pack_label}, {style.license}")
            self._items.appendRow(entry)
            entries.append((entry, style))
        self.selectionModel().blockSignals(False)
        self._poster.do(self._decode(entries), _leave_blank)

    def show_style(self, name: str) -> None:
        """Mark a style, without telling of it."""
        for row in range(self._items.rowCount()):
            index = self._items.index(row, 0)
            if index.data(_NAME) == name and index != self.currentIndex():
                self.selectionModel().blockSignals(True)
                self.setCurrentIndex(index)
                self.selectionModel().blockSignals(False)
                self.viewport().update()
                self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)

    def icon_of(self, name: str) -> QIcon:
        """The picture of a style; a null icon if there is no such style."""
        for row in range(self._items.rowCount()):
            if self._items.index(row, 0).data(_NAME) == name:
                return self._items.item(row).icon()
        return QIcon()

    def _decode(
        self, entries: list[tuple[QStandardItem, StyleItem]]
    ) -> Generator[None, None, None]:
        for entry, style in entries:
            picture = QPixmap()
            picture.loadFromData(style.preview)
            if entry.model() is None:  # there is another catalogue by now
                return
            if not picture.isNull():
                entry.setIcon(QIcon(_square(picture)))
            yield

    def _changed(self) -> None:
        name = self.currentIndex().data(_NAME)
        if name:
            self.chosen.emit(name)


def _blank() -> QIcon:
    pixmap = QPixmap(_ICON)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)


def _square(pixmap: QPixmap) -> QPixmap:
    """The middle of the picture, in the icon's size."""
    whole = pixmap.scaled(
        _ICON,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    left, top = (whole.width() - _ICON.width()) // 2, (whole.height() - _ICON.height()) // 2
    return whole.copy(left, top, _ICON.width(), _ICON.height())


def _leave_blank(_: Exception) -> None:
    """A style without a picture can be chosen by its name."""
