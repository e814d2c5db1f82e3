"""Long work beside the window: one function in a thread of its own, with progress, cancel and one result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from metastudio.images.problems import Cancelled

Progress = Callable[..., None]
ShouldStop = Callable[[], bool]


class BackgroundTask(QThread):
    """Runs `work(on_progress, should_stop)` once, so that the window stays usable meanwhile.

    `cancel` only asks: the work ends where it next looks at `should_stop`. Two ways lead away from a task that may
    still run: `close` cancels and waits; `release` cancels, and lets it go by itself when it has ended. Until then its
    parent has it among its children, and closes it before it goes itself.

    Signals:
        progressed(object): a tuple of what the work told `on_progress`.
        succeeded(object): the work's result.
        failed(object): the `Exception` that ended it; not emitted where it was cancelled.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)

    def __init__(self, work: Callable[[Progress, ShouldStop], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._is_cancelled = threading.Event()

    def run(self) -> None:
        try:
            result = self._work(self._tell, self._is_cancelled.is_set)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - it is shown, where a thread would swallow it
            self._end(self.failed, error)
        else:
            self._end(self.succeeded, result)

    def cancel(self) -> None:
        """Ask the work to end; neither a result nor a failure follows."""
        self._is_cancelled.set()

    def close(self) -> None:
        """Cancel and wait until the thread has ended."""
        self.cancel()
        self.wait()

    def release(self) -> None:
        """Cancel without waiting; the thread goes when it has ended."""
        self.cancel()
        self.finished.connect(self._on_finished)
        if self.isFinished():
            self._on_finished()

    @Slot()
    def _on_finished(self) -> None:
        self.wait()
        self.deleteLater()

    def _tell(self, *progress: object) -> None:
        self.progressed.emit(progress)

    def _end(self, signal: Any, payload: object) -> None:
        if not self._is_cancelled.is_set():
            signal.emit(payload)
