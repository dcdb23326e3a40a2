"""A value with a slider and a field for its number."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .qt import QDoubleSpinBox, QGridLayout, QLabel, QObject, QSlider, Qt, pyqtSignal

_STEPS = 1000


@dataclass(frozen=True)
class Scale:
    """How a value is shown: the number is `factor` times as large.

    On a logarithmic slider, halves and doubles are equally far.
    """

    factor: float
    decimals: int
    suffix: str
    step: float
    logarithmic: bool = False


PERCENT = Scale(factor=100.0, decimals=0, suffix=" %", step=1.0)
TIMES = Scale(factor=1.0, decimals=2, suffix=" ×", step=0.05, logarithmic=True)  # noqa: RUF001 - times


class SliderRow(QObject):
    """A row of a grid. Emits `changed` when the user changes the value."""

    changed = pyqtSignal(float)

    def __init__(
        self,
        grid: QGridLayout,
        row: int,
        label: str,
        tip: str,
        scale: Scale,
        minimum: float,
        maximum: float,
    ) -> None:
        super().__init__(grid.parentWidget())
        self._scale = scale
        self._label = QLabel(label)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _STEPS)
        self._slider.setPageStep(_STEPS // 10)
        self._number = QDoubleSpinBox()
        self._number.setDecimals(scale.decimals)
        self._number.setSuffix(scale.suffix)
        self._number.setSingleStep(scale.step)
        self._number.setKeyboardTracking(False)
        self._label.setBuddy(self._number)
        self._slider.setAccessibleName(label)
        for column, widget in enumerate((self._label, self._slider, self._number)):
            widget.setToolTip(tip)
            grid.addWidget(widget, row, column)
        self._minimum, self._maximum = minimum, maximum
        self.set_range(minimum, maximum)
        self._slider.valueChanged.connect(self._slid)
        self._number.valueChanged.connect(self._typed)

    @property
    def value(self) -> float:
        """The value, within the range."""
        return min(self._maximum, max(self._minimum, self._number.value() / self._scale.factor))

    def set_range(self, minimum: float, maximum: float) -> None:
        """Allow these values; the present one is moved into them."""
        value = self.value
        self._minimum, self._maximum = minimum, maximum
        self._number.blockSignals(True)
        self._number.setRange(minimum * self._scale.factor, maximum * self._scale.factor)
        self._number.blockSignals(False)
        self.set_value(value)

    def set_value(self, value: float) -> None:
        """Show a value without telling of it."""
        self._number.blockSignals(True)
        self._number.setValue(value * self._scale.factor)
        self._number.blockSignals(False)
        self._move_slider()

    def set_visible(self, visible: bool) -> None:
        for widget in (self._label, self._slider, self._number):
            widget.setVisible(visible)

    def _slid(self, position: int) -> None:
        share = position / _STEPS
        if self._scale.logarithmic:
            value = self._minimum * (self._maximum / self._minimum) ** share
        else:
            value = self._minimum + (self._maximum - self._minimum) * share
        self._number.blockSignals(True)
        self._number.setValue(value * self._scale.factor)
        self._number.blockSignals(False)
        self.changed.emit(self.value)

    def _typed(self) -> None:
        self._move_slider()
        self.changed.emit(self.value)

    def _move_slider(self) -> None:
        if self._maximum <= self._minimum:
            share = 0.0
        elif self._scale.logarithmic:
            share = math.log(self.value / self._minimum) / math.log(self._maximum / self._minimum)
        else:
            share = (self.value - self._minimum) / (self._maximum - self._minimum)
        self._slider.blockSignals(True)
        self._slider.setValue(round(share * _STEPS))
        self._slider.blockSignals(False)
