"""The Runs page: every run of the project in a table, and the curves of those that are chosen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.models.runs_table_model import (
    ACCURACY,
    NAME,
    ROW_ROLE,
    STARTED,
    STATE,
    RunRow,
    RunsFilter,
    RunsTableModel,
    read_rows,
)
from metastudio.gui.pages.page import Page
from metastudio.gui.run_trash import trash_with_undo
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.curve_math import smoothed
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.job_plots import SmoothingBar
from metastudio.gui.widgets.plot import Curve, Plot
from metastudio.gui.widgets.run_details import RunDetails
from metastudio.gui.wording import counted
from metastudio.jobs.curves import Curves
from metastudio.jobs.job import Job
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

_REFRESH_MS = 3000
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
        self._curves: dict[RunFolder, Curves] = {}
        self._wanted: list[RunFolder] = []
        self._is_reading = False
        self._is_stale = False
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search"))
        self._search.setAccessibleName(self.tr("Search runs"))
        self._search.setClearButtonEnabled(True)
        self._search.setFixedWidth(200)
        self._state_choice = QComboBox()
        self._state_choice.setAccessibleName(self.tr("Which runs"))
        for text in (self.tr("all states"), self.tr("finished"), self.tr("in work"), self.tr("stopped")):
            self._state_choice.addItem(text)
        self.add_header_widget(self._search)
        self.add_header_widget(self._state_choice)

        self.model = RunsTableModel(self)
        self._filter = RunsFilter(self)
        self._filter.setSourceModel(self.model)
        self.table = self._build_table()
        self.accuracy = Plot(self.tr("Accuracy on meta-val"), self.tr("iteration"), "%", has_legend=False)
        self.accuracy.set_axes(self.tr("iteration"), self.tr("accuracy, %"), unit=" %")
        self.accuracy.set_bounds(0.0, 100.0)
        self.loss = Plot(self.tr("Outer loss"), self.tr("iteration"), self.tr("loss"), has_legend=False)
        self.bar = SmoothingBar(studio.settings)
        self.details = RunDetails()
        self._stack = self._build_body()

        self._clock = QTimer(self)
        self._clock.setInterval(_REFRESH_MS)
        self._clock.timeout.connect(self.refresh)
        self._search.textChanged.connect(self._filter.set_words)
        self._state_choice.currentIndexChanged.connect(self._on_state_chosen)
        self.model.renamed.connect(self._on_renamed)
        self.model.modelReset.connect(self._on_reset)
        self.table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.table.doubleClicked.connect(self._on_double_clicked)
        self.bar.changed.connect(self._on_bar_changed)
        self.bar.fit_clicked.connect(self._on_fit_clicked)
        self.details.action_wanted.connect(self._do)
        self.details.notes_changed.connect(self._on_notes_changed)
        for keys, slot in ((QKeySequence.StandardKey.Delete, self._on_delete), (QKeySequence("F5"), self.refresh)):
            QShortcut(keys, self.table, slot, context=Qt.ShortcutContext.WidgetShortcut)
        studio.project_changed.connect(self._on_project_changed)
        studio.runs_changed.connect(self.refresh)
        studio.jobs.job_added.connect(self._on_job_changed)
        studio.jobs.job_changed.connect(self._on_job_changed)
        self.refresh()

    def _build_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._filter)
        table.setSortingEnabled(True)
        table.sortByColumn(STARTED, Qt.SortOrder.DescendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.CONTROL_HEIGHT)
        table.setFont(theme.font(is_tabular=True))
        table.setAccessibleName(self.tr("Runs"))
        table.setMinimumHeight(96)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        for column, width in enumerate((160, 158, 52, 116, 122, 94, 84, 150)):
            table.setColumnWidth(column, width)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        return table

    def _build_body(self) -> QStackedWidget:
        empty = EmptyState(
            "mdi6.format-list-bulleted",
            self.tr("No runs yet"),
            self.tr(
                "Every job becomes a run: its settings, curves, checkpoints and exports stay together in one folder."
            ),
        )
        empty.add_button(self.tr("Go to Learn"), self._on_learn_clicked, is_primary=True)
        plots = QHBoxLayout()
        plots.setSpacing(theme.GAP)
        plots.addWidget(self.accuracy, 1)
        plots.addWidget(self.loss, 1)
        curves = QVBoxLayout()
        curves.setContentsMargins(0, 0, 0, 0)
        curves.setSpacing(theme.GAP)
        curves.addLayout(plots, 1)
        curves.addWidget(self.bar)
        below = QWidget()
        line = QHBoxLayout(below)
        line.setContentsMargins(0, theme.GAP, 0, 0)
        line.setSpacing(theme.GROUP)
        line.addLayout(curves, 1)
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
        self.details.save_notes()

    # reading

    @Slot()
    def refresh(self) -> None:
        """Read the runs anew, beside the window."""
        folder = self.studio.runs_folder
        self._is_stale = self._is_reading
        if folder is None or self._is_reading:
            return
        self._is_reading = True
        self.studio.call_beside(lambda: read_rows(folder), self._on_rows_read)

    @Slot(object)
    def _on_rows_read(self, rows: list[RunRow]) -> None:
        self._is_reading = False
        self.model.set_rows(rows)
        self.set_title(self.tr("Runs"), counted(len(rows), self.tr("1 run"), self.tr("{count} runs")) if rows else "")
        self._stack.setCurrentIndex(1 if rows else 0)
        if rows and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)
        self._follow_running()
        if self._is_stale:
            self.refresh()

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
        self._curves.clear()
        self.model.set_rows([])
        self.refresh()

    # choosing

    def chosen(self) -> list[RunRow]:
        """Return the chosen rows, in the order of the table."""
        indexes = sorted(self.table.selectionModel().selectedRows(), key=lambda each: each.row())
        return [each.data(ROW_ROLE) for each in indexes]

    def choose(self, runs: list[RunFolder]) -> None:
        """Choose exactly these runs."""
        model = self.table.selectionModel()
        model.clearSelection()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for place in range(self._filter.rowCount()):
            index = self._filter.index(place, 0)
            if index.data(ROW_ROLE).run in runs:
                model.select(index, flags)

    @Slot()
    def _on_reset(self) -> None:
        wanted = [each for each in self._wanted if each in {row.run for row in self.model.rows}]
        if wanted:
            self.choose(wanted)
        else:
            self._on_selection_changed()

    @Slot()
    def _on_selection_changed(self) -> None:
        rows = self.chosen()
        self._wanted = [each.run for each in rows if each.state is not None][:_MOST_CURVES]
        self.model.set_colours({run: theme.series_colour(place) for place, run in enumerate(self._wanted)})
        self.details.show_rows(rows)
        self._draw()
        self._read_curves([each for each in self._wanted if each not in self._curves])

    def _read_curves(self, runs: list[RunFolder]) -> None:
        if runs:
            wanted = list(runs)
            self.studio.call_beside(lambda: {each: read_curves(each) for each in wanted}, self._on_curves_read)

    @Slot(object)
    def _on_curves_read(self, curves: dict[RunFolder, Curves]) -> None:
        self._curves |= curves
        self._curves = {run: each for run, each in self._curves.items() if run in self._wanted}
        self._draw()

    # drawing

    def _draw(self) -> None:
        names = {row.run: row.name for row in self.chosen()}
        keys = set()
        for place, run in enumerate(self._wanted):
            curves = self._curves.get(run)
            if curves is None:
                continue
            key, style = run.name, theme.series_dash(place)
            keys |= {key, f"{key} raw"}
            steps, validations = curves.steps, curves.validations
            name = names.get(run, run.name)
            self.accuracy.set_curve(
                key,
                Curve(
                    validations.column(0),
                    100 * validations.column(1),
                    name=name,
                    index=place,
                    symbol="o",
                    style=style,
                    spread=100 * validations.column(2),
                ),
            )
            x, y = steps.column(0), steps.column(1)
            self.loss.set_curve(
                f"{key} raw", Curve(x, y, index=place, opacity=0.18, width=1.0, is_fitted=False, style=style)
            )
            smooth = np.array(smoothed(y, self.bar.weight))
            self.loss.set_curve(
                key,
                Curve(
                    x, smooth, name=name, index=place, style=style, is_average=self.bar.weight > 0, is_exported=False
                ),
            )
        for plot in (self.accuracy, self.loss):
            plot.keep_only(keys)
        has_any = any(len(each.validations) for each in self._curves.values())
        self.accuracy.set_message("" if has_any else self.tr("No validation in what is chosen."))
        self.loss.set_message("" if keys else self.tr("Choose a run to see its curves."))
        self.accuracy.refresh()
        self.loss.refresh()

    @Slot()
    def _on_bar_changed(self) -> None:
        self.accuracy.set_log(x=self.bar.log_x.isChecked())
        self.loss.set_log(x=self.bar.log_x.isChecked(), y=self.bar.log_y.isChecked())
        self._draw()

    @Slot()
    def _on_fit_clicked(self) -> None:
        self.accuracy.fit()
        self.loss.fit()

    # doing

    @Slot(int)
    def _on_state_chosen(self, place: int) -> None:
        self._filter.set_states(_GROUPS[place])

    @Slot(object, str)
    def _on_renamed(self, run: RunFolder, name: str) -> None:
        self._note(run, name=name)

    @Slot(object, str)
    def _on_notes_changed(self, run: RunFolder, text: str) -> None:
        self._note(run, text=text)

    def _note(self, run: RunFolder, **changed: str) -> None:
        if not run.exists():
            return
        try:
            run.write_notes(run.notes().model_copy(update=changed))
        except MetaStudioError as error:
            self.studio.messages.show_error(error)
        self.refresh()

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
