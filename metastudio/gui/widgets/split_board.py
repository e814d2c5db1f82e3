"""The classes of the project in the columns of the three parts, searched, sorted, and moved by drag or by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.gui import commands, theme
from metastudio.gui.models.class_model import ClassOrder, ClassRow, rows_of
from metastudio.gui.models.group_rows import group_rows, group_sizes
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.board_tools import BoardTools
from metastudio.gui.widgets.class_column import ClassColumn
from metastudio.images.image_index import ImageIndex, group_of
from metastudio.images.split_guard import divided_groups

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.documents.project_state import ProjectState


class SplitBoard(QWidget):
    """A column for each part, and one for what is not used, which is seen only where there is something in it.

    Keys in a column: M moves the selected classes, Delete leaves them out of the project, Left and Right go beside.

    Attributes:
        tools: What is searched, and how classes are shown.
        columns: meta-train, meta-val, meta-test, not used.

    Signals:
        class_chosen(object): the name of the class that is current now.
        class_entered(): the person wants to see the pictures of the current class.
    """

    class_chosen = Signal(object)
    class_entered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self._shown: tuple[ProjectState, ImageIndex, str, int, bool] | None = None
        self.tools = BoardTools()
        self.tools.changed.connect(self.show_classes)
        self.tools.size_changed.connect(self._on_size_changed)
        self.tools.found_wanted.connect(self._on_found_wanted)
        self.search, self.order = self.tools.search, self.tools.order
        self.columns = self._make_columns()
        beside = QHBoxLayout()
        beside.setSpacing(theme.GAP)
        for each in self.columns:
            beside.addWidget(each, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.tools)
        column.addLayout(beside, 1)

    def _make_columns(self) -> list[ClassColumn]:
        hint = self.tr("drag classes here, or select some and press M")
        columns = [
            ClassColumn(Part.META_TRAIN, self.tr("meta-train"), hint),
            ClassColumn(Part.META_VAL, self.tr("meta-val"), hint),
            ClassColumn(Part.META_TEST, self.tr("meta-test"), hint),
            ClassColumn(None, self.tr("not used"), ""),
        ]
        for column in columns:
            column.current_changed.connect(self._on_column_current_changed)
            column.names_dropped.connect(self._on_column_names_dropped)
            column.pictures_dropped.connect(self._on_column_pictures_dropped)
            column.key_wanted.connect(self._on_column_key_wanted)
            column.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            column.view.customContextMenuRequested.connect(self._on_column_menu_wanted)
            column.view.activated.connect(self.class_entered)
        columns[0].setToolTip(self.tr("The model learns from these classes"))
        columns[1].setToolTip(self.tr("These classes choose the best state of the model"))
        columns[2].setToolTip(self.tr("Kept unseen for the final number"))
        columns[3].setToolTip(self.tr("Excluded, merged into another class, or in no part of the split"))
        return columns

    def set_document(self, document: ProjectDocument | None) -> None:
        """Take the classes of another project; `show_classes` shows them."""
        self._document = document
        self._shown = None

    @Slot()
    def show_classes(self) -> None:
        """Show the classes as they are dealt now."""
        if self._document is None:
            return
        sizes = group_sizes(self._document.used.classes)
        self.tools.set_groups(len(sizes))
        shows_groups, search, order = self.tools.shows_groups, self.search.text(), ClassOrder(self.order.currentData())
        order_index, readable = self.order.currentIndex(), self._document.readable
        wanted = self._document.state, readable, search, order_index, shows_groups
        known = self._shown
        if known is not None and known[0] is wanted[0] and known[1] is wanted[1] and known[2:] == wanted[2:]:
            return
        self._shown = wanted
        classes, parts = self._document.state.listed, self._document.parts
        merged = self._document.experiment.data.merged_classes
        counts = {each.name: len(each.files) for each in self._document.used.classes}
        part_of = {each.name: parts.get(each.name) if each.name in counts else None for each in classes}
        totals = Counter(part_of.values())
        dealt: dict[Part | None, list[ClassRow]] = {column.part: [] for column in self.columns}
        for row in rows_of(
            classes,
            counts=counts,
            search="" if shows_groups else search,
            order=ClassOrder.NAME if shows_groups else order,
            merged=merged,
            shown={each.name: each.file_list for each in self._document.readable.classes},
        ):
            dealt[part_of[row.name]].append(row)
        for column in self.columns:
            rows = dealt[column.part]
            if shows_groups:
                rows = group_rows(rows, sizes, search=search, order=order)
            column.set_rows(rows, total=totals[column.part])
        self.columns[-1].setVisible(bool(totals[None]))
        self.tools.show_found(sum(len(each) for each in self._found().values()))

    def select(self, name: str) -> str:
        """Select a class, or all classes of a group, and return the first; a search that hides them is cleared.

        Of a group that lies in several columns that is where fewest are.
        """
        self.search.clear()
        found = {}
        for column in self.columns:
            names = [each for row in column.view.rows_model.rows() for each in row.names]
            own = tuple(each for each in names if each == name or each.startswith(f"{name}/"))
            if own:
                found[column] = (name,) if name in own else own
        if not found:
            return ""
        column = min(found, key=lambda each: len(found[each]))
        column.select(found[column])
        self._let_go_beside(column)
        return found[column][0]

    def _found(self) -> dict[ClassColumn, tuple[str, ...]]:
        """Return what each column lists."""
        return {
            column: tuple(name for row in column.view.rows_model.rows() for name in row.names)
            for column in self.columns
        }

    # moving

    def move_menu(self, names: Sequence[str], part: Part | Literal["several"] | None) -> QMenu:
        """Return the menu that moves classes of a part, or of "several": M, then 1, 2, 3 or 0."""
        menu = QMenu(self)
        titles = {
            Part.META_TRAIN: self.tr("&1  ● Move to meta-train"),
            Part.META_VAL: self.tr("&2  ◐ Move to meta-val"),
            Part.META_TEST: self.tr("&3  ○ Move to meta-test"),
            None: self.tr("&0  – Exclude from the project"),
        }
        for target, text in titles.items():
            action = QAction(text, menu)
            action.setEnabled(target is not part)
            action.triggered.connect(_mover(self, tuple(names), target))
            menu.addAction(action)
        return menu

    def move_classes(self, names: Sequence[str], part: Part | None) -> None:
        """Put classes into a part, or leave them out of the project."""
        if self._document is None or not names:
            return
        if part is None:
            commands.exclude_classes(self._document, names=names)
        else:
            commands.move_classes(self._document, names=names, part=part)
        column = next(each for each in self.columns if each.part is part)
        column.select(tuple(names))
        self._let_go_beside(column)

    @Slot(object, object)
    def _on_column_names_dropped(self, column: ClassColumn, names: tuple[str, ...]) -> None:
        self.move_classes(names, column.part)

    @Slot(object, object)
    def _on_column_pictures_dropped(self, paths: tuple[str, ...], name: str) -> None:
        if self._document is not None and paths:
            commands.move_files(self._document, paths=paths, to=name)

    @Slot(object, object)
    def _on_column_key_wanted(self, column: ClassColumn, key: int) -> None:
        names = column.view.selected_names()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._go_beside(column, -1 if key == Qt.Key.Key_Left else 1)
        elif key == Qt.Key.Key_Delete and names and column.part is not None:
            self.move_classes(names, None)
        elif key == Qt.Key.Key_M and names:
            menu = self.move_menu(names, column.part)
            place = column.view.visualRect(column.view.currentIndex()).bottomLeft()
            _popup(menu, column.view.viewport().mapToGlobal(place))

    def _go_beside(self, column: ClassColumn, step: int) -> None:
        seen = [each for each in self.columns if each.isVisibleTo(self)]
        place = seen.index(column) + step
        if 0 <= place < len(seen):
            view = seen[place].view
            view.setFocus(Qt.FocusReason.OtherFocusReason)
            if not view.selected_names() and view.model().rowCount():
                view.setCurrentIndex(view.model().index(0))

    @Slot(QPoint)
    def _on_column_menu_wanted(self, place: QPoint) -> None:
        column = next(each for each in self.columns if each.view is self.sender())
        names = column.view.selected_names()
        if not names:
            return
        menu = self.move_menu(names, column.part)
        groups = {group_of(each) for each in names} - {""}
        menu.addSeparator()
        if self._document is not None and column.part is not None:
            for group in sorted(groups & divided_groups(self._document.parts).keys())[:3]:
                text = self.tr("Bring all of {group} here").format(group=printable(group.rpartition("/")[2]))
                whole = [name for name in self._document.parts if group_of(name) == group]
                menu.addAction(text.replace("&", "&&"), _mover(self, tuple(whole), column.part))
        if groups and not self.tools.shows_groups:
            text = self.tr("Select all of {group}").format(group=", ".join(map(printable, sorted(groups)[:3])))
            menu.addAction(text.replace("&", "&&"), lambda: _select_groups(column, groups))
        _popup(menu, column.view.viewport().mapToGlobal(place))

    @Slot()
    def _on_found_wanted(self) -> None:
        found = {column.part: names for column, names in self._found().items() if names}
        if found:
            part: Part | Literal["several"] | None = next(iter(found)) if len(found) == 1 else "several"
            menu = self.move_menu([name for names in found.values() for name in names], part)
            _popup(menu, self.tools.found_button.mapToGlobal(self.tools.found_button.rect().bottomLeft()))

    # looking

    @Slot(object, object)
    def _on_column_current_changed(self, column: ClassColumn, name: str) -> None:
        self._let_go_beside(column)
        self.class_chosen.emit(name)

    def _let_go_beside(self, column: ClassColumn) -> None:
        """Leave one column with a selection, for one list of classes is moved at a time."""
        for other in self.columns:
            if other is not column:
                other.view.clearSelection()

    @Slot(object)
    def _on_size_changed(self, side_px: int) -> None:
        for column in self.columns:
            column.set_side(side_px)


def _select_groups(column: ClassColumn, groups: set[str]) -> None:
    names = (row.name for row in column.view.rows_model.rows() if row.group in groups)
    column.select(tuple(names), is_scrolled_to=False)


def _popup(menu: QMenu, place: QPoint) -> None:
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(place)


def _mover(board: SplitBoard, names: tuple[str, ...], part: Part | None) -> Callable[[], None]:
    return lambda: board.move_classes(names, part)
