"""The queries of a try-out as Qt's views want them: pictures with their answers, in the order of their arrival."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from metastudio.gui.documents.try_out import NONE_OF_THESE, TryOut
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.probability_bars import in_percent

QUERY_ROLE = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Query:
    """One row: what a view paints.

    Attributes:
        path: The picture.
        names: The classes, in the order of the bins.
        probabilities: One for each class; empty without an answer.
        answer: The class it is said to be, `NONE_OF_THESE`, or None without an answer.
        truth: What it really is, as far as anybody said.
        was_right: Whether the answer was right; None while nobody said.
        is_support: Whether it has joined the support pictures.
        problem: Why it could not be looked at.
    """

    path: str
    names: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    answer: str | None = None
    truth: str | None = None
    was_right: bool | None = None
    is_support: bool = False
    problem: str = ""


class QueryListModel(QAbstractListModel):
    """Adapts the queries of a `TryOut`; rows are renewed in place, so that nothing jumps."""

    def __init__(self, try_out: TryOut, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._try_out = try_out
        self._rows: list[Query] = []

    def query(self, row: int) -> Query:
        """Return a row."""
        return self._rows[row]

    def refresh(self) -> None:
        """Take everything anew from the try-out."""
        rows = [self._row(path) for path in self._try_out.state.queries]
        if [each.path for each in rows] == [each.path for each in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        elif [each.path for each in rows[: len(self._rows)]] == [each.path for each in self._rows]:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(rows) - 1)
            self._rows = rows
            self.endInsertRows()
        else:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == QUERY_ROLE:
            return row
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return self._spoken(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return printable(row.path)
        return None

    def verdict(self, row: Query) -> str:
        """Return what is known about an answer, in a few words; empty while nothing is."""
        if row.was_right is None:
            return ""
        name = printable(row.truth or "") if row.truth != NONE_OF_THESE else self.tr("none of these")
        if row.was_right:
            return self.tr("right")
        joined = " " + self.tr("(now support)") if row.is_support else ""
        return self.tr("is {name}").format(name=name) + joined

    def _row(self, path: str) -> Query:
        try_out = self._try_out
        answer, truth = try_out.answer(path), try_out.truth(path)
        judgement = try_out.state.judged.get(path)
        if judgement is not None:
            was_right: bool | None = judgement.was_right
        else:
            was_right = None if truth is None or answer is None else answer == truth
        found = try_out.answers.get(path)
        return Query(
            path=path,
            names=try_out.class_names,
            probabilities=try_out.probabilities(path),
            answer=answer,
            truth=truth,
            was_right=was_right,
            is_support=any(path in each.support for each in try_out.state.classes),
            problem=found.problem if found else "",
        )

    def _spoken(self, row: Query) -> str:
        if row.problem:
            said = row.problem
        elif row.answer is None:
            said = self.tr("no answer yet")
        elif row.answer == NONE_OF_THESE:
            said = self.tr("none of these")
        else:
            said = f"{printable(row.answer)} {in_percent(max(row.probabilities))}"
        name = printable(row.path.rpartition("/")[2])
        return ", ".join(filter(None, (name, said, self.verdict(row))))
