"""The queries of a try-out: a picture, its probabilities as bars, what became of the answer; judged with one key."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from metastudio.gui import theme
from metastudio.gui.documents.try_out import NONE_OF_THESE
from metastudio.gui.models.query_list_model import QUERY_ROLE, Query, QueryListModel
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.class_bin import copied
from metastudio.gui.widgets.drop_files import counted_kinds, has_files
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.probability_bars import bars_height, paint_bars
from metastudio.gui.widgets.thumbnail_view import Frame, paint_thumbnail
from metastudio.gui.wording import counted

_PICTURE_PX = 60
_VERDICT_PX = 104
_ICON_PX = 16


class QueryView(QListView):
    """A list of queries that takes drops.

    Keys: Enter accepts the answer, 1 to 9 say which class it is, 0 says none of these, Delete removes, Ctrl+V pastes.

    Signals:
        accepted(object): the answer about this path is right.
        corrected(object, int): this path is of the class with this number, -1 for none of these.
        removed(object): a tuple of paths that shall not be asked about any more.
        files_dropped(object): a `QMimeData` with files or pixels.
    """

    accepted = Signal(object)
    corrected = Signal(object, int)
    removed = Signal(object)
    files_dropped = Signal(object)

    def __init__(self, model: QueryListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_QueryDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("Queries"))
        self.setAccessibleDescription(
            self.tr("Enter accepts an answer, 1 to 9 say which class it is, 0 says none of these, Delete removes.")
        )
        self._drag_hint = ""
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)

    def selected(self) -> tuple[Query, ...]:
        """Return the selected rows, from the top."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(self.model().query(row) for row in rows)

    def go_on(self) -> None:
        """Select the next query that nobody judged."""
        count, here = self.model().rowCount(), self.currentIndex().row()
        for row in [*range(here + 1, count), *range(here)]:
            query = self.model().query(row)
            if query.was_right is None and query.answer is not None:
                self.setCurrentIndex(self.model().index(row, 0))
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        query = next(iter(self.selected()), None)
        number = event.key() - Qt.Key.Key_1
        is_plain = event.modifiers() in {Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier}
        if event.matches(QKeySequence.StandardKey.Paste):
            self.files_dropped.emit(copied(QGuiApplication.clipboard().mimeData()))
        elif query is None or not is_plain:
            super().keyPressEvent(event)
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.accepted.emit(query.path)
        elif event.key() == Qt.Key.Key_0:
            self.corrected.emit(query.path, -1)
        elif 0 <= number < min(9, len(query.names)):
            self.corrected.emit(query.path, number)
        elif event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.removed.emit(tuple(each.path for each in self.selected()))
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            folders, files = counted_kinds(event.mimeData())
            one, many = self.tr("1 picture → queries"), self.tr("{count} pictures → queries")
            if folders and not files:
                one = self.tr("the pictures of 1 folder → queries")
                many = self.tr("the pictures of {count} folders → queries")
            self._drag_hint = counted(max(1, files or folders), one, many)
            self.viewport().update()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: ARG002
        self._drag_hint = ""
        self.viewport().update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drag_hint = ""
        self.viewport().update()
        if has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(copied(event.mimeData()))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        idle = "" if self.model().rowCount() else self.tr("Drop pictures here to ask what they are")
        hint = self._drag_hint or idle
        if not hint:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.viewport().rect().adjusted(8, 8, -9, -9)
        if self._drag_hint:
            painter.fillRect(area, theme.translucent(theme.colour("panel"), 0.85))
        pen = QPen(theme.colour("accent" if self._drag_hint else "scroll"), 1.4)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.setPen(theme.colour("accent" if self._drag_hint else "quiet"))
        painter.setFont(theme.font())
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, hint)

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: object) -> None:
        self.viewport().update()


class _QueryDelegate(QStyledItemDelegate):
    """Paints one query."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        query: Query = index.data(QUERY_ROLE)
        return QSize(200, max(_PICTURE_PX, bars_height(len(query.names))) + 2 * theme.GAP)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        query: Query = index.data(QUERY_ROLE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.colour("selection"))
        area = option.rect.adjusted(theme.GAP, theme.GAP, -theme.GAP, -theme.GAP)
        picture = QRect(area.left(), area.top(), _PICTURE_PX, _PICTURE_PX)
        number = query.names.index(query.answer) if query.answer in query.names else -1
        painted = theme.series_colour(number) if number >= 0 else theme.colour("quiet")
        paint_thumbnail(painter, picture, query.path, shared_thumbnails(), frame=Frame.QUERY, frame_colour=painted)
        verdict = QRect(area.right() - _VERDICT_PX, area.top(), _VERDICT_PX, area.height())
        middle = QRect(picture.right() + 12, area.top(), verdict.left() - picture.right() - 24, area.height())
        painter.setFont(theme.font())
        if query.probabilities:
            is_unknown = query.answer == NONE_OF_THESE
            middle.adjust(0, max(0, (_PICTURE_PX - bars_height(len(query.names))) // 2), 0, 0)
            names = tuple(map(printable, query.names))
            paint_bars(painter, middle, names, query.probabilities, is_unknown=is_unknown)
        else:
            painter.setPen(theme.colour("warning" if query.problem else "quiet"))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            painter.drawText(middle, flags, f"⚠ {query.problem}" if query.problem else self.tr("…"))
        self._paint_verdict(painter, verdict, query, index.model())
        painter.setPen(theme.colour("hairline"))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        painter.restore()

    def _paint_verdict(self, painter: QPainter, area: QRect, query: Query, model: QueryListModel) -> None:
        lines: list[tuple[str, str, str]] = []
        if query.answer == NONE_OF_THESE:
            lines.append(("mdi6.help-circle-outline", "quiet", self.tr("none of these")))
        if query.was_right is not None:
            name, token = ("mdi6.check", "good") if query.was_right else ("mdi6.pencil", "warning")
            lines.append((name, token, model.verdict(query)))
        top = area.top() + max(0, (_PICTURE_PX - len(lines) * 2 * _ICON_PX) // 2)
        for name, token, text in lines:
            icon(name, token).paint(painter, QRect(area.left(), top, _ICON_PX, _ICON_PX))
            painter.setPen(theme.colour(token))
            place = QRect(area.left() + _ICON_PX + 4, top - 2, area.width() - _ICON_PX - 4, 2 * _ICON_PX + 4)
            painter.drawText(place, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, text)
            top += 2 * _ICON_PX


def paths_of(queries: Sequence[Query]) -> tuple[str, ...]:
    """Return the pictures of some rows."""
    return tuple(each.path for each in queries)
