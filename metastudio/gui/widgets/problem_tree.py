"""Many problems of pictures, grouped by kind with their count; each row leads to what it is about."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, QTimer, Signal, Slot
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
_MADE_AT_ONCE = 50
"""A kind with more rows gets them when it is opened."""
_MOST_HEIGHT_PX = 220
_LEAST_HEIGHT_PX = 72
_MOST_LINES = 4
_SECTIONS = frozenset(ExperimentConfig.model_fields)
_PROBLEM = Qt.ItemDataRole.UserRole + 1
_PROBLEMS = Qt.ItemDataRole.UserRole + 2
_TOGETHER = ("duplicate", "near-duplicate", "class-differs-in-case")
"""Kinds whose places are looked at together; of the others each place is a row."""


class _WrappingDelegate(QStyledItemDelegate):
    """Gives each row the height that its sentence needs."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        tree = self.parent()
        depth = 2 if index.parent().isValid() else 1
        icon_px = 0 if index.parent().isValid() else tree.iconSize().width() + 6
        width = max(60, tree.viewport().width() - depth * tree.indentation() - icon_px - 8)
        text = option.fontMetrics.boundingRect(0, 0, width, 2000, Qt.TextFlag.TextWordWrap, index.data())
        return QSize(width, min(text.height(), _MOST_LINES * option.fontMetrics.lineSpacing()) + 10)


class _ProblemItem(QTreeWidgetItem):
    """A row whose tip is put together when it is asked for."""

    def data(self, column: int, role: int) -> object:
        if role == Qt.ItemDataRole.ToolTipRole:
            return full_sentence(super().data(column, _PROBLEM))
        return super().data(column, role)


