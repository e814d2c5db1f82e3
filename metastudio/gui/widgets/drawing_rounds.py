"""Draws several things one after another, again and again, and leaves the window's thread time for others."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable

from PySide6.QtCore import QObject, QTimer, Slot

from metastudio.gui.widgets.redraw_limit import DrawingBudget

_STEP_MS = 1
"""Between two steps the window hears others."""


class DrawingRounds(QObject):
    """Turns any number of requests into rounds of short steps; what is asked for during a round is drawn in the next.

    Args:
        begin: Begins a round: returns what is drawn in it, in that order; each `next` of one draws one step. One that
            raises is left out, and the others are drawn.
        budget: What drawing may cost.

    Attributes:
        apart_ms: From the beginning of a round to that of the next, at least. May be changed at any time.
    """

    def __init__(
        self, begin: Callable[[], Iterable[Generator[None]]], budget: DrawingBudget, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.apart_ms = 0.0
        self._begin, self._budget = begin, budget
        self._rest: list[Generator[None]] = []
        self._is_wanted = False
        self._began = -float("inf")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for is drawn."""
        return not self._rest and not self._is_wanted

    @Slot()
    def request(self) -> None:
        """Ask for a round: at once if the last one is long ago, else when its time has come."""
        self._is_wanted = True
        if not self._timer.isActive() and not self._rest:
            self._wait()

    @Slot()
    def cancel(self) -> None:
        """Forget what was asked for, and break off a round."""
        self._timer.stop()
        self._is_wanted = False
        rest, self._rest = self._rest, []
        for each in rest:
            each.close()

    def _wait(self) -> None:
        apart_s = self._began + self.apart_ms / 1000 - time.monotonic()
        self._timer.start(round(1000 * max(0.0, apart_s, self._budget.wait_s())))

    @Slot()
    def _on_timeout(self) -> None:
        try:
            self._budget.spend(self._step)
        finally:  # a fault is told, and the others are drawn
            if self._rest:
                self._timer.start(_STEP_MS)
            elif self._is_wanted:
                self._wait()

    def _step(self) -> None:
        if not self._rest:
            self._is_wanted, self._began = False, time.monotonic()
            self._rest = list(self._begin())
        drawn = self._rest[0]
        try:
            next(drawn)
        except StopIteration:
            self._rest.remove(drawn)
        except BaseException:
            self._rest.remove(drawn)
            raise
