"""What a person does with a job that needs a question first: edit, copy with changes, extend, branch off, force."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui.dialogs.extend_dialog import ExtendDialog
from metastudio.gui.dialogs.job_dialog import JobDialog
from metastudio.gui.studio import Studio
from metastudio.gui.wording import count_text, counted
from metastudio.jobs.job import Job
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.control import Wanted
from metastudio.runs.run_folder import FrozenData


class JobActions(QObject):
    """Opens the dialogs of the Jobs page; none of them keeps the person from the rest of the window."""

    def __init__(self, studio: Studio, page: QWidget) -> None:
        super().__init__(page)
        self._studio = studio
        self._page = page

    def edit(self, job: Job) -> None:
        """Let the person change what waits."""
        self._read(job, is_copy=False)

    def change_copy(self, job: Job) -> None:
        """Let the person change a copy of a job, and queue it."""
        self._read(job, is_copy=True)

    def extend(self, job: Job) -> None:
        """Ask for how long a finished job should go on."""
        last = job.run.last()
        reached = iteration_of(last) if last is not None else job.iteration
        dialog = ExtendDialog(job.experiment.training, reached, self._page)
        dialog.taken.connect(lambda iterations: self._studio.jobs.extend(job, iterations))
        dialog.open()

    def start_from(self, job: Job, checkpoint: Path) -> None:
        """Let the next job of the Learn page begin with a checkpoint, and with the settings that fit it; one undo step.

        Pictures and target tasks stay those of the project.
        """
        document = self._studio.project
        if document is None:
            return
        own = document.experiment
        data = own.data.model_copy(update={"preprocessing": job.experiment.data.preprocessing})
        changed = {"data": data, "targets": own.targets, "initial_weights": str(checkpoint)}
        title = self.tr("Start from iteration {iteration} of {title}")
        iteration = count_text(iteration_of(checkpoint))
        document.push(title.format(iteration=iteration, title=job.title), job.experiment.model_copy(update=changed))
        self._studio.show_page("learn")
        text = self.tr("The next run starts from iteration {iteration} of {title}.")
        self._studio.toast_step(text.format(title=job.title, iteration=iteration))

    def force(self, job: Job) -> None:
        """End a worker that does not follow; asks first, where iterations would be lost that nobody gave up."""
        last = job.run.last()
        lost = job.iteration - (iteration_of(last) if last is not None else 0)
        if job.wanted is Wanted.DISCARD or lost <= 0:
            self._studio.jobs.force(job)
            return
        one = self.tr(
            "The worker of {title} is ended at once. The iteration after its last checkpoint is lost; "
            "it can be resumed from there."
        )
        many = self.tr(
            "The worker of {title} is ended at once. The {count} iterations after its last checkpoint are lost; "
            "it can be resumed from there."
        )
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            self.tr("Force it to end?"),
            counted(lost, one, many, title=job.title),
            QMessageBox.StandardButton.NoButton,
            self._page,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        forced = box.addButton(self.tr("Force"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(self.tr("Wait"), QMessageBox.ButtonRole.RejectRole))
        forced.clicked.connect(lambda: self._studio.jobs.force(job))
        box.open()

    def _read(self, job: Job, *, is_copy: bool) -> None:
        """Read the run's snapshot beside the window, then open the dialog."""
        self._studio.call_beside(lambda: (job, is_copy, job.run.experiment(), job.run.data()), self._on_read)

    @Slot(object)
    def _on_read(self, answer: tuple[Job, bool, ExperimentConfig, FrozenData]) -> None:
        job, is_copy, experiment, data = answer
        jobs = self._studio.jobs
        if job not in jobs.jobs:
            return
        title = self.tr("A copy of {title}, with changes") if is_copy else self.tr("Edit {title}")
        dialog = JobDialog(
            experiment,
            data,
            tuple(self._studio.session.devices),
            title=title.format(title=job.title),
            button=self.tr("Queue the copy") if is_copy else self.tr("Keep the changes"),
            parent=self._page,
        )
        if is_copy:
            dialog.taken.connect(lambda changed: jobs.duplicate(job, changed))
        else:
            dialog.taken.connect(lambda changed: jobs.edit(job, changed))
        dialog.open()
