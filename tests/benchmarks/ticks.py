"""How usable the event loop is: the times between the ticks of a 16 ms precise timer while something goes on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer

TICK_MS = 16


class Ticks:
    """Listens from its making until `stop`.

    Attributes:
        gaps_ms: The times between two ticks, in milliseconds.
        own_ms: What the window's thread computed in each gap; beside other work a gap is longer than that.
    """

    def __init__(self) -> None:
        self.gaps_ms: list[float] = []
        self.own_ms: list[float] = []
        self._last = time.perf_counter()
        self._last_own = time.thread_time()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start(TICK_MS)

    def _on_tick(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        self.gaps_ms.append(1000 * (now - self._last))
        self.own_ms.append(1000 * (own - self._last_own))
        self._last, self._last_own = now, own

    def stop(self) -> list[float]:
        """End it and return the gaps, the one under way included."""
        self._on_tick()
        self._timer.stop()
        return self.gaps_ms


def ticks_ms(seconds: float) -> list[float]:
    """Return the times between the ticks of some seconds of the event loop, in milliseconds."""
    loop, ticks = QEventLoop(), Ticks()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
    return ticks.stop()[1:]


def summary(gaps_ms: list[float]) -> tuple[float, float, float]:
    """Return median, 99th percentile and worst of some gaps."""
    return float(np.median(gaps_ms)), float(np.percentile(gaps_ms, 99)), max(gaps_ms)


def medians(rows: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the median of each column."""
    return tuple(statistics.median(each) for each in zip(*rows, strict=True))


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Let the event loop run until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
