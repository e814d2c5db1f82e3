"""A curve as small as a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from metastudio.gui import theme

_SIZE = QSize(84, 18)
_POINTS = 42


class Sparkline(QWidget):
    """Draws the course of some values, thinned to its width; gaps and infinities are left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: NDArray[np.float64] = np.empty(0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_values(self, values: NDArray[np.float64]) -> None:
        """Show other values, (n,)."""
        finite = values[np.isfinite(values)]
        if len(finite) > _POINTS:
            finite = np.array([part.mean() for part in np.array_split(finite, _POINTS)])
        self._values = finite
        self.update()

    def sizeHint(self) -> QSize:
        return _SIZE

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if len(self._values) < 2:
            return
        low, high = float(self._values.min()), float(self._values.max())
        span = (high - low) or 1.0
        width, height = self.width() - 2, self.height() - 4
        step = width / (len(self._values) - 1)
        line = [QPointF(1 + i * step, 2 + height * (1 - (v - low) / span)) for i, v in enumerate(self._values)]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), 1.4))
        painter.drawPolyline(QPolygonF(line))
        painter.end()
