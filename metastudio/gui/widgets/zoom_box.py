"""How a plot is zoomed and moved with the mouse."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

_KEY_SHARE = 0.1
"""Of what is seen, how far a key moves or zooms."""
_MOVES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1)}
_ZOOMS = {Qt.Key.Key_Plus: -1, Qt.Key.Key_Equal: -1, Qt.Key.Key_Minus: 1}


class ZoomBox(pg.ViewBox):
    """Drag zooms, Shift-drag pans, Ctrl+wheel zooms, double-click fits; the wheel alone belongs to the page.

    With the keyboard: arrows pan, + and - zoom, Home fits.

    Signals:
        fit_wanted(): double-clicked.
        zoomed(): the person chose a range.
    """

    fit_wanted = Signal()
    zoomed = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseMode(pg.ViewBox.RectMode)

    def mouseDragEvent(self, ev: object, axis: int | None = None) -> None:
        pans = bool(ev.modifiers() & Qt.KeyboardModifier.ShiftModifier)  # type: ignore[attr-defined]
        self.setMouseMode(pg.ViewBox.PanMode if pans else pg.ViewBox.RectMode)
        super().mouseDragEvent(ev, axis)
        self.zoomed.emit()

    def mouseDoubleClickEvent(self, ev: object) -> None:
        ev.accept()  # type: ignore[attr-defined]
        self.fit_wanted.emit()

    def wheelEvent(self, ev: object, axis: int | None = None) -> None:
        if ev.modifiers() & Qt.KeyboardModifier.ControlModifier:  # type: ignore[attr-defined]
            super().wheelEvent(ev, axis)
            self.zoomed.emit()
        else:
            ev.ignore()  # type: ignore[attr-defined]

    def take_key(self, key: Qt.Key) -> bool:
        """Do what a key means here, and return whether it means something."""
        if key == Qt.Key.Key_Home:
            self.fit_wanted.emit()
            return True
        if key in _MOVES:
            seen, (right, up) = self.viewRect(), _MOVES[key]
            self.translateBy(x=_KEY_SHARE * right * seen.width(), y=_KEY_SHARE * up * seen.height())
        elif key in _ZOOMS:
            self.scaleBy((1 + _KEY_SHARE * _ZOOMS[key], 1.0))
        else:
            return False
        self.zoomed.emit()
        return True