class ProblemTree(QTreeWidget):
    """Shows problems, errors first; one row for each kind, opened to see each.

    Signals:
        problem_activated(object): a row was clicked, or Enter pressed on it; its `Problem`.
        problems_chosen(object): another row is current; a tuple of the problems that it stands for, of one kind.
        menu_wanted(object): the menu of the current row is wanted, at this place of the screen.
    """

    problem_activated = Signal(object)
    problems_chosen = Signal(object)
    menu_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problems: tuple[Problem, ...] = ()
        self._wanted_px = 0
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
        self.itemExpanded.connect(self._on_item_expanded)
        self.itemExpanded.connect(self._fit_height)
        self.itemCollapsed.connect(self._fit_height)
        self.currentItemChanged.connect(self._on_current_item_changed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)

    def chosen(self) -> tuple[Problem, ...]:
        """Return the problems that the current row stands for."""
        item = self.currentItem()
        return item.data(0, _PROBLEMS) or () if item is not None else ()

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
            top.setData(0, _PROBLEMS, tuple(same))
            count = sum(map(_row_count, same))
            if count == 1:
                continue
            top.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
            if count <= _MADE_AT_ONCE or code in opened:
                self._on_item_expanded(top)
            top.setExpanded(code in opened)
        self._fit_height()
        self.setAccessibleName(self.tr("{count} problems of the images").format(count=len(problems)))

    @Slot(QTreeWidgetItem)
    def _on_item_expanded(self, top: QTreeWidgetItem) -> None:
        """Make the rows of a kind, once; one alone is said by the row of its kind."""
        same = top.data(0, _PROBLEMS)
        if top.parent() is not None or top.childCount() or sum(map(_row_count, same)) == 1:
            return
        rows = (row for each in same for row in _rows_of(each))
        top.addChildren([self._item(each, text) for each, text in islice(rows, _MOST_ROWS)])
        if (beyond := sum(map(_row_count, same)) - _MOST_ROWS) > 0:
            top.addChild(QTreeWidgetItem([self.tr("and {count} more").format(count=f"{beyond:,}")]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            QTimer.singleShot(0, self, self._fit_height)

    @Slot()
    def _fit_height(self) -> None:
        """Be as high as the rows that are open, up to a limit, less where there is no room; then it scrolls."""
        self.doItemsLayout()
        height, item = 4, self.topLevelItem(0)
        while item is not None and height < _MOST_HEIGHT_PX:
            height += self.visualItemRect(item).height()
            item = self.itemBelow(item)
        self._wanted_px = min(height, _MOST_HEIGHT_PX)
        self.setMaximumHeight(self._wanted_px)
        self.setMinimumHeight(min(self._wanted_px, _LEAST_HEIGHT_PX))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(200, self._wanted_px)

    def _top_items(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(row) for row in range(self.topLevelItemCount())]

    def _item(self, problem: Problem, text: str) -> QTreeWidgetItem:
        item = _ProblemItem([text])
        item.setData(0, _PROBLEM, problem)
        item.setData(0, _PROBLEMS, (problem,))
        return item

    def _title(self, code: str, same: Sequence[Problem]) -> str:
        if len(same) == 1:
            return short_sentence(same[0])
        kinds = {
            "unreadable": self.tr("{count} unreadable"),
            "refused": self.tr("{count} too large, or too long and thin"),
            "duplicate-in-class": self.tr("{count} pictures twice in their class"),
            "duplicate-across-classes": self.tr("{count} pictures in two classes"),
            "duplicate-across-parts": self.tr("{count} pictures on both sides of the split"),
            "near-duplicate-in-class": self.tr("{count} pictures nearly twice in their class"),
            "near-duplicate-across-classes": self.tr("{count} pictures nearly the same in two classes"),
            "near-duplicate-across-parts": self.tr("{count} pictures nearly the same on both sides of the split"),
            "duplicate-class-across-parts": self.tr("{count} times classes of the same content in two parts"),
            "too-few-images": self.tr("{count} classes with too few images"),
            "csv-row": self.tr("{count} rows of a list that cannot be understood"),
            "listed-missing": self.tr("{count} listed pictures that are not there"),
            "listed-elsewhere": self.tr("{count} rows that lead away from their list"),
            "listed-other": self.tr("{count} rows of something else than a picture"),
            "listed-twice": self.tr("{count} pictures listed twice"),
            "listed-in-two-classes": self.tr("{count} pictures listed in two classes"),
        }
        template = kinds.get(code, self.tr("{count} × {kind}"))
        return template.format(count=f"{len(same):,}", kind=code.replace("-", " "))

    @Slot(QTreeWidgetItem, int)
    def _on_item_chosen(self, item: QTreeWidgetItem, _column: int) -> None:
        if item.parent() is None:
            item.setExpanded(True)
        if (problem := item.data(0, _PROBLEM)) is not None:
            self.problem_activated.emit(problem)

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_current_item_changed(self, _item: QTreeWidgetItem | None, _before: QTreeWidgetItem | None) -> None:
        self.problems_chosen.emit(self.chosen())

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        if item := self.itemAt(place):
            self.setCurrentItem(item)
        self.menu_wanted.emit(self.viewport().mapToGlobal(place))


def _row_count(problem: Problem) -> int:
    return 1 if problem.code.startswith(_TOGETHER) else 1 + len(problem.others)


def _rows_of(problem: Problem) -> Iterator[tuple[Problem, str]]:
    """Yield the rows of a problem below its kind, each with its text: one for each place where these are apart."""
    if _row_count(problem) == 1:
        yield problem, short_sentence(problem)
        return
    for place in (problem.where, *problem.others):
        yield replace(problem, where=place, others=()), printable(place.rpartition("/")[2])


def short_sentence(problem: Problem) -> str:
    """Return the `full_sentence` with paths cut to folder and name, which a narrow column has room for."""
    fields = {name: _folder_and_name(value) for name, value in problem.message.fields.items()}
    return full_sentence(replace(problem, message=replace(problem.message, fields=fields)))


def _folder_and_name(value: object) -> object:
    if not isinstance(value, str) or not os.path.isabs(value):  # noqa: PTH117 - any string is a path here
        return value
    return "/".join(value.replace(os.sep, "/").split("/")[-2:])


def full_sentence(problem: Problem) -> str:
    """Return a problem with the name of what it is about, and what to do, translated."""
    is_option = problem.where.partition(".")[0] in _SECTIONS
    is_group = bool(problem.others) and not os.path.isabs(problem.where)  # noqa: PTH117 - a class or group of several
    is_of_many = is_group or "names" in problem.message.fields  # it names them itself
    name = "" if is_option or is_of_many else printable(problem.where.rpartition("/")[2])
    parts = [f"{name}: {sentence(problem.message)}" if name else sentence(problem.message), sentence(problem.todo)]
    return printable(" ".join(part for part in parts if part))
