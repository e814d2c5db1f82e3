"""Limits by time how often something expensive is drawn anew."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal, Slot

REDRAW_EVERY_MS = 100


class RedrawLimit(QObject):
    """Turns any number of requests into at most one redraw each `every_ms`; the last request is never lost.

    Attributes:
        every_ms: May be changed at any time.

    Signals:
        due(): draw now.
    """

    due = Signal()

    def __init__(self, parent: QObject | None = None, *, every_ms: int = REDRAW_EVERY_MS) -> None:
        super().__init__(parent)
        self.every_ms = every_ms
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    @Slot()
    def request(self) -> None:
        """Ask for a redraw: at once if the last one is long ago, else when its time has come."""
        if self._timer.isActive():
            return
        passed = self._since.elapsed() if self._since.isValid() else self.every_ms
        self._timer.start(max(0, self.every_ms - passed))

    @Slot()
    def cancel(self) -> None:
        """Forget what was asked for."""
        self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        self._since.restart()
        self.due.emit()
