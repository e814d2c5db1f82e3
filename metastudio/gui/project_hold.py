"""The open project is this window's: other studios that open it may only look."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from metastudio.runs.project_lock import REFRESH_EVERY_S, ProjectLock
from metastudio.runs.worker_lock import Holder


class ProjectHold(QObject):
    """Takes the lock of a project, if nobody has it, and keeps its note fresh until `release`.

    Attributes:
        folder: The project's.
        holder: Who else has the project; None where it is ours.
    """

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._lock = ProjectLock(folder)
        self.holder: Holder | None = self._lock.acquire()
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * REFRESH_EVERY_S))
        self._timer.timeout.connect(self._on_due)
        if self.holder is None:
            self._timer.start()

    def release(self) -> None:
        """Let others have it."""
        self._timer.stop()
        self._lock.release()

    @Slot()
    def _on_due(self) -> None:
        self._lock.refresh()
