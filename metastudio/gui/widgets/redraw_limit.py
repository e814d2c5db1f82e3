"""Limits by time how often something expensive is drawn anew."""

from __future__ import annotations

import time
from collections.abc import Callable

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


class DrawingBudget:
    """Keeps drawing to a share of the thread's time over the seconds; what comes after a rest is drawn at once.

    Args:
        share: Of the thread's time, in (0, 1).
        burst_s: So much may be drawn without a wait after a rest.
    """

    def __init__(self, share: float, burst_s: float) -> None:
        self._share, self._burst_s = share, burst_s
        self._spent_s = 0.0
        self._at = time.perf_counter()

    def spend(self, draw: Callable[[], object]) -> None:
        """Draw, and remember what it cost."""
        began = time.thread_time()
        try:
            draw()
        finally:
            self.charge(time.thread_time() - began)

    def charge(self, cost_s: float) -> None:
        """Remember what something cost."""
        self._recover()
        self._spent_s += cost_s

    def wait_s(self) -> float:
        """Return how long to wait before the next drawing."""
        self._recover()
        return max(0.0, (self._spent_s - self._burst_s) / self._share)

    def _recover(self) -> None:
        now = time.perf_counter()
        self._spent_s = max(0.0, self._spent_s - self._share * (now - self._at))
        self._at = now
