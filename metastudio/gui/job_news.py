"""What the person hears of jobs wherever they are in the window: how each ended, and that a discarded run is gone."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QWidget

from metastudio.gui.run_trash import trash_with_undo
from metastudio.gui.studio import Studio
from metastudio.gui.wording import accuracy_text
from metastudio.jobs.job import Job
from metastudio.runs.run_state import State


class JobNews(QObject):
    """Tells in a toast how a job ended, and draws attention to its window if that is not in use."""

    def __init__(self, studio: Studio, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        studio.jobs.job_changed.connect(self._on_job_changed)
        studio.jobs.job_removed.connect(self._on_job_removed)

    @Slot(object)
    def _on_job_changed(self, job: Job) -> None:
        if job.is_working:
            return
        if job.state is State.FINISHED:
            best = job.curves.best
            number = accuracy_text(best.accuracy, best.ci95) if best else ""
            text = self.tr("{title} is finished. {number}").format(title=job.title, number=number).strip()
            self._tell_end(text, "good")
        elif job.state is State.FAILED:
            self._tell_end(self.tr("{title} failed. {reason}").format(title=job.title, reason=job.reason), "error")
        elif job.state is State.INTERRUPTED and job.reason:
            self._tell_end(self.tr("{title} was interrupted.").format(title=job.title), "warning")

    @Slot(object)
    def _on_job_removed(self, job: Job) -> None:
        if job.state is State.DISCARDED:
            trash_with_undo(self._studio, [job.run])

    def _tell_end(self, text: str, severity: str) -> None:
        self._studio.toast(text, severity=severity)
        if not self._window.isActiveWindow():
            QApplication.alert(self._window)
