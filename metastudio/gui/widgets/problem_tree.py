"""Many problems of pictures, grouped by kind with their count; each row leads to what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QTreeWidget, QTreeWidgetItem, QWidget

from metastudio.errors import Problem, Severity
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.icons import severity_icon

_MOST_ROWS = 2000
_PROBLEM = Qt.ItemDataRole.UserRole + 1


class ProblemTree(QTreeWidget):
    """Shows problems, errors first; one row for each kind, opened to see each.

    Signals:
        problem_activated(object): a row was clicked, or Enter pressed on it; its `Problem`.
    """

    problem_activated = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problems: tuple[Problem, ...] = ()
        self.setHeaderHidden(True)
        self.setRootIsDecorated(True)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(14, 14))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setStyleSheet("QTreeWidget { background: transparent; border: none; } QTreeView::item { padding: 2px 0; }")
        self.itemClicked.connect(self._on_item_chosen)
        self.itemActivated.connect(self._on_item_chosen)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is shown."""
        return self._problems

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems instead of the ones before; kinds that were open stay open."""
        if tuple(problems) == self._problems:
            return
        self._problems = tuple(problems)
        opened = {item.data(0, _PROBLEM).code for item in self._top_items() if item.isExpanded()}
        self.clear()
        kinds: dict[tuple[Severity, str], list[Problem]] = {}
        for each in problems:
            kinds.setdefault((each.severity, each.code), []).append(each)
        order = list(Severity)
        for (severity, code), same in sorted(kinds.items(), key=lambda kind: order.index(kind[0][0])):
            top = self._item(same[0], self._title(code, same))
            top.setIcon(0, severity_icon(severity))
            self.addTopLevelItem(top)
            if len(same) == 1:
                continue
            for each in same[:_MOST_ROWS]:
                top.addChild(self._item(each, full_sentence(each)))
            if len(same) > _MOST_ROWS:
                more = self.tr("and {count} more").format(count=len(same) - _MOST_ROWS)
                top.addChild(QTreeWidgetItem([more]))
            top.setExpanded(code in opened)
        self.setAccessibleName(self.tr("{count} problems of the images").format(count=len(problems)))

    def _top_items(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(row) for row in range(self.topLevelItemCount())]

    def _item(self, problem: Problem, text: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem([text])
        item.setData(0, _PROBLEM, problem)
        item.setToolTip(0, full_sentence(problem))
        return item

    def _title(self, code: str, same: Sequence[Problem]) -> str:
        if len(same) == 1:
            return full_sentence(same[0])
        kinds = {
            "unreadable": self.tr("{count} unreadable"),
            "same-file": self.tr("{count} duplicates"),
            "duplicate": self.tr("{count} duplicates"),
            "too-few-images": self.tr("{count} classes with too few images"),
        }
        template = kinds.get(code, self.tr("{count} × {kind}"))
        return template.format(count=f"{len(same):,}", kind=code.replace("-", " "))

    @Slot(QTreeWidgetItem, int)
    def _on_item_chosen(self, item: QTreeWidgetItem, _column: int) -> None:
        if item.childCount():
            item.setExpanded(True)
        if (problem := item.data(0, _PROBLEM)) is not None:
            self.problem_activated.emit(problem)


def full_sentence(problem: Problem) -> str:
    """Return a problem with the name of what it is about, and what to do, translated."""
    name = printable(problem.where.rpartition("/")[2]) if problem.where else ""
    parts = [f"{name}: {sentence(problem.message)}" if name else sentence(problem.message), sentence(problem.todo)]
    return printable(" ".join(part for part in parts if part))
