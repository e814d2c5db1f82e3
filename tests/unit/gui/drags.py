"""Drags by the mouse within a window, as far as a screen that is none can have them.

Qt's offscreen platform ends every drag at once. So the mouse begins it for real, and what Qt would send on the way to
where it ends is sent in its place.
"""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

_LEFT, _PLAIN, _MOVE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.MoveAction


class _Enter(QDragEnterEvent):
    def source(self) -> QWidget:
        return self.begun_in


class _Move(QDragMoveEvent):
    def source(self) -> QWidget:
        return self.begun_in


class _Drop(QDropEvent):
    def source(self) -> QWidget:
        return self.begun_in


def drag_row(view: QAbstractItemView, row: int, target: QWidget, place: QPoint) -> bool:
    """Drag a row of a list, and what is selected with it, to a place of another widget; say whether it was taken."""
    begun: list[Qt.DropAction] = []
    view.startDrag = begun.append  # Qt looks for it in the instance first
    begin = view.visualRect(view.model().index(row, 0)).center()
    QTest.mousePress(view.viewport(), _LEFT, _PLAIN, begin)
    for step in range(1, 60):
        if not begun:
            QTest.mouseMove(view.viewport(), begin + QPoint(step, 2))
    del view.startDrag
    assert begun, "the mouse began no drag"
    mime = view.model().mimeData(view.selectedIndexes())
    taken = _delivered(view, target, place, mime)
    QTest.mouseRelease(view.viewport(), _LEFT, _PLAIN, begin)
    return taken


def _delivered(view: QWidget, target: QWidget, place: QPoint, mime: QMimeData) -> bool:
    """Send the events of a drag that ends at a place; one that nobody lets in gets no drop."""
    events = (
        _Enter(place, _MOVE, mime, _LEFT, _PLAIN),
        _Move(place, _MOVE, mime, _LEFT, _PLAIN),
        _Drop(QPointF(place), _MOVE, mime, _LEFT, _PLAIN),
    )
    for event in events:
        event.begun_in = view
        event.ignore()
        QApplication.sendEvent(target, event)
        if not event.isAccepted():
            return False
    return True
