"""How a plot is zoomed and moved with the mouse."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal


class ZoomBox(pg.ViewBox):
    """Drag zooms, Shift-drag pans, Ctrl+wheel zooms, double-click fits; the wheel alone belongs to the page.

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
