"""Many problems of pictures, grouped by kind with their count; each row leads to what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import Problem, Severity
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.icons import severity_icon

_MOST_ROWS = 2000
_MOST_HEIGHT_PX = 220
_MOST_LINES = 4
_SECTIONS = frozenset(ExperimentConfig.model_fields)
_PROBLEM = Qt.ItemDataRole.UserRole + 1


class _WrappingDelegate(QStyledItemDelegate):
    """Gives each row the height that its sentence needs."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        tree = self.parent()
        depth = 2 if index.parent().isValid() else 1
        icon_px = 0 if index.parent().isValid() else tree.iconSize().width() + 6
        width = max(60, tree.viewport().width() - depth * tree.indentation() - icon_px - 8)
        text = option.fontMetrics.boundingRect(0, 0, width, 2000, Qt.TextFlag.TextWordWrap, index.data())
        return QSize(width, min(text.height(), _MOST_LINES * option.fontMetrics.lineSpacing()) + 6)


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
        self.setWordWrap(True)
        self.setItemDelegate(_WrappingDelegate(self))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setIconSize(QSize(14, 14))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QTreeWidget { background: transparent; border: none; } QTreeView::item { padding: 2px 0; }")
        self.itemClicked.connect(self._on_item_chosen)
        self.itemActivated.connect(self._on_item_chosen)
        self.itemExpanded.connect(self._fit_height)
        self.itemCollapsed.connect(self._fit_height)

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
        self._fit_height()
        self.setAccessibleName(self.tr("{count} problems of the images").format(count=len(problems)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            QTimer.singleShot(0, self, self._fit_height)

    @Slot()
    def _fit_height(self) -> None:
        """Be as high as the rows that are open, up to a limit; then it scrolls."""
        self.doItemsLayout()
        height, item = 4, self.topLevelItem(0)
        while item is not None and height < _MOST_HEIGHT_PX:
            height += self.visualItemRect(item).height()
            item = self.itemBelow(item)
        self.setFixedHeight(min(height, _MOST_HEIGHT_PX))

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
            "duplicate-in-class": self.tr("{count} pictures twice in their class"),
            "duplicate-across-classes": self.tr("{count} pictures in two classes"),
            "duplicate-across-parts": self.tr("{count} pictures on both sides of the split"),
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
    is_option = problem.where.partition(".")[0] in _SECTIONS
    name = "" if is_option else printable(problem.where.rpartition("/")[2])
    parts = [f"{name}: {sentence(problem.message)}" if name else sentence(problem.message), sentence(problem.todo)]
    return printable(" ".join(part for part in parts if part))
