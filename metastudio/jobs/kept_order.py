"""Keeps the order of the queue in the runs folder, beside the window, so that it survives a restart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from metastudio.errors import MetaStudioError
from metastudio.jobs.call_thread import CallThread
from metastudio.runs.queue_file import QueueOrder, read_queue, write_queue
from metastudio.runs.run_folder import RunFolder

_AFTER_MS = 300


class KeptOrder(QObject):
    """Remembers names of runs; writes them a moment after the last change, on a thread. `flush` writes now.

    Attributes:
        removed: Names of runs that were taken out, though they could go on.

    Signals:
        failed(object): a `MetaStudioError`: it could not be written.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.removed: set[str] = set()
        self._folder: Path | None = None
        self._kept = self._wanted = QueueOrder()
        self._call: CallThread | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self._write_beside)

    def begin(self, folder: Path, *, is_read_only: bool) -> QueueOrder:
        """Read what was kept in a folder, and keep what comes there from now on, unless it is read-only."""
        kept = read_queue(folder)
        self._kept = self._wanted = kept
        self.removed = set(kept.removed)
        self._folder = None if is_read_only else folder
        return kept

    def take_in(self, name: str) -> None:
        """Note that a run is in the queue, whatever was said before."""
        self.removed.discard(name)

    def take_out(self, name: str) -> None:
        """Note that a run is not to be offered again."""
        self.removed.add(name)

    def keep(self, runs: Iterable[RunFolder]) -> None:
        """Keep this order soon."""
        if self._folder is not None:
            order = tuple(each.name for each in runs if each.path.parent == self._folder)
            self._wanted = QueueOrder(order, frozenset(self.removed))
            self._timer.start()

    def flush(self) -> None:
        """Write what is not written yet, and wait for it."""
        self._timer.stop()
        self._end_call()
        if self._folder is not None and self._wanted != self._kept:
            try:
                write_queue(self._folder, *self._wanted)
            except MetaStudioError as error:
                self.failed.emit(error)
            self._kept = self._wanted

    @Slot()
    def _write_beside(self) -> None:
        folder, wanted = self._folder, self._wanted
        if folder is None or wanted == self._kept:
            return
        if self._call is not None:  # one after another
            self._timer.start()
            return
        self._kept = wanted
        self._call = CallThread(lambda: write_queue(folder, *wanted), self)
        self._call.failed.connect(self._on_failed)
        self._call.finished.connect(self._end_call)
        self._call.start()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.failed.emit(error)

    @Slot()
    def _end_call(self) -> None:
        if self._call is not None:
            self._call.wait()
            self._call.deleteLater()
            self._call = None
