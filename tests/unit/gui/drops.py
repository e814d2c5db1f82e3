"""Drops as a file manager or a browser makes them, delivered to a widget as Qt does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

_LEFT, _PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_ACTIONS = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def files_mime(paths: Sequence[Path | str]) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def url_mime(*urls: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl(url) for url in urls])
    return mime


def text_mime(text: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(text)
    return mime


def drag_over(widget: QWidget, mime: QMimeData) -> bool:
    """Enter the widget and return whether it would take the drop; one that Qt would not ask is a mistake."""
    asked = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    assert asked.acceptDrops(), f"no drag reaches {widget}"
    event = QDragEnterEvent(QPoint(5, 5), _ACTIONS, mime, _LEFT, _PLAIN)
    event.ignore()
    widget.dragEnterEvent(event)
    return event.isAccepted()


def drop_on(widget: QWidget, mime: QMimeData) -> bool:
    """Enter and let go; a widget that refuses the drag gets no drop."""
    if not drag_over(widget, mime):
        return False
    widget.dropEvent(QDropEvent(QPointF(5, 5), _ACTIONS, mime, _LEFT, _PLAIN))
    return True
