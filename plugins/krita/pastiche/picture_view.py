"""A picture, scaled into its place, with words over it where need be."""

from __future__ import annotations

from .qt import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QSizePolicy,
    Qt,
    QWidget,
    pyqtSignal,
)

_LEAST = QSize(120, 110)
_USUAL = QSize(240, 150)
_CHECKER = 8
_MARGIN = 8


class PictureView(QWidget):
    """Emits `clicked` with the point in shares of the picture, 0..1."""

    clicked = pyqtSignal(QPointF)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QImage()
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(_LEAST)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return _USUAL

    def show_picture(self, picture: QImage, note: str = "") -> None:
        self._picture, self._text = picture, note
        self.update()

    def show_waiting(self, picture: QImage, text: str) -> None:
        """Show a picture that will be replaced soon."""
        self.show_picture(picture, text)

    def show_text(self, text: str) -> None:
        """Show words instead of a picture."""
        self.show_picture(QImage(), text)

    def paintEvent(self, _: object) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        background = self.palette().base()
        painter.fillRect(self.rect(), background)
        if self._picture.isNull():
            self._draw_words(painter, self.rect(), Qt.AlignmentFlag.AlignCenter)
        else:
            place = self._place()
            if self._picture.hasAlphaChannel():
                _draw_checkers(painter, place)
            painter.drawImage(QRectF(place), self._picture)
            if self._text:
                self._draw_note(painter)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        place = self._place()
        if not self._picture.isNull() and place.contains(event.pos()):
            x = (event.pos().x() - place.x()) / place.width()
            y = (event.pos().y() - place.y()) / place.height()
            self.clicked.emit(QPointF(x, y))

    def _place(self) -> QRect:
        size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        return QRect(left, top, max(1, size.width()), max(1, size.height()))

    def _draw_note(self, painter: QPainter) -> None:
        inner = self.width() - 2 * _MARGIN
        flags = int(Qt.TextFlag.TextWordWrap)
        bounds = painter.fontMetrics().boundingRect(
            QRect(0, 0, inner, self.height()), flags, self._text
        )
        strip = QRect(0, self.height() - bounds.height() - 6, self.width(), bounds.height() + 6)
        painter.fillRect(strip, QColor(0, 0, 0, 150))
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(
            strip.adjusted(_MARGIN, 3, -_MARGIN, -3),
            flags | int(Qt.AlignmentFlag.AlignHCenter),
            self._text,
        )

    def _draw_words(self, painter: QPainter, place: QRect, alignment: Qt.AlignmentFlag) -> None:
        painter.setPen(self.palette().text().color())
        painter.drawText(
            place.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN),
            int(alignment) | int(Qt.TextFlag.TextWordWrap),
            self._text,
        )


def _draw_checkers(painter: QPainter, place: QRect) -> None:
    """What is seen through transparent pixels."""
    painter.save()
    painter.setClipRect(place)
    painter.fillRect(place, QColor(190, 190, 190))
    for row, y in enumerate(range(place.top(), place.bottom() + 1, _CHECKER)):
        for x in range(place.left() + row % 2 * _CHECKER, place.right() + 1, 2 * _CHECKER):
            painter.fillRect(x, y, _CHECKER, _CHECKER, QColor(225, 225, 225))
    painter.restore()
