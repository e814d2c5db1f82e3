"""Draws several things one after another, again and again, and leaves the window's thread time for others."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from PySide6.QtCore import QObject, QTimer, Slot

from metastudio.gui.widgets.redraw_limit import DrawingBudget

_STEP_MS = 1
"""Between two steps the window hears others."""


class DrawingRounds(QObject):
    """Turns any number of requests into rounds of short steps; what is asked for during a round is drawn in the next.

    Args:
        steps: Begins a round; each `next` of what it returns draws one step.
        budget: What a round may cost.

    Attributes:
        apart_ms: From the beginning of a round to that of the next, at least. May be changed at any time.
    """

    def __init__(
        self, steps: Callable[[], Generator[None]], budget: DrawingBudget, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.apart_ms = 0.0
        self._begin, self._budget = steps, budget
        self._steps: Generator[None] | None = None
        self._is_wanted = False
        self._began = -float("inf")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for is drawn."""
        return self._steps is None and not self._is_wanted

    @Slot()
    def request(self) -> None:
        """Ask for a round: at once if the last one is long ago, else when its time has come."""
        self._is_wanted = True
        if not self._timer.isActive():
            self._wait()

    @Slot()
    def cancel(self) -> None:
        """Forget what was asked for, and break off a round."""
        self._timer.stop()
        self._is_wanted = False
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def _wait(self) -> None:
        apart_s = self._began + self.apart_ms / 1000 - time.monotonic()
        self._timer.start(round(1000 * max(0.0, apart_s, self._budget.wait_s())))

    @Slot()
    def _on_timeout(self) -> None:
        if self._steps is None:
            self._is_wanted, self._began = False, time.monotonic()
            self._steps = self._begin()
        self._budget.spend(self._step)
        if self._steps is not None:
            self._timer.start(_STEP_MS)
        elif self._is_wanted:
            self._wait()

    def _step(self) -> None:
        steps = self._steps
        try:
            next(steps)  # type: ignore[arg-type]
        except StopIteration:
            self._steps = None
        except BaseException:
            self._steps = None  # what raised would raise again: the next request begins anew
            raise
