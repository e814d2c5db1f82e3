"""The shelf of a class bin: the pictures of one role, support or query, dropped, dragged and pasted."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
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
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame

from metastudio.gui import theme
from metastudio.gui.models.bin_contents import SUPPORT
from metastudio.gui.widgets.drop_files import counted_kinds, has_files, image_formats
from metastudio.gui.widgets.thumbnail_view import Frame, PictureView
from metastudio.gui.wording import counted

_MOST_ROWS_SHOWN = 3
SMALLEST_HEIGHT_PX = 56


class PictureShelf(PictureView):
    """The pictures of one role in one bin; takes drops of files and of pictures from other shelves.

    Signals:
        files_dropped(object): a `QMimeData` copy was dropped here.
        pictures_moved(object, object): `(shelf, paths)` that came from another shelf.
        class_chosen(int): selected pictures shall go to the class with this number.
    """

    files_dropped = Signal(object)
    pictures_moved = Signal(object, object)
    class_chosen = Signal(int)

    def __init__(self, role: str, hint: str, side_px: int) -> None:
        super().__init__(side_px=side_px)
        self.role = role
        self.frame = Frame.SUPPORT if role == SUPPORT else Frame.QUERY
        self._hint = hint
        self._drag_hint = ""
        self.setAcceptDrops(True)
        self.setDragEnabled(True)
        self.setDragDropMode(self.DragDropMode.DragDrop)
        self.viewport().setAcceptDrops(True)  # a static list of icons had switched it off, where drops arrive
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListView { background: transparent; border: 1px solid transparent; }")

    def set_hint(self, hint: str) -> None:
        """Say this while the shelf is empty."""
        self._hint = hint
        self.viewport().update()

    def fit_height(self) -> None:
        """Take as many rows as the pictures need, up to three; then it scrolls."""
        rows = min(_MOST_ROWS_SHOWN, max(1, self.rows_for(self.width())))
        self.setFixedHeight(max(SMALLEST_HEIGHT_PX, rows * (self.side_px + 2 * theme.TIGHT) + theme.TIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            QTimer.singleShot(0, self, self.fit_height)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if isinstance(event.source(), PictureShelf):
            event.acceptProposedAction()
            self._set_drag_hint(self._moving_hint(event.source()))
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._set_drag_hint(self._files_hint(event.mimeData()))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if isinstance(event.source(), PictureShelf):
            event.acceptProposedAction()
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._set_drag_hint("")

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_drag_hint("")
        source = event.source()
        if isinstance(source, PictureShelf):
            event.setDropAction(Qt.DropAction.CopyAction)  # the view must not remove rows by itself
            event.accept()
            if source is not self:
                self.pictures_moved.emit(source, source.selected_paths())
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(copied(event.mimeData()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.files_dropped.emit(copied(QGuiApplication.clipboard().mimeData()))
            return
        number = event.key() - Qt.Key.Key_1
        if 0 <= number < 9 and event.modifiers() == Qt.KeyboardModifier.NoModifier and self.selected_paths():
            self.class_chosen.emit(number)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        hint = self._drag_hint or ("" if self.paths() else self._hint)
        if not hint:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.viewport().rect().adjusted(2, 4, -3, -4)
        colour = theme.colour("accent" if self._drag_hint else "hairline")
        if self._drag_hint:
            painter.fillRect(area, theme.translucent(theme.colour("panel"), 0.85))
        pen = QPen(colour, 1.4 if self._drag_hint else 1)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.setPen(theme.colour("accent" if self._drag_hint else "quiet"))
        painter.setFont(theme.font(theme.CAPTION_PX))
        text = painter.fontMetrics().elidedText(hint, Qt.TextElideMode.ElideRight, area.width() - 16)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _set_drag_hint(self, hint: str) -> None:
        self._drag_hint = hint
        self.viewport().update()

    def _moving_hint(self, source: PictureShelf) -> str:
        count = len(source.selected_paths())
        return self.tr("move {count} here").format(count=count) if source is not self else ""

    def _files_hint(self, mime: QMimeData) -> str:
        folders, files = counted_kinds(mime)
        name = self.accessibleName()
        if folders and not files:
            one = self.tr("the pictures of 1 folder → {name}")
            return counted(folders, one, self.tr("the pictures of {count} folders → {name}"), name=name)
        return counted(max(1, files), self.tr("1 picture → {name}"), self.tr("{count} pictures → {name}"), name=name)


def copied(mime: QMimeData) -> QMimeData:
    """Return what matters of dropped data, so that it outlives the drop."""
    copy = QMimeData()
    if mime.hasUrls():
        copy.setUrls(mime.urls())
    if mime.hasImage():
        copy.setImageData(mime.imageData())
    for each in image_formats(mime):
        copy.setData(each, mime.data(each))
    return copy
