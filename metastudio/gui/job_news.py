"""What the person hears of jobs wherever they are: how each ended, what waits for them, what went and can come back."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QWidget

from metastudio.errors import MetaStudioError
from metastudio.gui.run_trash import trash_with_undo
from metastudio.gui.studio import Studio
from metastudio.gui.tray import Tray
from metastudio.gui.widgets.toast import UNDO_SHOWN_MS
from metastudio.gui.wording import accuracy_text, counted
from metastudio.jobs.job import Job
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import restore, trash


class JobNews(QObject):
    """Tells in a toast how a job ended; if the window is not in use, the system tells it too."""

    def __init__(self, studio: Studio, window: QWidget, tray: Tray | None = None) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._tray = tray
        self._told: dict[Job, State] = {}
        studio.jobs.job_changed.connect(self._on_job_changed)
        studio.jobs.job_removed.connect(self._on_job_removed)
        studio.jobs.job_replaced.connect(self._on_job_replaced)
        studio.project_changed.connect(self._on_project_changed)

    @Slot(object)
    def _on_job_changed(self, job: Job) -> None:
        if job.is_working:
            self._told.pop(job, None)
            return
        if self._told.get(job) is job.state:  # its history was read, which is no news
            return
        self._told[job] = job.state
        if job.state is State.FINISHED:
            best = job.curves.best
            number = accuracy_text(best.accuracy, best.ci95) if best else ""
            text = self.tr("{title} is finished. {number}").format(title=job.title, number=number).strip()
            self._tell_end(text, "good")
        elif job.state is State.FAILED:
            self._tell_end(self.tr("{title} failed. {reason}").format(title=job.title, reason=job.reason), "error")
        elif job.state is State.INTERRUPTED and job.reason:
            self._tell_end(self.tr("{title} was interrupted.").format(title=job.title), "warning")
        elif job.state is State.PAUSED and job.reason:
            self._tell_end(self.tr("{title} is paused. {reason}").format(title=job.title, reason=job.reason), "warning")

    @Slot(object)
    def _on_job_removed(self, job: Job) -> None:
        self._told.pop(job, None)
        if job.state is State.DISCARDED:
            trash_with_undo(self._studio, [job.run], place=job.place)

    @Slot(object, object)
    def _on_job_replaced(self, old: Job, new: Job) -> None:
        """The one before goes to the trash, and comes back if the person takes the change back."""
        jobs = self._studio.jobs
        try:
            trashed = trash(old.run)
        except MetaStudioError as error:
            self._studio.messages.show_error(error)
            return
        self._studio.runs_changed.emit()

        def take_back() -> None:
            if not new.is_waiting or new not in jobs.jobs:
                text = self.tr("It was started meanwhile; duplicate it with changes instead.")
                self._studio.toast(text, severity="warning")
                return
            try:
                jobs.discard(new)
                jobs.take_back(restore(trashed), old.place)
            except MetaStudioError as error:
                self._studio.messages.show_error(error)
            self._studio.runs_changed.emit()

        text = self.tr("{title} was changed.").format(title=new.title)
        self._studio.toast(text, action_text=self.tr("Undo"), action=take_back, shown_ms=UNDO_SHOWN_MS)

    @Slot(object)
    def _on_project_changed(self, document: object) -> None:  # noqa: ARG002
        """Ask before anything goes on that waited or was stopped when a window closed."""
        held = [each for each in self._studio.jobs.held if each.is_held]
        if not held or self._studio.jobs.is_read_only:
            return
        text = counted(
            len(held),
            self.tr("{title} waits for you to go on with it.").replace("{title}", held[0].title),
            self.tr("{count} jobs wait for you to go on with them."),
        )
        self._studio.toast(
            text,
            action_text=self.tr("Show"),
            action=lambda: self._studio.show_page("jobs"),
            shown_ms=UNDO_SHOWN_MS,
        )

    def _tell_end(self, text: str, severity: str) -> None:
        self._studio.toast(text, severity=severity)
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if self._tray is not None:
            self._tray.tell("MetaStudio", text)
