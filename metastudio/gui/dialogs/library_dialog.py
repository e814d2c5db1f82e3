"""Classes of the library for a target task: which ones, how many pictures as support, how many as queries."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass
from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.labels import WrappingLabel, elided_class_name, label
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail
from metastudio.gui.wording import counted
from metastudio.images.image_index import ImageClass, ImageIndex
from metastudio.images.library_task import library_classes

_CLASS_ROLE = Qt.ItemDataRole.UserRole + 1
_MOST = 1000
_SIDE_PX = 30
_THUMBNAILS = 3


class _RowDelegate(QStyledItemDelegate):
    """Paints a class: three thumbnails and its name."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        return QSize(200, _SIDE_PX + 2 * theme.TIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.colour("selection"))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.colour("accent"))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
        found: ImageClass = index.data(_CLASS_ROLE)
        left, top = option.rect.left() + theme.TIGHT, option.rect.top() + theme.TIGHT
        for file in found.files[:_THUMBNAILS]:
            place = QRect(left, top, _SIDE_PX, _SIDE_PX)
            paint_thumbnail(painter, place, file.path, shared_thumbnails(), is_filled=True)
            left += _SIDE_PX + 2
        area = option.rect.adjusted(0, 0, -theme.GAP, 0)
        area.setLeft(option.rect.left() + _THUMBNAILS * (_SIDE_PX + 2) + 2 * theme.GAP)
        painter.setPen(theme.colour("ink"))
        painter.setFont(theme.font())
        mark, _, name = index.data().partition(" ")
        room = area.width() - painter.fontMetrics().horizontalAdvance(f"{mark} ")
        text = f"{mark} {elided_class_name(name, painter.fontMetrics(), room)}"
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


class LibraryDialog(QDialog):
    """Lets the person choose classes, and gives them as classes of a task.

    Args:
        index: The classes there are.
        parts: The part of each that has one.
        n_shot: How many support pictures it begins with.
        n_query: How many queries.
        parent: The window it belongs to.
    """

    def __init__(
        self,
        index: ImageIndex,
        parts: Mapping[str, Part],
        *,
        n_shot: int,
        n_query: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Classes of the library"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(500, 520)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search classes"))
        self.search.setAccessibleName(self.tr("Search classes"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_changed)
        self.list = QListWidget()
        self.list.setItemDelegate(_RowDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        self.list.setAccessibleName(self.tr("Classes of the library"))
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)
        for each in index.classes:
            self._add_row(each, PART_MARKS[parts.get(each.name)])
        self.list.itemSelectionChanged.connect(self._say)
        self.shots, self.queries = spin_box(1, _MOST), spin_box(0, _MOST)
        self.first = QRadioButton(self.tr("The first pictures of each class"))
        self.random = QRadioButton(self.tr("Pictures at random"))
        self.first.setChecked(True)
        numbers = QHBoxLayout()
        numbers.setSpacing(theme.GAP)
        for title, spin, value in (
            (self.tr("Support"), self.shots, n_shot),
            (self.tr("Queries"), self.queries, n_query),
        ):
            spin.setValue(value)
            spin.setAccessibleName(self.tr("{title}, pictures of each class").format(title=title))
            spin.setToolTip(spin.accessibleName())
            spin.valueChanged.connect(self._say)
            numbers.addWidget(label(title))
            numbers.addWidget(spin)
        numbers.addStretch(1)
        which = QHBoxLayout()
        which.setSpacing(theme.GROUP)
        for button in (self.first, self.random):
            which.addWidget(button)
        which.addStretch(1)
        self.text = WrappingLabel("", "quiet")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.take_button = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.take_button.setText(self.tr("Take them"))
        theme.set_role(self.take_button, "primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GAP)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addLayout(numbers)
        column.addLayout(which)
        column.addWidget(self.text)
        column.addWidget(buttons)
        self._say()

    def classes(self) -> tuple[TargetClass, ...]:
        """Return what was chosen, as classes of a task."""
        seed = secrets.randbits(32) if self.random.isChecked() else None
        return library_classes(self._chosen(), n_shot=self.shots.value(), n_query=self.queries.value(), seed=seed)

    def _chosen(self) -> list[ImageClass]:
        rows = sorted(each.row() for each in self.list.selectionModel().selectedRows())
        return [self.list.item(row).data(_CLASS_ROLE) for row in rows]

    def _add_row(self, each: ImageClass, mark: str) -> None:
        images = counted(len(each.files), self.tr("1 image"), self.tr("{count} images"))
        item = QListWidgetItem(f"{mark} {printable(each.name)} · {images}")
        item.setData(_CLASS_ROLE, each)
        self.list.addItem(item)

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        wanted = text.casefold()
        for row in range(self.list.count()):
            name = self.list.item(row).data(_CLASS_ROLE).name
            self.list.setRowHidden(row, wanted not in name.casefold())

    @Slot()
    def _say(self) -> None:
        chosen = self._chosen()
        needed = self.shots.value() + self.queries.value()
        one = self.tr("1 class: {shots} in support, {queries} as queries.")
        many = self.tr("{count} classes: {shots} in support, {queries} as queries of each.")
        text = self.tr("Choose the classes to tell apart.")
        if chosen:
            text = counted(len(chosen), one, many, shots=self.shots.value(), queries=self.queries.value())
        if small := sum(len(each.files) < needed for each in chosen):
            one, many = self.tr("1 class has fewer pictures"), self.tr("{count} classes have fewer pictures")
            text += " " + self.tr("{small}: support comes first.").format(small=counted(small, one, many))
        self.text.setText(text)
        self.take_button.setEnabled(bool(chosen))
        self.take_button.setToolTip("" if chosen else self.tr("Choose a class first."))

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: frozenset[str]) -> None:
        self.list.viewport().update()
