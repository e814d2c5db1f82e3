"""The runs of a project as a table that filters and sorts itself: ten thousand rows take a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from metastudio.gui import theme
from metastudio.gui.models.run_columns import NAME, STARTED, STATE, run_columns
from metastudio.gui.models.run_rows import RunRow
from metastudio.gui.models.run_search import search
from metastudio.gui.widgets.icons import icon
from metastudio.gui.wording import STATE_ICONS
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

Index = QModelIndex | QPersistentModelIndex

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The `RunRow`."""
_SWATCH_PX = 12


class RunsTableModel(QAbstractTableModel):
    """Adapts a plain list of `RunRow`: those that match a search and a state, in the order of a column.

    Attributes:
        columns: All columns, shown or not.

    Signals:
        renamed(object, str): the person gave the `RunFolder` another name.
    """

    renamed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = run_columns()
        self._rows: list[RunRow] = []
        self._shown: list[RunRow] = []
        self._colours: dict[RunFolder, QColor] = {}
        self._holds = search("", self.columns)
        self._states: frozenset[State] = frozenset()
        self._sorted_by, self._order = STARTED, Qt.SortOrder.DescendingOrder

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """All rows, in the order they were given."""
        return tuple(self._rows)

    @property
    def shown(self) -> tuple[RunRow, ...]:
        """What is seen, in its order."""
        return tuple(self._shown)

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Show other rows; where the same runs are seen in the same order only what changed is told."""
        self._rows = list(rows)
        self._show()

    def set_search(self, text: str) -> None:
        """Show only what `run_search` finds with this text."""
        self._holds = search(text, self.columns)
        self._show()

    def set_states(self, states: frozenset[State]) -> None:
        """Show only runs in these states; an empty set shows all."""
        self._states = states
        self._show()

    def set_colours(self, colours: dict[RunFolder, QColor]) -> None:
        """Mark the runs whose curves are shown with the colours of their curves."""
        changed = colours.keys() | self._colours.keys()
        self._colours = dict(colours)
        for place, row in enumerate(self._shown):
            if row.run in changed:
                index = self.index(place, NAME)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted_by, self._order = column, order
        self._show()

    def _show(self) -> None:
        """Filter and sort anew, and tell the views as little as possible."""
        before, column = self._shown, self.columns[self._sorted_by]
        found = [each for each in self._rows if (not self._states or each.state in self._states) and self._holds(each)]
        found.sort(key=column.sort_key, reverse=self._order == Qt.SortOrder.DescendingOrder)
        runs, runs_before = [each.run for each in found], [each.run for each in before]
        if runs == runs_before:
            self._shown = found
            for place, (row, row_before) in enumerate(zip(found, before, strict=True)):
                if row is not row_before and row != row_before:
                    self.dataChanged.emit(self.index(place, 0), self.index(place, self.columnCount() - 1))
        elif len(runs) == len(runs_before) and set(runs) == set(runs_before):
            self._rearrange(found)
        else:
            self.beginResetModel()
            self._shown = found
            self.endResetModel()

    def _rearrange(self, found: list[RunRow]) -> None:
        """Take the same runs in another order; what is chosen stays chosen."""
        self.layoutAboutToBeChanged.emit()
        places = {row.run: place for place, row in enumerate(found)}
        old = self.persistentIndexList()
        new = [self.index(places[self._shown[each.row()].run], each.column()) for each in old]
        self._shown = found
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return self.columns[section].title if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._shown[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                is_said = row.state is not None or column in {NAME, STATE}
                return self.columns[column].text(row) if is_said else ""
            case Qt.ItemDataRole.DecorationRole:
                return self._decoration(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._alignment(column)
            case Qt.ItemDataRole.ToolTipRole:
                return row.problem or row.run.name
        return row if role == ROW_ROLE else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not name:
            return False
        row = self._shown[index.row()]
        if name != row.name:
            self.renamed.emit(row.run, name)
        return True

    def _decoration(self, row: RunRow, column: int) -> Any:
        if column == STATE:
            return icon("mdi6.file-alert-outline", "bad") if row.state is None else icon(*STATE_ICONS[row.state])
        if column == NAME:
            return _swatch(self._colours.get(row.run))
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        is_number = self.columns[column].number is not None
        side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


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
