"""The Qt that Krita itself uses: PyQt6 in Krita 6, PyQt5 before.

All other modules take Qt from here, and name enumerations by their scope, which both know.
"""

# pyright: reportUnusedImport=false
from __future__ import annotations

import sys

# Both may be installed; only the one that Krita has loaded fits to it.
if "PyQt6.QtCore" in sys.modules:
    from PyQt6.QtCore import (
        QFileInfo,
        QLocale,
        QObject,
        QPointF,
        QRect,
        QRectF,
        QSize,
        Qt,
        QTimer,
        QUuid,
        pyqtSignal,
    )
    from PyQt6.QtGui import (
        QColor,
        QIcon,
        QImage,
        QMouseEvent,
        QPainter,
        QPixmap,
        QStandardItem,
        QStandardItemModel,
    )
    from PyQt6.QtWidgets import (
        QAbstractItemView,
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFileDialog,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QInputDialog,
        QLabel,
        QLineEdit,
        QListView,
        QMessageBox,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QTabWidget,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
else:
    from PyQt5.QtCore import (
        QFileInfo,
        QLocale,
        QObject,
        QPointF,
        QRect,
        QRectF,
        QSize,
        Qt,
        QTimer,
        QUuid,
        pyqtSignal,
    )
    from PyQt5.QtGui import (
        QColor,
        QIcon,
        QImage,
        QMouseEvent,
        QPainter,
        QPixmap,
        QStandardItem,
        QStandardItemModel,
    )
    from PyQt5.QtWidgets import (
        QAbstractItemView,
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFileDialog,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QInputDialog,
        QLabel,
        QLineEdit,
        QListView,
        QMessageBox,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QTabWidget,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
