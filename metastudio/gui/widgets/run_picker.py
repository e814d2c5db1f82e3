"""The runs that something came out of, newest first: to try and to hand over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import MetaStudioError
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.forms.editors import ChoiceEdit
from metastudio.gui.models.shown_name import printable
from metastudio.runs.run_folder import RunFolder, list_runs

_LEAST_LETTERS = 40


@dataclass(frozen=True)
class RunChoice:
    """A run with a checkpoint: how it is called, and with what it was made."""

    run: RunFolder
    title: str
    experiment: ExperimentConfig


def runs_with_checkpoints(runs_folder: Path) -> tuple[RunChoice, ...]:
    """Return the runs of a folder that have a checkpoint, newest first; those that cannot be read are left out."""
    found = []
    for run in reversed(list_runs(runs_folder)):
        try:
            if run.best() is None and run.last() is None:
                continue
            found.append(RunChoice(run, title_of(run), run.experiment()))
        except MetaStudioError:  # the Runs page says what is wrong with it
            continue
    return tuple(found)


def title_of(run: RunFolder) -> str:
    """Return how a run is called: its name, method and task, how good it became, when it was made.

    Raises:
        MetaStudioError: if it cannot be read.
    """
    experiment, state = run.experiment(), run.state()
    task = QCoreApplication.translate("RunPicker", "{n_way}-way {n_shot}-shot").format(**dict(experiment.episodes))
    parts = [ALGORITHMS[experiment.algorithm.name].title, task]
    given = run.notes().name or (experiment.name if experiment.name != "experiment" else "")
    if given:
        parts.insert(0, printable(given))
    if state.best_accuracy is not None:
        half = f" ± {100 * state.best_ci95:.1f}" if state.best_ci95 is not None else ""
        parts.append(f"{100 * state.best_accuracy:.1f}{half} %")
    parts.append(datetime.fromisoformat(state.created_at).astimezone().strftime("%d %b %H:%M"))
    return " · ".join(parts)


class RunPicker(ChoiceEdit):
    """Chooses a run; the list is read beside the window.

    Args:
        without: What working without any run is called, where that is a choice; it is the first one then.
        parent: The widget it lies in.

    Signals:
        run_chosen(object): another `RunChoice`, or None when there is none.
    """

    run_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, without: str = "") -> None:
        super().__init__(())
        self.setParent(parent)
        self._without = without
        self.choices: tuple[RunChoice, ...] = ()
        self._wanted: RunFolder | None = None
        self._chosen: RunFolder | None = None
        self._task: BackgroundTask | None = None
        self.setAccessibleName(self.tr("Run"))
        self.setToolTip(self.tr("The trained run to work with"))
        self.setMinimumContentsLength(_LEAST_LETTERS)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMaximumWidth(520)
        self.edited.connect(self._on_edited)

    @property
    def chosen(self) -> RunChoice | None:
        """What is chosen."""
        return next((each for each in self.choices if each.run == self._chosen), None)

    def refresh(self, runs_folder: Path | None) -> None:
        """Read the runs anew; the choice stays, or is the newest."""
        self.close_task()
        if runs_folder is None:
            self._on_read(())
            return
        self._task = BackgroundTask(lambda _tell, _stop: runs_with_checkpoints(runs_folder), self)
        self._task.succeeded.connect(self._on_read)
        self._task.start()

    def select(self, run: RunFolder | None) -> None:
        """Choose a run, as soon as the list has it."""
        self._wanted = run
        self._show_choice()

    def close_task(self) -> None:
        """Wait for a list that is being read, and drop it."""
        if self._task is not None:
            self._task.close()
            self._task.deleteLater()
            self._task = None

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self.setToolTip(self.tr("Nothing has been learned yet."))

    @Slot(object)
    def _on_read(self, choices: tuple[RunChoice, ...]) -> None:
        self.choices = choices
        self.clear()
        if self._without:
            self.addItem(self._without, "")
        for choice in choices:
            self.addItem(choice.title, choice.run.name)
            self.setItemData(self.count() - 1, choice.run.name, Qt.ItemDataRole.ToolTipRole)
        self.setEnabled(self.count() > 0)
        self._show_choice()

    def _show_choice(self) -> None:
        runs: list[RunFolder | None] = [each.run for each in self.choices]
        if self._without:
            runs.insert(0, None)
        if self._wanted is not None and self._wanted in runs:
            chosen: RunFolder | None = self._wanted
            self._wanted = None
        elif self._chosen in runs:
            chosen = self._chosen
        else:
            chosen = runs[0] if runs else None
        self.setCurrentIndex(runs.index(chosen) if chosen in runs else -1)
        self._choose(chosen)

    def _choose(self, run: RunFolder | None) -> None:
        if run != self._chosen or run is None:
            self._chosen = run
            self.run_chosen.emit(self.chosen)

    @Slot(object)
    def _on_edited(self, name: str) -> None:
        self._choose(next((each.run for each in self.choices if each.run.name == name), None))
