"""Whether K + Q fits: the smallest class as a scale, shots solid and queries outlined upon it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from metastudio.gui import theme

_BAR_PX = 10


class FeasibleGauge(QWidget):
    """Paints K solid, Q outlined, and a mark where the smallest class ends; what is beyond it is in the bad colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._n_shot, self._n_query, self._limit = 1, 1, 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(90)

    def set_values(self, n_shot: int, n_query: int, limit: int) -> None:
        """Show K and Q against the images of the smallest class; 0 where there is none."""
        self._n_shot, self._n_query, self._limit = n_shot, n_query, limit
        text = self.tr("K + Q = {needed} of {limit} images").format(needed=n_shot + n_query, limit=limit)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, 20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        needed = self._n_shot + self._n_query
        unit = (self.width() - 4) / max(needed, self._limit, 1)
        top = (self.height() - _BAR_PX) / 2
        whole = QRectF(1, top, unit * max(needed, self._limit), _BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("hairline"))
        painter.drawRoundedRect(whole, 3, 3)
        colour = theme.colour("accent" if needed <= self._limit else "bad")
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(1, top, unit * self._n_shot, _BAR_PX), 3, 3)
        painter.setBrush(theme.translucent(colour, 0.18))
        painter.setPen(QPen(colour, 1.2))
        painter.drawRoundedRect(QRectF(1 + unit * self._n_shot, top + 0.6, unit * self._n_query, _BAR_PX - 1.2), 3, 3)
        if self._limit:
            x = 1 + unit * self._limit
            painter.setPen(QPen(theme.colour("ink"), 1.6))
            painter.drawLine(round(x), round(top - 4), round(x), round(top + _BAR_PX + 4))
