"""The Jobs page: the job in work with its live curves, and the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import GoneError
from metastudio.gui import theme
from metastudio.gui.pages.job_actions import JobActions
from metastudio.gui.pages.page import Page
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.banner import Banner
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.job_headline import JobHeadline
from metastudio.gui.widgets.job_plots import JobPlots
from metastudio.gui.widgets.progress_bar import ProgressBar
from metastudio.gui.widgets.queue_strip import QueueStrip
from metastudio.gui.widgets.redraw_limit import RedrawLimit
from metastudio.jobs.curves import Curves
from metastudio.jobs.job import Job
from metastudio.jobs.job_thread import failure_text
from metastudio.runs.run_state import State

_CLOCK_MS = 1000
_NUMBERS_EVERY_MS = 500
"""Numbers that change faster cannot be read."""


class JobsPage(Page):
    """Shows one job of the queue: the one in work, until the person chooses another."""

    key = "jobs"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self.set_title(self.tr("Jobs"))
        self._jobs = studio.jobs
        self._job: Job | None = None
        self._curves: Curves | None = None
        self._is_chosen = False
        self._empty = EmptyState(
            "mdi6.play-circle-outline",
            self.tr("No jobs yet"),
            self.tr(
                "A job trains one experiment in the background. Choose a method on the Learn page and start it; "
                "its curves appear here while it works."
            ),
        )
        self._empty.add_button(self.tr("Go to Learn"), self._on_learn_clicked, is_primary=True)
        self.headline = JobHeadline()
        self.headline.action_wanted.connect(self._on_action_wanted)
        self.header.setStretch(self.header.indexOf(self._subtitle), 0)
        self._subtitle.hide()
        self.header.addWidget(self.headline, 1)
        self._progress = ProgressBar()
        self._progress.setTextVisible(False)
        self.banner = Banner()
        self.banner.button.clicked.connect(self._on_banner_clicked)
        self.plots = JobPlots(studio.settings)
        self.queue = QueueStrip(self._jobs)
        self.queue.job_chosen.connect(self._on_job_chosen)
        self.queue.action_wanted.connect(self._on_queue_action)
        self.queue.all_wanted.connect(self._jobs.resume_held)
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self._progress)
        column.addWidget(self.banner)
        column.addWidget(self.plots, 1)
        column.addWidget(self.queue)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(work)
        self.body.addWidget(self._stack)
        self.layout().setSpacing(theme.GAP)

        self._limit = RedrawLimit(self, every_ms=_NUMBERS_EVERY_MS)
        self._limit.due.connect(self._show_job)
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._limit.request)
        self._jobs.job_added.connect(self._on_jobs_changed)
        self._jobs.job_changed.connect(self._on_job_changed)
        self._jobs.job_removed.connect(self._on_jobs_changed)
        self._jobs.job_replaced.connect(self._on_job_replaced)
        self._jobs.order_changed.connect(self._on_order_changed)
        self._actions = actions = JobActions(studio, self)
        self._asked: dict[str, Callable[[Job], object]] = {
            "pause": self._jobs.pause,
            "finish": self._jobs.finish,
            "discard": self._jobs.discard,
            "force": actions.force,
            "resume": self._jobs.resume,
            "remove": self._jobs.remove,
            "duplicate": self._jobs.duplicate,
            "edit": actions.edit,
            "change": actions.change_copy,
            "extend": actions.extend,
        }
        self._jobs.events_arrived.connect(self._on_events_arrived)
        self._choose_by_itself()

    @property
    def job(self) -> Job | None:
        """The job that is shown."""
        return self._job

    def show_job(self, job: Job) -> None:
        """Show this job, whatever is in work."""
        self._is_chosen = True
        self._set_job(job)

    def on_shown(self) -> None:
        self._clock.start()
        self._show_job()
        if self._job is not None:
            self.plots.request_redraw()

    def on_hidden(self) -> None:
        self._clock.stop()

    def shut_down(self) -> None:
        self._clock.stop()
        self._limit.cancel()
        self.plots.stop()

    # which job

    def _choose_by_itself(self) -> None:
        """Show what is in work, else keep what is shown, else the first that needs the person, else the first."""
        jobs = self._jobs.jobs
        if self._job not in jobs:
            self._is_chosen = False
        if self._is_chosen:
            self._show_job()
            return
        working = self._jobs.working
        kept = self._job if self._job in jobs and not working else None
        waiting = [each for each in jobs if each.can_resume]
        self._set_job(next(iter([*working, *([kept] if kept else []), *waiting, *jobs]), None))

    def _set_job(self, job: Job | None) -> None:
        self._job = job
        self._show_job()

    @Slot(object)
    def _on_job_chosen(self, job: Job) -> None:
        self.show_job(job)

    @Slot()
    def _on_jobs_changed(self) -> None:
        self._choose_by_itself()

    @Slot(object, object)
    def _on_job_replaced(self, old: Job, new: Job) -> None:
        if self._job is old:
            self._set_job(new)

    @Slot()
    def _on_order_changed(self) -> None:
        self.queue.show_jobs(self._job)

    @Slot(object)
    def _on_job_changed(self, job: Job) -> None:
        if job is self._job:
            self._show_job()
        else:
            self._choose_by_itself()

    @Slot(object, object)
    def _on_events_arrived(self, job: Job, events: object) -> None:  # noqa: ARG002
        if job is self._job and self.isVisible():
            self.plots.request_redraw()
            self._limit.request()

    # what is shown of it

    @Slot()
    def _show_job(self) -> None:
        job = self._job
        self._stack.setCurrentIndex(0 if job is None else 1)
        self.headline.setVisible(job is not None)
        self.queue.show_jobs(job)
        if job is None:
            self._curves = None
            return
        if job.curves is not self._curves:
            self._curves = job.curves
            entry = ALGORITHMS.get(job.experiment.algorithm.name)
            self.plots.show_curves(job.curves, has_inner_loop=entry is None or entry.capabilities.has_inner_loop)
        self.headline.show_job(job, is_read_only=self._jobs.is_read_only)
        self._show_progress(job)
        self._show_banner(job)
        self.plots.setAccessibleDescription(self.plots.summary())

    def _show_progress(self, job: Job) -> None:
        phase = job.curves.phase
        if job.is_working and phase is not None and phase.total:
            self._progress.setRange(0, phase.total)
            self._progress.setValue(phase.done)
        elif job.is_working and job.curves.last_step is None:
            self._progress.setRange(0, 0)
        else:
            self._progress.setRange(0, 1000)
            self._progress.setValue(round(1000 * (1.0 if job.state is State.FINISHED else job.share)))

    def _show_banner(self, job: Job) -> None:
        if job.state is State.INTERRUPTED:
            reason = job.reason or self.tr("Its worker is gone.")
            text = self.tr("Interrupted. {reason} It can go on from its last checkpoint.").format(reason=reason)
            self.banner.show_text(text, "warning", button=self.tr("Resume"))
        elif job.state is State.FAILED:
            text = self.tr("Failed. {reason}").format(reason=job.reason)
            self.banner.show_text(text, "error", button=self.tr("Try again"))
        elif job.state is State.PAUSED and (failure := job.curves.failure) is not None:
            reason = job.reason or failure_text(failure)
            button = self.tr("Reconnect and resume") if failure.code == GoneError.code else self.tr("Resume")
            self.banner.show_text(self.tr("Paused. {reason}").format(reason=reason), "warning", button=button)
        elif job.is_waiting and job.is_held:
            text = self.tr("It waits, and starts when you say so.")
            self.banner.show_text(f"{job.reason} {text}".strip(), "note", button=self.tr("Start"))
        elif job.state is State.FINISHED and (exported := job.curves.exported):
            one = self.tr("1 export was written and verified; it lies in the run's folder.")
            many = self.tr("{count} exports were written and verified; they lie in the run's folder.")
            text = one if len(exported) == 1 else many.format(count=len(exported))
            self.banner.show_text(text, "good", button=self.tr("Open folder"))
        else:
            warnings = [each for each in job.curves.notices if each.severity == "warning"]
            self.banner.show_text(warnings[-1].text if warnings and job.is_working else "", "warning")
        if self._jobs.is_read_only and job.state is not State.FINISHED:
            self.banner.button.hide()

    # what is done with it

    @Slot()
    def _on_banner_clicked(self) -> None:
        if self._job is not None:
            self._do(self._job, "folder" if self._job.state is State.FINISHED else "resume")

    @Slot(str)
    def _on_action_wanted(self, action: str) -> None:
        if self._job is not None:
            self._do(self._job, action)

    @Slot(object, str)
    def _on_queue_action(self, job: Job, action: str) -> None:
        self._do(job, action)

    def _do(self, job: Job, action: str) -> None:
        if action in self._asked:
            self._asked[action](job)
        elif action == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(job.run.path)))
        elif action.startswith("start_from:"):
            self._actions.start_from(job, Path(action.partition(":")[2]))
        else:
            self.studio.select_run(job.run, page=action)

    @Slot()
    def _on_learn_clicked(self) -> None:
        self.studio.show_page("learn")
