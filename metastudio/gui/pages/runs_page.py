"""The Runs page: every run of the project in a table, and the curves of those that are chosen."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSplitter, QStackedWidget, QWidget

from metastudio.gui import theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.models.run_colours import RunColours
from metastudio.gui.models.run_columns import ACCURACY, NAME, STATE
from metastudio.gui.models.run_rows import RunRow, RunRows
from metastudio.gui.models.runs_table_model import RunsTableModel
from metastudio.gui.pages.job_actions import JobActions
from metastudio.gui.pages.page import Page
from metastudio.gui.run_notes import rename_run, tag_run, write_about_run
from metastudio.gui.run_report import RunReport
from metastudio.gui.run_trash import trash_with_undo
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.run_curves import RunCurves, in_order
from metastudio.gui.widgets.run_details import RunDetails
from metastudio.gui.widgets.runs_table import RunsTable
from metastudio.gui.wording import counted
from metastudio.jobs.curves import Curves
from metastudio.jobs.job import Job
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

_REFRESH_MS = 3000
_LOOKING_SHARE = 0.05
"""Of the time, how much may be spent on looking whether a run has changed."""
_FIRST_HEIGHTS_PX = (210, 430)
_MOST_CURVES = 16
_GROUPS: tuple[frozenset[State], ...] = (
    frozenset(),
    frozenset({State.FINISHED}),
    frozenset({State.QUEUED, State.PREPARING, State.RUNNING, State.PAUSING, State.FINISHING}),
    frozenset({State.PAUSED, State.INTERRUPTED, State.FAILED}),
)


def read_curves(run: RunFolder) -> Curves:
    """Read the whole history of a run."""
    curves = Curves()
    curves.add(read_events(run.events_path)[0])
    return curves


class RunsPage(Page):
    """The table above, curves and details of the selection below."""

    key = "runs"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self.set_title(self.tr("Runs"))
        self._rows = RunRows()
        self._actions = JobActions(studio, self)
        self._report = RunReport(studio, self)
        self._reading: BackgroundTask | None = None
        self._began = 0.0
        self._is_stale = False
        self._colours = RunColours()
        self._wanted: list[RunFolder] = []
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search"))
        self._search.setAccessibleName(self.tr("Search runs"))
        self._search.setToolTip(
            self.tr("Words, tags and comparisons, as: maml tag:paper accuracy>90 inner_lr=0.01 iterations>=1000")
        )
        self._search.setClearButtonEnabled(True)
        self._search.setFixedWidth(240)
        self._state_choice = QComboBox()
        self._state_choice.setAccessibleName(self.tr("Which runs"))
        for text in (self.tr("all states"), self.tr("finished"), self.tr("in work"), self.tr("stopped")):
            self._state_choice.addItem(text)
        self.model = RunsTableModel(self)
        self.table = RunsTable(self.model, studio.settings)
        self.add_header_widget(self._search)
        self.add_header_widget(self._state_choice)
        self.add_header_widget(self.table.columns_button)
        self.curves = RunCurves(studio.settings)
        self.details = RunDetails()
        self._stack = self._build_body()

        self._clock = QTimer(self)
        self._clock.setInterval(_REFRESH_MS)
        self._clock.timeout.connect(self.refresh)
        self._search.textChanged.connect(self.model.set_search)
        self._state_choice.currentIndexChanged.connect(self._on_state_chosen)
        self.model.renamed.connect(self._on_renamed)
        self.model.modelReset.connect(self._on_reset)
        self.table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.table.doubleClicked.connect(self._on_double_clicked)
        self.details.action_wanted.connect(self._do)
        self.details.notes_changed.connect(self._on_notes_changed)
        self.details.tags_changed.connect(self._on_tags_changed)
        for keys, slot in ((QKeySequence.StandardKey.Delete, self._on_delete), (QKeySequence("F5"), self.refresh)):
            QShortcut(keys, self.table, slot, context=Qt.ShortcutContext.WidgetShortcut)
        studio.project_changed.connect(self._on_project_changed)
        studio.runs_changed.connect(self.refresh)
        studio.jobs.job_added.connect(self._on_job_changed)
        studio.jobs.job_changed.connect(self._on_job_changed)
        self.refresh()

    def _build_body(self) -> QStackedWidget:
        empty = EmptyState(
            "mdi6.format-list-bulleted",
            self.tr("No runs yet"),
            self.tr(
                "Every job becomes a run: its settings, curves, checkpoints and exports stay together in one folder."
            ),
        )
        empty.add_button(self.tr("Go to Learn"), self._on_learn_clicked, is_primary=True)
        below = QWidget()
        line = QHBoxLayout(below)
        line.setContentsMargins(0, theme.GAP, 0, 0)
        line.setSpacing(theme.GROUP)
        line.addWidget(self.curves, 1)
        line.addWidget(self.details)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(below)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        split.setSizes(_FIRST_HEIGHTS_PX)
        split.setChildrenCollapsible(False)
        stack = QStackedWidget()
        stack.addWidget(empty)
        stack.addWidget(split)
        self.body.addWidget(stack)
        return stack

    def on_shown(self) -> None:
        self.refresh()
        self._clock.start()

    def on_hidden(self) -> None:
        self._clock.stop()
        self.details.save_notes()

    def shut_down(self) -> None:
        self._clock.stop()
        self.details.shut_down()  # what was just written makes the page look at the runs again
        self._stop_reading()

    # reading

    @property
    def is_reading(self) -> bool:
        """Whether the runs are being read."""
        return self._reading is not None

    @Slot()
    def refresh(self) -> None:
        """Read the runs anew, beside the window."""
        folder = self.studio.runs_folder
        self._is_stale = self.is_reading
        if folder is None or self.is_reading:
            return
        self._began = time.monotonic()
        self._reading = BackgroundTask(lambda tell, stop: self._rows.read(folder, tell, stop), self)
        self._reading.progressed.connect(self._on_some_read)
        self._reading.succeeded.connect(self._on_rows_read)
        self._reading.failed.connect(self._on_reading_failed)
        self._reading.start()

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading.deleteLater()
            self._reading = None

    @Slot(object)
    def _on_some_read(self, told: tuple[tuple[RunRow, ...]]) -> None:
        """Show the newest runs while older ones are still being read for the first time."""
        if len(told[0]) > len(self.model.rows):
            self._show_rows(told[0])

    @Slot(object)
    def _on_rows_read(self, rows: tuple[RunRow, ...]) -> None:
        self._stop_reading()
        took_ms = 1000 * (time.monotonic() - self._began)
        self._clock.setInterval(round(max(_REFRESH_MS, took_ms / _LOOKING_SHARE)))
        self._show_rows(rows)
        self._follow_running()
        if self._is_stale:
            self.refresh()

    @Slot(object)
    def _on_reading_failed(self, error: Exception) -> None:
        self._stop_reading()
        self.studio.messages.show_error(error)

    def _show_rows(self, rows: tuple[RunRow, ...]) -> None:
        self.model.set_rows(rows)
        self.set_title(self.tr("Runs"), counted(len(rows), self.tr("1 run"), self.tr("{count} runs")) if rows else "")
        self._stack.setCurrentIndex(1 if rows else 0)
        if rows and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)

    def _follow_running(self) -> None:
        """Read the curves of chosen runs again while they grow."""
        if any(row.state is not None and row.state.needs_worker for row in self.chosen()):
            self._read_curves(self._wanted)

    @Slot(object)
    def _on_job_changed(self, job: Job) -> None:
        if self.isVisible() and not job.is_working:
            self.refresh()

    @Slot(object)
    def _on_project_changed(self, document: object) -> None:  # noqa: ARG002
        self._stop_reading()
        self.curves.forget()
        self.model.set_rows([])
        self.refresh()

    # choosing

    def chosen(self) -> list[RunRow]:
        """Return the chosen rows, in the order of the table."""
        return self.table.chosen()

    @Slot()
    def _on_reset(self) -> None:
        known = {row.run for row in self.model.shown}
        wanted = [each for each in self._wanted if each in known]
        if wanted:
            self.table.choose(wanted)
        else:
            self._on_selection_changed()

    @Slot()
    def _on_selection_changed(self) -> None:
        rows = self.chosen()
        readable = [each.run for each in rows if each.state is not None]
        self._wanted = in_order(readable, self._wanted, _MOST_CURVES)
        numbers = self._colours.of(self._wanted, [each.run for each in reversed(self.model.rows)])
        self.model.set_colours({run: theme.series_colour(number) for run, number in numbers.items()})
        self.details.show_rows(rows)
        self._read_curves(self.curves.show_runs(numbers, {each.run: each.name for each in rows}))

    def _read_curves(self, runs: list[RunFolder]) -> None:
        if runs:
            wanted = list(runs)
            self.studio.call_beside(lambda: {each: read_curves(each) for each in wanted}, self._on_curves_read)

    @Slot(object)
    def _on_curves_read(self, histories: dict[RunFolder, Curves]) -> None:
        self.curves.add_histories(histories)
        self.curves.setAccessibleDescription(self.curves.described())

    # doing

    @Slot(int)
    def _on_state_chosen(self, place: int) -> None:
        self.model.set_states(_GROUPS[place])

    @Slot(object, str)
    def _on_renamed(self, run: RunFolder, name: str) -> None:
        rename_run(self.studio, run, name=name)

    @Slot(object, str)
    def _on_notes_changed(self, run: RunFolder, text: str) -> None:
        write_about_run(self.studio, run, text=text)

    @Slot(object, object)
    def _on_tags_changed(self, run: RunFolder, tags: tuple[str, ...]) -> None:
        tag_run(self.studio, run, tags=tags)

    @Slot()
    def _on_delete(self) -> None:
        if self.details.buttons["trash"].isEnabled():
            self._do("trash")

    @Slot(object)
    def _on_double_clicked(self, index: object) -> None:
        if index.column() == NAME:  # type: ignore[attr-defined]
            self.table.edit(index)  # type: ignore[call-overload]
        elif index.column() in {STATE, ACCURACY}:  # type: ignore[attr-defined]
            self._do("folder")

    @Slot(str)
    def _do(self, action: str) -> None:
        rows = self.chosen()
        if not rows:
            return
        run = rows[0].run
        match action:
            case "try_it" | "hand_over":
                self.studio.select_run(run, page=action)
            case "folder":
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path)))
            case "report":
                self._report.show_report(run)
            case "extend":
                self._actions.extend(self.studio.jobs.job_of(run) or Job(run, run.experiment(), State.FINISHED))
            case "resume":
                job = self.studio.jobs.job_of(run)
                if job is None:
                    self.studio.jobs.enqueue(run)
                else:
                    self.studio.jobs.resume(job)
                self.studio.show_page("jobs")
            case "trash":
                for row in rows:
                    if (job := self.studio.jobs.job_of(row.run)) is not None:
                        self.studio.jobs.remove(job)
                trash_with_undo(self.studio, [row.run for row in rows])

    @Slot()
    def _on_learn_clicked(self) -> None:
        self.studio.show_page("learn")
