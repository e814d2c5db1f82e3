"""Hand over: choose a run and what to write of it; it is written, loaded again elsewhere, compared, and shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.experiment import TargetTask
from metastudio.gui import theme
from metastudio.gui.documents.earlier_exports import is_export
from metastudio.gui.forms.editors import ChoiceEdit, FolderEdit
from metastudio.gui.models.shown_name import printable
from metastudio.gui.pages.page import Page
from metastudio.gui.run_report import RunReport
from metastudio.gui.widgets.earlier_exports_list import EarlierExportsList
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.export_card import ExportCard
from metastudio.gui.widgets.format_choice import FormatChoice
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel, label
from metastudio.gui.widgets.progress_bar import ProgressBar
from metastudio.gui.widgets.run_picker import RunChoice, RunPicker
from metastudio.runs.questions import AskExport, ExportedAnswer, Progress

if TYPE_CHECKING:
    from pydantic import BaseModel

    from metastudio.errors import MetaStudioError
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_LEFT_PX = 400
_NAME_LENGTH = 60


class HandOverPage(Page):
    """What to write and where at the left; how it ended and what was exported before at the right."""

    key: ClassVar[str] = "hand_over"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self.set_title(self.tr("Hand over"))
        self._number = 0
        self._targets: tuple[TargetTask, ...] = ()
        self._is_own_place = False

        self.runs = RunPicker()
        self.runs.run_chosen.connect(self._on_run_chosen)
        self.add_header_widget(self.runs)
        self._report = RunReport(studio, self)
        self.report_button = QPushButton(icon("mdi6.file-document-outline"), self.tr("Report"))
        self.report_button.setToolTip(
            self.tr("One page about the run: what was tried, how it went and how to do it again. Opens in the browser")
        )
        self.report_button.clicked.connect(self._on_report_clicked)
        self.add_header_widget(self.report_button)
        self.stack = QStackedWidget()
        self.empty = EmptyState(
            "mdi6.package-variant-closed",
            self.tr("Nothing to hand over yet"),
            self.tr("When a run has learned something, you can take it away from here: to go on with, or to use."),
        )
        self.empty.add_button(self.tr("Go to Learn"), self._on_learn_clicked, is_primary=True)
        self.stack.addWidget(self.empty)
        whole = QWidget()
        columns = QHBoxLayout(whole)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(theme.EDGE)
        columns.addWidget(self._choices())
        columns.addWidget(self._results(), 1)
        self.stack.addWidget(whole)
        self.body.addWidget(self.stack, 1)
        shortcut = QShortcut(QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_Return), self)
        shortcut.activated.connect(self.export)

        studio.session.answered.connect(self._on_session_answered)
        studio.session.failed.connect(self._on_session_failed)
        studio.session.progressed.connect(self._on_session_progressed)
        studio.project_changed.connect(self._on_project_changed)
        studio.run_selected.connect(self._on_run_selected)
        self._on_project_changed(studio.project)
        self.runs.select(studio.selected_run)
        self._on_run_chosen(None)

    def on_shown(self) -> None:
        """Look which runs and exports there are now."""
        self.runs.refresh(self.studio.runs_folder)
        self._show_earlier()

    def shut_down(self) -> None:
        """Let go of what is being read; an export under way ends with the process that writes it."""
        self.runs.close_task()
        self.earlier.close_task()

    # layout

    def _choices(self) -> QWidget:
        side = QWidget()
        side.setObjectName("scrolled")
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, theme.GAP, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(label(self.tr("What"), "section"))
        self.formats = FormatChoice()
        self.formats.changed.connect(self._show_choices)
        column.addWidget(self.formats)

        column.addSpacing(theme.GAP)
        column.addWidget(label(self.tr("Adapted to"), "section"))
        self.target = ChoiceEdit(())
        self.target.setAccessibleName(self.tr("Target task"))
        self.target.edited.connect(self._show_choices)
        column.addWidget(self.target)
        self.target_hint = WrappingLabel("", "caption")
        column.addWidget(self.target_hint)
        self.tasks_button = QPushButton(self.tr("Assemble a task"))
        theme.set_role(self.tasks_button, "link")
        self.tasks_button.clicked.connect(self._on_tasks_clicked)
        column.addWidget(self.tasks_button, 0, Qt.AlignmentFlag.AlignLeft)

        column.addSpacing(theme.GAP)
        column.addWidget(label(self.tr("Where"), "section"))
        self.place = FolderEdit()
        self.place.setAccessibleName(self.tr("Folder"))
        self.place.edited.connect(self._on_place_edited)
        column.addWidget(self.place)
        self.place_hint = ElidedLabel("", "caption", mode=Qt.TextElideMode.ElideMiddle)
        column.addWidget(self.place_hint)
        column.addStretch(1)

        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(side)
        self.progress = ProgressBar()
        self.progress.setAccessibleName(self.tr("Progress of the export"))
        self.progress.setTextVisible(False)
        self.doing = label("", "quiet")
        self.why_not = WrappingLabel("", "caption")
        self.export_button = QPushButton(self.tr("Export and verify"))
        theme.set_role(self.export_button, "primary")
        self.export_button.clicked.connect(self.export)
        whole = QWidget()
        whole.setFixedWidth(_LEFT_PX)
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.GAP)
        rows.addWidget(area, 1)
        rows.addWidget(self.doing)
        rows.addWidget(self.progress)
        rows.addWidget(self.why_not)
        rows.addWidget(self.export_button)
        return whole

    def _results(self) -> QWidget:
        side = QWidget()
        self.card = ExportCard()
        self.card.other_wanted.connect(self._export)
        self.no_result = WrappingLabel(
            self.tr(
                "An export is loaded again in a clean process and asked about pictures; only if it answers like the "
                "model it is handed over. How that ended shows here."
            ),
            "quiet",
        )
        self.earlier = EarlierExportsList()
        self.earlier.failed.connect(self._on_read_failed)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GROUP)
        column.addWidget(label(self.tr("Result"), "section"))
        column.addWidget(self.no_result)
        column.addWidget(self.card)
        column.addWidget(label(self.tr("Exported before"), "section"))
        column.addWidget(self.earlier, 1)
        return side

    # what is chosen

    def chosen_target(self) -> TargetTask | None:
        """Return the task to adapt to; None for a checkpoint, or where there is none."""
        if self.formats.chosen == "checkpoint":
            return None
        index = self.target.currentIndex()
        return self._targets[index] if 0 <= index < len(self._targets) else None

    def destination(self) -> Path | None:
        """Return the folder that will be made."""
        parent = self.place.value().strip()
        if not parent:
            return None
        target = self.chosen_target()
        return Path(parent) / (f"{_folder_name(target.name)}-{self.formats.chosen}" if target else self.formats.chosen)

    def prevents(self) -> str:
        """Return why nothing can be exported, as a sentence; empty where it can."""
        if self._number:
            return self.tr("An export is under way.")
        if self.runs.chosen is None:
            return self.tr("Choose a run first.")
        if self.formats.chosen != "checkpoint" and self.chosen_target() is None:
            return self.tr("A task to adapt to is missing: assemble one on Tasks, or save one on Try it.")
        destination = self.destination()
        if destination is None:
            return self.tr("Say where it shall lie.")
        if not destination.is_absolute():
            return self.tr("The folder must be a whole path, from the root.")
        return ""

    @Slot()
    def export(self) -> None:
        """Write the export of the best checkpoint and verify it; nothing happens while that is not possible."""
        self._export(None)

    @Slot(object)
    def _export(self, checkpoint: int | None) -> None:
        choice, destination = self.runs.chosen, self.destination()
        if self.prevents() or choice is None or destination is None:
            return
        question = AskExport(
            run=str(choice.run.path),
            format=self.formats.chosen,
            folder=str(destination),
            target=self.chosen_target(),
            overwrite=is_export(destination),
            checkpoint=checkpoint,
        )
        self.card.hide()
        self._number = self.studio.session.ask(question)
        self._show_progress(self.tr("Beginning…"), 0, 0)
        self._show_choices()

    # studio

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        if document is not None:
            document.targets_changed.connect(self._show_targets)
        self.runs.refresh(self.studio.runs_folder)
        self._show_targets()

    @Slot(object)
    def _on_run_selected(self, run: object) -> None:
        self.runs.select(run)  # type: ignore[arg-type]
        self.runs.refresh(self.studio.runs_folder)

    @Slot(object)
    def _on_run_chosen(self, choice: RunChoice | None) -> None:
        self.stack.setCurrentIndex(0 if choice is None else 1)
        self.runs.setVisible(choice is not None)
        self.report_button.setVisible(choice is not None)
        self.card.hide()
        if choice is not None and not self._is_own_place:
            self.place.set_value(str(choice.run.exports_folder))
        self._show_targets()
        self._show_earlier()

    @Slot()
    def _show_targets(self) -> None:
        """Offer the tasks of the project, and those that the run was made with and the project has no more."""
        document, choice = self.studio.project, self.runs.chosen
        tasks = list(document.targets) if document else []
        names = {each.name for each in tasks}
        if choice is not None:
            tasks += [each for each in choice.experiment.targets if each.name not in names]
        before = self.target.currentText()
        self._targets = tuple(tasks)
        self.target.clear()
        for task in tasks:
            self.target.addItem(printable(task.name), task.name)
        self.target.setCurrentIndex(max(0, self.target.findText(before)) if tasks else -1)
        self._show_choices()

    @Slot()
    def _show_choices(self) -> None:
        is_checkpoint = self.formats.chosen == "checkpoint"
        self.target.setEnabled(bool(self._targets) and not is_checkpoint)
        if is_checkpoint:
            hint = self.tr("A checkpoint is of no task; it can be adapted to any.")
        elif self._targets:
            task = self.chosen_target()
            hint = ", ".join(printable(each.name) for each in task.classes) if task else ""
        else:
            hint = self.tr("The project has no target tasks yet.")
        self.target.setToolTip(hint)
        self.target_hint.setText(hint)
        self.tasks_button.setVisible(not is_checkpoint and not self._targets)
        destination = self.destination()
        replaces = destination is not None and is_export(destination)
        shown = f"→ {printable(str(destination))}" if destination else ""
        self.place_hint.setText(shown)
        reason = self.prevents()
        self.export_button.setText(self.tr("Replace, export and verify") if replaces else self.tr("Export and verify"))
        self.export_button.setEnabled(not reason)
        tip = reason or self.tr("Write it, load it again in a process of its own, and compare (Ctrl+Return)")
        self.export_button.setToolTip(tip)
        note = self.tr("An export lies there already; it is replaced when the new one is verified.") if replaces else ""
        self.why_not.setText("" if self._number else reason or note)
        self.why_not.setVisible(bool(self.why_not.text()))
        self.progress.setVisible(bool(self._number))
        self.doing.setVisible(bool(self._number))
        self.no_result.setVisible(self.card.isHidden())

    def _show_earlier(self) -> None:
        self.earlier.show_run(self.runs.chosen.run if self.runs.chosen else None)

    @Slot(object)
    def _on_place_edited(self, _place: object) -> None:
        self._is_own_place = True
        self._show_choices()

    @Slot()
    def _on_report_clicked(self) -> None:
        if self.runs.chosen is not None:
            self._report.show_report(self.runs.chosen.run)

    @Slot()
    def _on_tasks_clicked(self) -> None:
        self.studio.show_page("tasks")

    @Slot()
    def _on_learn_clicked(self) -> None:
        self.studio.show_page("learn")

    # answers

    @Slot(object, object)
    def _on_session_progressed(self, number: int, progress: Progress) -> None:
        if number == self._number and number:
            phase = f"{progress.phase[:1].upper()}{progress.phase[1:]}…"
            self._show_progress(phase, progress.done, progress.total)

    @Slot(object, object)
    def _on_session_answered(self, number: int, answer: BaseModel) -> None:
        if number == self._number and isinstance(answer, ExportedAnswer):
            self._number = 0
            self.card.show_answer(answer)
            self.studio.toast(self.tr("Exported and verified."), severity="good")
            self._show_choices()
            self._show_earlier()

    @Slot(object)
    def _on_read_failed(self, error: Exception) -> None:
        self.studio.messages.show_error(error)

    @Slot(object, object)
    def _on_session_failed(self, number: int, error: MetaStudioError) -> None:
        if number == self._number and number:
            self._number = 0
            self.card.show_failure(error)
            self._show_choices()

    def _show_progress(self, sentence: str, done: int, total: int) -> None:
        self.doing.setText(sentence)
        self.progress.setRange(0, total)
        self.progress.setValue(done)


def _folder_name(name: str) -> str:
    """Return a task's name as a folder's: letters, digits, points and dashes."""
    return re.sub(r"[^\w.-]+", "-", printable(name)).strip("-.")[:_NAME_LENGTH] or "task"
