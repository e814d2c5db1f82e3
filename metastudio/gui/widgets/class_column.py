"""One part of the split as a column: its mark, its classes with three thumbnails each, moved by drag or by key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part
from metastudio.gui import theme
from metastudio.gui.models.class_model import ROW_ROLE, ClassListModel, ClassRow
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import ThumbnailCache, shared_thumbnails
from metastudio.gui.widgets.labels import elided_class_name, label
from metastudio.gui.widgets.thumbnail_view import PictureView, paint_thumbnail, repaint_loaded
from metastudio.gui.wording import counted

PART_MARKS = {Part.META_TRAIN: "●", Part.META_VAL: "◐", Part.META_TEST: "○", None: "–"}
"""The marks of the three parts, the same everywhere, and of what is in none."""

_THUMBNAILS = 3
_NAME_WIDTH_PX = 104
_UPPER = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
_LOWER = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop


class _RowDelegate(QStyledItemDelegate):
    """Paints a class: three thumbnails, its name, below it its group and count."""

    def __init__(self, view: _ClassView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        return QSize(80, max(36, self._view.side_px + theme.GAP))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: ClassRow = index.data(ROW_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect.adjusted(2, 1, -2, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection"))
            painter.drawRoundedRect(area, theme.RADIUS - 2, theme.RADIUS - 2)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(area, theme.RADIUS - 2, theme.RADIUS - 2)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 1))
            painter.drawRoundedRect(area.adjusted(0, 0, -1, -1), theme.RADIUS - 2, theme.RADIUS - 2)
        side = self._view.side_px
        shown = max(1, min(_THUMBNAILS, (area.width() - _NAME_WIDTH_PX) // (side + 2)))
        left = area.left() + theme.TIGHT
        painter.setOpacity(1.0 if row.is_ready else 0.45)
        for path in row.paths[:shown]:
            place = QRect(left, area.center().y() - side // 2 + 1, side, side)
            paint_thumbnail(painter, place, path, self._view.thumbnails, is_filled=True)
            left += side + 2
        self._paint_text(painter, QRect(QPoint(left + 6, area.top()), area.bottomRight() - QPoint(6, 0)), row)
        painter.restore()

    def _paint_text(self, painter: QPainter, area: QRect, row: ClassRow) -> None:
        first, second = QRect(area), QRect(area)
        first.setBottom(area.center().y() + 1)
        second.setTop(area.center().y() + 1)
        painter.setFont(theme.font())
        painter.setPen(theme.colour("ink"))
        text = painter.fontMetrics().elidedText(row.short_name, Qt.TextElideMode.ElideMiddle, area.width())
        painter.drawText(first, _UPPER, text)
        painter.setFont(theme.font(theme.CAPTION_PX, is_tabular=True))
        painter.setPen(theme.colour("quiet"))
        text = self._details(row, painter.fontMetrics(), area.width())
        painter.drawText(second, _LOWER, text)

    def _details(self, row: ClassRow, metrics: QFontMetrics, width: int) -> str:
        """Return group and count; where there is no room the group, which tells the row apart, is shortened last."""
        number = f"{row.count:,}"
        count = counted(row.count, self.tr("1 image"), self.tr("{count} images"))
        if row.members:
            texts = [self._members_text(row, each) for each in (count, number, "")]
            fitting = next((each for each in texts if metrics.horizontalAdvance(each) <= width), texts[-1])
            return metrics.elidedText(fitting, Qt.TextElideMode.ElideRight, width)
        if row.counts_for:
            name = printable(row.counts_for.rpartition("/")[2])
            return metrics.elidedText(
                self.tr("counts for {name}").format(name=name), Qt.TextElideMode.ElideRight, width
            )
        if not row.shown_group:
            return metrics.elidedText(count, Qt.TextElideMode.ElideRight, width)
        for tail in (f" · {count}", f" · {number}"):
            if metrics.horizontalAdvance(row.shown_group + tail) <= width:
                return row.shown_group + tail
        room = width - metrics.horizontalAdvance(tail)
        return elided_class_name(row.shown_group, metrics, room) + tail

    def _members_text(self, row: ClassRow, images: str) -> str:
        """Return how many classes of its group a row stands for, and how many images."""
        if len(row.members) < row.of:
            classes = self.tr("{count} of {total} classes").format(count=len(row.members), total=row.of)
        else:
            classes = counted(row.of, self.tr("1 class"), self.tr("{count} classes"))
        return " · ".join(part for part in (row.shown_group, classes, images) if part)


class _ClassView(QListView):
    """The list of a column.

    Signals:
        names_dropped(object): a tuple of class names was dragged here from another column.
        pictures_dropped(object, object): `(paths, name)`: pictures were dragged onto a class.
        key_wanted(object): `(view, key)` that is not the list's own: M, Delete, Left, Right.
        entered_by_key(): Enter was pressed.
    """

    names_dropped = Signal(object)
    pictures_dropped = Signal(object, object)
    key_wanted = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.side_px = 32
        self.thumbnails: ThumbnailCache = shared_thumbnails()
        self.thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self.is_drop_target = False
        self._picture_target = QPersistentModelIndex()
        self.empty_text = ""
        self.rows_model = ClassListModel(self)
        self.setModel(self.rows_model)
        self.setItemDelegate(_RowDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListView { background: transparent; border: none; }")

    def selected_names(self) -> tuple[str, ...]:
        """Return the selected classes in the order of the list."""
        rows = sorted(each.row() for each in self.selectedIndexes())
        return tuple(name for row in rows for name in self.rows_model.rows()[row].names)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        if event.modifiers() == Qt.KeyboardModifier.NoModifier and event.key() in (
            keys.Key_M,
            keys.Key_Delete,
            keys.Key_Left,
            keys.Key_Right,
        ):
            self.key_wanted.emit(self, event.key())
            return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if isinstance(event.source(), _ClassView):
            event.acceptProposedAction()
            self._set_drop_target(event.source() is not self)
        elif isinstance(event.source(), PictureView):
            event.acceptProposedAction()
        else:
            event.ignore()  # files are for the page

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        are_pictures = isinstance(event.source(), PictureView)
        if isinstance(event.source(), _ClassView) or (are_pictures and self._aim(event.position().toPoint())):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._set_drop_target(False)
        self._aim(None)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_drop_target(False)
        source = event.source()
        if isinstance(source, PictureView) and self._aim(event.position().toPoint()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            name = self._picture_target.data(ROW_ROLE).names[0]
            self._aim(None)
            self.pictures_dropped.emit(source.selected_paths(), name)
            return
        if not isinstance(source, _ClassView):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)  # the other list must not remove rows by itself
        event.accept()
        if source is not self:
            self.names_dropped.emit(source.selected_names())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        is_aimed_at = self._picture_target.isValid()
        if not self.is_drop_target and not is_aimed_at and self.rows_model.rows():
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.viewport().rect().adjusted(4, 2, -5, -5)
        if is_aimed_at:
            painter.setPen(QPen(theme.colour("accent"), 2))
            row = self.visualRect(self.rows_model.index(self._picture_target.row()))
            painter.drawRoundedRect(row.adjusted(2, 1, -3, -2), theme.RADIUS - 2, theme.RADIUS - 2)
        elif self.is_drop_target:
            painter.fillRect(area, theme.translucent(theme.colour("accent"), 0.08))
            painter.setPen(QPen(theme.colour("accent"), 1.4, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        elif self.empty_text:
            painter.setPen(theme.colour("quiet"))
            painter.setFont(theme.font(theme.CAPTION_PX))
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(12, 12, -12, 0), flags, self.empty_text)

    def _aim(self, place: QPoint | None) -> bool:
        """Mark the class at a place as the one that pictures would go to, and say whether there is one."""
        index = QModelIndex() if place is None else self.indexAt(place)
        is_class = index.isValid() and not index.data(ROW_ROLE).members  # a group is no class to put pictures into
        self._picture_target = QPersistentModelIndex(index if is_class else QModelIndex())
        self.viewport().update()
        return self._picture_target.isValid()

    def _set_drop_target(self, is_target: bool) -> None:
        self.is_drop_target = is_target
        self.viewport().update()

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        repaint_loaded(self, paths, self.rows_model.paths_of)


class ClassColumn(QFrame):
    """A part with its classes.

    Attributes:
        part: Which; None is the column of what is not used.
        view: The list; its context menu is the page's.

    Signals:
        current_changed(object): `(column, name)`: another class is current.
        names_dropped(object, object): `(column, names)`: classes were dragged here.
        pictures_dropped(object, object): `(paths, name)`: pictures were dragged onto a class.
        key_wanted(object, object): `(column, key)` that the page handles.
    """

    current_changed = Signal(object, object)
    names_dropped = Signal(object, object)
    pictures_dropped = Signal(object, object)
    key_wanted = Signal(object, object)

    def __init__(self, part: Part | None, title: str, empty_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self.part = part
        self._title_text = title
        self.view = _ClassView()
        self.view.empty_text = empty_text
        self.view.setAccessibleName(title)
        self._mark = label(PART_MARKS[part])
        self._title = label(title, "section")
        self._count = label("", "caption")
        self._counts = "", ""
        head = QHBoxLayout()
        head.setContentsMargins(12, theme.GAP, 12, 0)
        head.setSpacing(6)
        head.addWidget(self._mark)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 0, 2, 2)
        column.setSpacing(theme.TIGHT)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        self.view.names_dropped.connect(self._on_view_names_dropped)
        self.view.pictures_dropped.connect(self.pictures_dropped)
        self.view.key_wanted.connect(self._on_view_key_wanted)
        self.view.selectionModel().currentChanged.connect(self._on_view_current_changed)
        self.setMinimumWidth(150)

    def set_rows(self, rows: list[ClassRow], *, total: int) -> None:
        """Show these classes or groups, of `total` classes that the part has; place and selection stay."""
        bar = self.view.verticalScrollBar()
        place, selected = bar.value(), self.view.selected_names()
        if self.view.rows_model.set_rows(rows):
            self.select(selected, is_scrolled_to=False)
            bar.setValue(place)
        count = counted(total, self.tr("1 class"), self.tr("{count} classes"))
        self._counts = count, f"{total:,}"
        shown = sum(len(row.names) for row in rows)
        if shown != total:
            text = self.tr("{shown} of {total}").format(shown=f"{shown:,}", total=f"{total:,}")
            self._counts = text, text
        self._show_count()
        self.view.setAccessibleName(f"{self._title_text}, {self._counts[0]}")

    def _show_count(self) -> None:
        """Say how many in full where there is room, else the number alone."""
        full, short = self._counts
        has_room = self.width() > self._title.sizeHint().width() + self.fontMetrics().horizontalAdvance(full) + 56
        self._count.setText(full if has_room else short)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_count()

    def select(self, names: tuple[str, ...], *, is_scrolled_to: bool = True) -> None:
        """Select classes by their names; those that are not listed are passed over."""
        wanted = set(names)
        model, selection = self.view.rows_model, self.view.selectionModel()
        selection.clearSelection()
        rows = [number for number, row in enumerate(model.rows()) if not wanted.isdisjoint(row.names)]
        chosen = QItemSelection()
        for first, last in _ranges(rows):
            chosen.select(model.index(first), model.index(last))
        selection.select(chosen, QItemSelectionModel.SelectionFlag.Select)
        if rows:
            selection.setCurrentIndex(model.index(rows[0]), QItemSelectionModel.SelectionFlag.NoUpdate)
            if is_scrolled_to:
                self.view.scrollTo(model.index(rows[0]), QAbstractItemView.ScrollHint.EnsureVisible)

    def set_side(self, side_px: int) -> None:
        """Show larger or smaller thumbnails."""
        self.view.side_px = side_px
        self.view.scheduleDelayedItemsLayout()

    @Slot(object)
    def _on_view_names_dropped(self, names: tuple[str, ...]) -> None:
        self.names_dropped.emit(self, names)

    @Slot(object, object)
    def _on_view_key_wanted(self, _view: _ClassView, key: int) -> None:
        self.key_wanted.emit(self, key)

    @Slot(QModelIndex, QModelIndex)
    def _on_view_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.current_changed.emit(self, current.data(ROW_ROLE).names[0])


def _ranges(rows: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each stretch of rows that follow each other."""
    for _, stretch in groupby(enumerate(rows), lambda each: each[1] - each[0]):
        together = [row for _, row in stretch]
        yield together[0], together[-1]
