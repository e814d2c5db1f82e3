"""Toasts: short news bottom right, gone after four seconds unless the pointer rests on it, with buttons inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon, severity_icon
from metastudio.gui.widgets.labels import WrappingLabel

SHOWN_MS = 4000
UNDO_SHOWN_MS = 10_000
_MOST = 4
_WIDTH_PX = 380


@dataclass(frozen=True)
class Toast:
    """What is said: `severity` is note, good, warning or error; `action_text` and `action` make a button."""

    text: str
    severity: str = "note"
    action_text: str = ""
    action: Callable[[], object] | None = None
    shown_ms: int = SHOWN_MS


class _Card(QFrame):
    """One toast on the screen."""

    def __init__(self, toast: Toast, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self._toast = toast
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        line.setSpacing(theme.GAP)
        picture = QLabel()
        picture.setPixmap(severity_icon(toast.severity).pixmap(18, 18))
        line.addWidget(picture, 0, Qt.AlignmentFlag.AlignVCenter)
        text = WrappingLabel(toast.text)
        text.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(text, 1)
        if toast.action is not None:
            button = QPushButton(toast.action_text)
            button.clicked.connect(self._on_action_clicked)
            line.addWidget(button)
        close = QToolButton()
        close.setIcon(icon("mdi6.close", "quiet"))
        close.setAccessibleName(self.tr("Close"))
        close.clicked.connect(self._on_close_clicked)
        line.addWidget(close)
        self.setFixedWidth(_WIDTH_PX)
        self.setAccessibleName(toast.text)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_close_clicked)
        if toast.shown_ms:
            self._timer.start(toast.shown_ms)

    @Slot()
    def _on_action_clicked(self) -> None:
        self._on_close_clicked()
        if self._toast.action is not None:
            self._toast.action()

    @Slot()
    def _on_close_clicked(self) -> None:
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def enterEvent(self, event: QEvent) -> None:
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._toast.shown_ms:
            self._timer.start(self._toast.shown_ms)
        super().leaveEvent(event)


class ToastStack(QWidget):
    """The corner where toasts lie, newest below; it covers only them, so that clicks beside them reach the page."""

    def __init__(self, over: QWidget, *, bottom_px: int = 0) -> None:
        super().__init__(over)
        self._over = over
        self._bottom_px = bottom_px
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, theme.GROUP, theme.GROUP)
        self._column.setSpacing(theme.GAP)
        over.installEventFilter(self)
        self.hide()

    def show_toast(self, toast: Toast) -> None:
        """Show one more; the oldest goes where there are too many."""
        if self._column.count() >= _MOST and (oldest := self._column.itemAt(0).widget()) is not None:
            self._column.removeWidget(oldest)
            oldest.hide()
            oldest.deleteLater()
        card = _Card(toast, self)
        card.destroyed.connect(self._on_card_destroyed)
        self._column.addWidget(card, 0, Qt.AlignmentFlag.AlignRight)
        card.show()
        self.show()
        self._place()

    @Slot()
    def _on_card_destroyed(self) -> None:
        QTimer.singleShot(0, self, self._place)

    @Slot()
    def _place(self) -> None:
        if not self._column.count():
            self.hide()
            return
        self._column.activate()
        size = self.sizeHint()
        area = self._over.rect()
        self.setGeometry(
            area.right() - size.width() + 1,
            area.bottom() - size.height() - self._bottom_px + 1,
            size.width(),
            size.height(),
        )
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over and event.type() in {QEvent.Type.Resize, QEvent.Type.Show}:
            self._place()
        return super().eventFilter(watched, event)
