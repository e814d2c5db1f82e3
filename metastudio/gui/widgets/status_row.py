"""The line at the foot of the window: what is running, and what undo would undo."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.sparkline import Sparkline
from metastudio.gui.wording import STATE_ICONS, accuracy_text, duration_text, state_text
from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue
from metastudio.runs.run_state import State

_EVERY_MS = 500


class StatusRow(QFrame):
    """Says how the jobs stand, their numbers twice a second at most.

    A click on it goes to the Jobs page (`jobs_button.clicked`).
    """

    def __init__(self, jobs: JobQueue, undo_stack: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusRow")
        self.setFixedHeight(32)
        self._jobs = jobs
        self._undo_stack = undo_stack
        self.jobs_button = QPushButton()
        theme.set_role(self.jobs_button, "status")
        self.jobs_button.setFont(theme.font(is_tabular=True))
        self._sparkline = Sparkline()
        self.undo_button = QPushButton()
        theme.set_role(self.undo_button, "status")
        self.undo_button.clicked.connect(undo_stack.undo)
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.EDGE - theme.TIGHT, 0, theme.EDGE - theme.TIGHT, 0)
        line.addWidget(self.jobs_button)
        line.addWidget(self._sparkline)
        line.addStretch(1)
        line.addWidget(self.undo_button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._show_jobs)
        for signal in (jobs.job_added, jobs.job_changed, jobs.job_removed):
            signal.connect(self._show_jobs)
        jobs.events_arrived.connect(self._on_events_arrived)
        undo_stack.indexChanged.connect(self._show_undo)
        undo_stack.undoTextChanged.connect(self._show_undo)
        self._show_jobs()
        self._show_undo()

    @Slot()
    def _on_events_arrived(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _show_jobs(self) -> None:
        working = self._jobs.working
        waiting = [each for each in self._jobs.jobs if each.is_waiting]
        self._sparkline.setVisible(bool(working))
        if not working:
            text = self.tr("{count} waiting").format(count=len(waiting)) if waiting else self.tr("No job is running")
            self.jobs_button.setIcon(icon("mdi6.circle-outline", "quiet"))
            self._say(text)
            return
        job = working[0]
        self.jobs_button.setIcon(icon(*STATE_ICONS[job.state]))
        self._sparkline.set_values(job.curves.steps.column(2))
        self._say(self._summary(job, len(working) + len(waiting)))

    def _say(self, text: str) -> None:
        if text != self.jobs_button.text():
            self.jobs_button.setText(text)
            self.layout().activate()  # its new width at once: in the old one a longer text is cut at both ends

    def _summary(self, job: Job, count: int) -> str:
        parts = [self.tr("{count} jobs").format(count=count)] if count > 1 else []
        parts.append(job.title)
        step, best = job.curves.last_step, job.curves.best
        if step is None or job.state is not State.RUNNING:
            parts.append(state_text(job.state))
        if step is not None:
            parts.append(f"{job.share:.0%}")
            if best is not None:
                parts.append(accuracy_text(best.accuracy, best.ci95))
            if (left := job.seconds_left()) is not None:
                parts.append(self.tr("{time} left").format(time=duration_text(left)))
        return " · ".join(parts)

    @Slot()
    def _show_undo(self) -> None:
        text = self._undo_stack.undoText()
        self.undo_button.setVisible(self._undo_stack.canUndo())
        self.undo_button.setText(self.tr('undo: "{step}"').format(step=text))
