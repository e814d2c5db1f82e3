"""The runs of a project as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.wording import STATE_ICONS, accuracy_text, count_text, date_text, duration_text, state_text
from metastudio.jobs.job import title_of
from metastudio.runs.events import Failed
from metastudio.runs.run_folder import RunFolder, list_runs
from metastudio.runs.run_state import State

Index = QModelIndex | QPersistentModelIndex

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The `RunRow`."""
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
"""What a column sorts by."""

NAME, METHOD, TASK, STATE, ACCURACY, ITERATIONS, DURATION, STARTED = range(8)
_SWATCH_PX = 12


@dataclass(frozen=True)
class RunRow:
    """What the table says of one run. `problem` says why it cannot be read, `failure` why it failed."""

    run: RunFolder
    name: str
    method: str = ""
    task: str = ""
    state: State | None = None
    accuracy: float | None = None
    ci95: float | None = None
    iteration: int = 0
    iterations: int = 0
    elapsed_s: float = 0.0
    started_at: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""
    failure: str = ""


def read_row(run: RunFolder) -> RunRow:
    """Read one run; one that is damaged is listed with its reason."""
    try:
        state, experiment, notes = run.state(), run.experiment(), run.notes()
        effective = run.effective_state()
    except MetaStudioError as error:
        return RunRow(run, run.name, problem=str(error))
    entry = ALGORITHMS.get(experiment.algorithm.name)
    return RunRow(
        run=run,
        name=notes.name or title_of(experiment),
        method=entry.title if entry else experiment.algorithm.name,
        task=f"{experiment.episodes.n_way}w{experiment.episodes.n_shot}s",
        state=effective,
        accuracy=state.best_accuracy,
        ci95=state.best_ci95,
        iteration=state.iteration,
        iterations=state.iterations,
        elapsed_s=state.elapsed_s,
        started_at=state.started_at or state.created_at,
        tags=notes.tags,
        failure=_failure_text(state.failure) if effective is State.FAILED and state.failure else "",
    )


def _failure_text(failure: Failed) -> str:
    return " ".join(filter(None, (failure.what, failure.why, failure.todo)))


def read_rows(folder: Path) -> list[RunRow]:
    """Read every run of a folder, newest first."""
    return [read_row(run) for run in reversed(list_runs(folder))]


class RunsTableModel(QAbstractTableModel):
    """Adapts a plain list of `RunRow`.

    Signals:
        renamed(object, str): the person gave the `RunFolder` another name.
    """

    renamed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RunRow] = []
        self._colours: dict[RunFolder, QColor] = {}

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """All rows, in the order they were given."""
        return tuple(self._rows)

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Show other rows; where the runs are the same only what changed is told."""
        if [each.run for each in rows] == [each.run for each in self._rows]:
            for place, (before, after) in enumerate(zip(self._rows, rows, strict=True)):
                if before != after:
                    self._rows[place] = after
                    self.dataChanged.emit(self.index(place, 0), self.index(place, self.columnCount() - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def set_colours(self, colours: dict[RunFolder, QColor]) -> None:
        """Mark the runs whose curves are shown with the colours of their curves."""
        self._colours = dict(colours)
        if self._rows:
            last = self.index(len(self._rows) - 1, NAME)
            self.dataChanged.emit(self.index(0, NAME), last, [Qt.ItemDataRole.DecorationRole])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else 8

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("name"),
            self.tr("method"),
            self.tr("task"),
            self.tr("state"),
            self.tr("best on meta-val"),
            self.tr("iterations"),
            self.tr("trained for"),
            self.tr("started"),
        )[section]

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                found: Any = self._text(row, column)
            case Qt.ItemDataRole.DecorationRole:
                found = self._decoration(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                found = _alignment(column)
            case Qt.ItemDataRole.ToolTipRole:
                found = row.problem or row.run.name
            case _:
                found = {ROW_ROLE: row, SORT_ROLE: self._sort_key(row, column)}.get(role)
        return found

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not name:
            return False
        row = self._rows[index.row()]
        if name != row.name:
            self.renamed.emit(row.run, name)
        return True

    def _text(self, row: RunRow, column: int) -> str:
        if row.state is None:
            return row.name if column == NAME else self.tr("cannot be read") if column == STATE else ""
        return (
            row.name,
            row.method,
            row.task,
            state_text(row.state),
            accuracy_text(row.accuracy, row.ci95),
            f"{count_text(row.iteration)} / {count_text(row.iterations)}",
            duration_text(row.elapsed_s) if row.elapsed_s else "–",
            date_text(row.started_at),
        )[column]

    def _decoration(self, row: RunRow, column: int) -> Any:
        if column == STATE:
            return icon("mdi6.file-alert-outline", "bad") if row.state is None else icon(*STATE_ICONS[row.state])
        if column == NAME:
            return _swatch(self._colours.get(row.run))
        return None

    def _sort_key(self, row: RunRow, column: int) -> Any:
        if column == ACCURACY:
            return -math.inf if row.accuracy is None else row.accuracy
        numbers = {ITERATIONS: row.iteration, DURATION: row.elapsed_s, STARTED: row.started_at}
        return numbers.get(column, self._text(row, column).casefold())


class RunsFilter(QSortFilterProxyModel):
    """Sorts by number where a column is one; shows the runs that match some words and a state."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSortRole(SORT_ROLE)
        self._words: tuple[str, ...] = ()
        self._states: frozenset[State] = frozenset()

    def set_words(self, text: str) -> None:
        """Show only runs that hold every one of these words."""
        self._words = tuple(text.casefold().split())
        self.invalidate()

    def set_states(self, states: frozenset[State]) -> None:
        """Show only runs in these states; an empty set shows all."""
        self._states = states
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        row = self.sourceModel().index(source_row, 0, source_parent).data(ROW_ROLE)
        if self._states and row.state not in self._states:
            return False
        text = " ".join((row.name, row.method, row.task, row.run.name, *row.tags)).casefold()
        return all(word in text for word in self._words)


def _alignment(column: int) -> Qt.AlignmentFlag:
    is_number = column in {ACCURACY, ITERATIONS, DURATION}
    return (Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter


def _swatch(colour: QColor | None) -> QIcon:
    """Return a dot in the colour of a run's curve, or an empty place of the same size."""
    made = QPixmap(_SWATCH_PX, _SWATCH_PX)
    made.fill(Qt.GlobalColor.transparent)
    if colour is not None:
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colour)
        painter.setPen(theme.colour("hairline"))
        painter.drawEllipse(1, 1, _SWATCH_PX - 3, _SWATCH_PX - 3)
        painter.end()
    swatch = QIcon(made)
    swatch.addPixmap(made, QIcon.Mode.Selected)  # a selected row must not tint it
    return swatch
