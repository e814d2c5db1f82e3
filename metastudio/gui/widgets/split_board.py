"""The classes of the project in the columns of the three parts, searched, sorted, and moved by drag or by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QSlider, QVBoxLayout, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.gui import commands, theme
from metastudio.gui.models.class_model import ClassOrder, rows_of
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.class_column import ClassColumn
from metastudio.gui.widgets.labels import label

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.documents.project_state import ProjectState

_SIDES_PX = (24, 32, 40, 48, 64, 80, 96)


class SplitBoard(QWidget):
    """A column for each part, and one for what is not used, which is seen only where there is something in it.

    Keys in a column: M moves the selected classes, Delete leaves them out of the project, Left and Right go beside.

    Attributes:
        search: Where a part of a class's name is typed.
        order: How the classes of a column follow each other.
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
        self._shown: tuple[ProjectState, str, int] | None = None
        self.columns = self._make_columns()
        beside = QHBoxLayout()
        beside.setSpacing(theme.GAP)
        for each in self.columns:
            beside.addWidget(each, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(self._make_tools())
        column.addLayout(beside, 1)

    def _make_tools(self) -> QHBoxLayout:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search classes"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search classes"))
        self.search.setToolTip(self.tr("Show only classes whose name contains this (Ctrl+F)"))
        self.search.setMaximumWidth(280)
        self.search.textChanged.connect(self.show_classes)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        self.order = QComboBox()
        self.order.setAccessibleName(self.tr("Sort classes"))
        for order, text in (
            (ClassOrder.NAME, self.tr("sort: name")),
            (ClassOrder.MOST, self.tr("sort: most images")),
            (ClassOrder.FEWEST, self.tr("sort: fewest images")),
        ):
            self.order.addItem(text, order)
        self.order.currentIndexChanged.connect(self.show_classes)
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size.setRange(0, len(_SIDES_PX) - 1)
        self._size.setValue(1)
        self._size.setFixedWidth(96)
        self._size.setAccessibleName(self.tr("Size of thumbnails"))
        self._size.setToolTip(self.tr("Size of thumbnails"))
        self._size.valueChanged.connect(self._on_size_changed)
        calm_wheel(self.order, self._size)
        tools = QHBoxLayout()
        tools.setSpacing(theme.GAP)
        tools.addWidget(self.search, 1)
        tools.addStretch(1)
        tools.addWidget(self.order)
        tools.addSpacing(theme.GAP)
        tools.addWidget(label(self.tr("size"), "quiet"))
        tools.addWidget(self._size)
        return tools

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
        wanted = self._document.state, self.search.text(), self.order.currentIndex()
        if self._shown is not None and self._shown[0] is wanted[0] and self._shown[1:] == wanted[1:]:
            return
        self._shown = wanted
        classes, parts = self._document.state.listed, self._document.parts
        merged = self._document.experiment.data.merged_classes
        counts = {each.name: len(each.files) for each in self._document.used.classes}
        names: dict[Part | None, set[str]] = {column.part: set() for column in self.columns}
        for each in classes:
            part = parts.get(each.name) if each.name in counts else None
            names[part].add(each.name)
        for column in self.columns:
            own = names[column.part]
            rows = rows_of(
                classes,
                counts=counts,
                names=own,
                search=self.search.text(),
                order=ClassOrder(self.order.currentData()),
                merged=merged,
            )
            column.set_rows(rows, total=len(own))
        self.columns[-1].setVisible(bool(names[None]))

    def select(self, name: str) -> None:
        """Select a class wherever it is listed; a search that hides it is cleared."""
        self.search.clear()
        for column in self.columns:
            if column.view.rows_model.position_of(name).isValid():
                column.select((name,))

    # moving

    def move_menu(self, names: Sequence[str], part: Part | None) -> QMenu:
        """Return the menu that moves classes: M, then 1, 2, 3 or 0."""
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
        menu.addSeparator()
        groups = {each.rpartition("/")[0] for each in names} - {""}
        if groups:
            text = self.tr("Select all of {group}").format(group=", ".join(map(printable, sorted(groups)[:3])))
            menu.addAction(text.replace("&", "&&"), lambda: _select_groups(column, groups))
        _popup(menu, column.view.viewport().mapToGlobal(place))

    # looking

    @Slot(object, object)
    def _on_column_current_changed(self, column: ClassColumn, name: str) -> None:
        for other in self.columns:
            if other is not column:
                other.view.clearSelection()
        self.class_chosen.emit(name)

    @Slot(int)
    def _on_size_changed(self, step: int) -> None:
        for column in self.columns:
            column.set_side(_SIDES_PX[step])


def _select_groups(column: ClassColumn, groups: set[str]) -> None:
    names = (row.name for row in column.view.rows_model.rows() if row.group in groups)
    column.select(tuple(names), is_scrolled_to=False)


def _popup(menu: QMenu, place: QPoint) -> None:
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(place)


def _mover(board: SplitBoard, names: tuple[str, ...], part: Part | None) -> Callable[[], None]:
    return lambda: board.move_classes(names, part)
