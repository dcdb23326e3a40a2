"""What the docker has to tell, until something else is to be told or it is clicked away."""

from __future__ import annotations

from krita import Krita

from .qt import QFrame, QHBoxLayout, QLabel, QSizePolicy, Qt, QToolButton, QWidget

_MOST_CHARACTERS = 700


class MessageBar(QFrame):
    """Sentences in a frame, with a button to close it. Hidden while there is nothing to tell."""

    def __init__(self, close: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        button = QToolButton()
        button.setIcon(Krita.instance().icon("dialog-cancel"))
        button.setToolTip(close)
        button.setAccessibleName(close)
        button.setAutoRaise(True)
        button.clicked.connect(lambda: self.tell(""))
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 2, 4)
        row.addWidget(self._label, 1)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.setVisible(False)

    @property
    def text(self) -> str:
        return self._label.text()

    def tell(self, text: str) -> None:
        """Show a text; an empty one hides the bar."""
        shown = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
        self._label.setText(shown)
        self._label.setToolTip(text if shown != text else "")
        self.setVisible(bool(text))
