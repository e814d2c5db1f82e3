"""Pictures in a grid: thumbnails that come as they are decoded, selected and dragged, fluid with many thousands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import Enum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QPainter, QPainterPath, QPen, QPixmap, QPixmapCache
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import ThumbnailCache, shared_thumbnails
from metastudio.gui.models.thumbnail_model import PATH_ROLE, PictureListModel
from metastudio.gui.widgets.icons import icon

_FRAME_RADIUS = 4
_SMOOTH = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
_LOOK_EVERY = 16
"""Rows; asking a list where a row lies takes longer than looking whether it is meant."""


class Frame(Enum):
    """What a picture's frame says: support is solid, query is outlined, everywhere."""

    PLAIN = "plain"
    SUPPORT = "support"
    QUERY = "query"


def paint_thumbnail(
    painter: QPainter,
    area: QRect,
    path: str,
    thumbnails: ThumbnailCache,
    *,
    frame: Frame = Frame.PLAIN,
    frame_colour: QColor | None = None,
    quarter_turns: int = 0,
    is_filled: bool = False,
) -> None:
    """Paint a file's thumbnail: its picture, a quiet square while it loads, or a mark that it cannot be read.

    Args:
        painter: Where to.
        area: The square it fills; the frame lies inside.
        path: The file.
        thumbnails: Where pictures come from.
        frame: Its kind.
        frame_colour: Colour of a support or query frame, as the class has.
        quarter_turns: How often the picture is turned by 90 degrees, counter-clockwise.
        is_filled: Whether the middle fills the square, as in small rows, instead of everything being seen.
    """
    found = thumbnails.get(path, max(area.width(), area.height()))
    margin = 0 if frame is Frame.PLAIN else 3
    inside = area.adjusted(margin, margin, -margin, -margin)
    if found is not None and found.problem is None and quarter_turns:
        painter.save()
        painter.setRenderHints(_SMOOTH)
        _paint_rounded(painter, inside, found.pixmap, quarter_turns, is_filled)
        painter.restore()
    else:
        pixmap = QPixmap() if found is None else found.pixmap
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)  # the other screen may have larger pixels
        painter.drawPixmap(inside.topLeft(), _rounded(pixmap, inside.size(), is_filled))
    if found is not None and found.problem is not None:
        side = min(24, inside.width() // 2)
        mark = QRect(0, 0, side, side)
        mark.moveCenter(inside.center())
        icon("mdi6.image-broken-variant", "warning").paint(painter, mark)
    if frame is not Frame.PLAIN:
        _paint_frame(painter, area, frame, frame_colour or theme.colour("ink"))


def _paint_frame(painter: QPainter, area: QRect, frame: Frame, colour: QColor) -> None:
    painter.save()
    painter.setRenderHints(_SMOOTH)
    pen = QPen(colour, 2 if frame is Frame.SUPPORT else 1.2)
    if frame is Frame.QUERY:
        pen.setStyle(Qt.PenStyle.DashLine)
        pen.setDashPattern([2.5, 2.5])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(area).adjusted(1, 1, -1, -1), _FRAME_RADIUS, _FRAME_RADIUS)
    painter.restore()


def _shape(inside: QRect) -> QPainterPath:
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(inside), _FRAME_RADIUS - 1, _FRAME_RADIUS - 1)
    return shape


def _rounded(pixmap: QPixmap, size: QSize, is_filled: bool) -> QPixmap:
    """Return the picture as it is painted, with its corners and outline, or a quiet square where there is none yet.

    It is painted once, for scrolling paints it often.

    Qt's own cache keeps it, which is bounded (10 MB).
    """
    scale = QGuiApplication.instance().devicePixelRatio()
    key = f"{pixmap.cacheKey()} {size.width()} {size.height()} {scale} {is_filled} {theme.tokens().hover}"
    made = QPixmap()
    if QPixmapCache.find(key, made):
        return made
    made = QPixmap(round(size.width() * scale), round(size.height() * scale))
    made.setDevicePixelRatio(scale)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHints(_SMOOTH)
    area = QRect(0, 0, size.width(), size.height())
    if pixmap.isNull():
        painter.fillPath(_shape(area), theme.colour("hover"))
    else:
        _paint_rounded(painter, area, pixmap, 0, is_filled)
    painter.end()
    QPixmapCache.insert(key, made)
    return made


def _paint_rounded(painter: QPainter, inside: QRect, pixmap: QPixmap, quarter_turns: int, is_filled: bool) -> None:
    shape = _shape(inside)
    painter.setClipPath(shape)
    _paint_pixmap(painter, inside, pixmap, quarter_turns, is_filled)
    painter.setClipping(False)
    painter.setPen(QPen(theme.translucent(theme.colour("ink"), 0.12), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(shape)


def _paint_pixmap(painter: QPainter, inside: QRect, pixmap: QPixmap, quarter_turns: int, is_filled: bool) -> None:
    mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding if is_filled else Qt.AspectRatioMode.KeepAspectRatio
    if not is_filled:
        painter.fillRect(inside, theme.colour("hover"))
    target = QRect(0, 0, 0, 0)
    target.setSize(pixmap.size().scaled(inside.size(), mode))
    target.moveCenter(inside.center())
    painter.save()
    if quarter_turns:
        painter.translate(QRectF(inside).center())
        painter.rotate(-90 * quarter_turns)
        painter.translate(-QRectF(inside).center())
    painter.drawPixmap(target, pixmap)
    painter.restore()


class _ThumbnailDelegate(QStyledItemDelegate):
    """Paints one picture of the grid."""

    def __init__(self, view: PictureView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        side = self._view.side_px + 2 * theme.TIGHT
        return QSize(side, side)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        path = index.data(PATH_ROLE)
        area = option.rect.adjusted(theme.TIGHT, theme.TIGHT, -theme.TIGHT, -theme.TIGHT)
        is_quiet = path in self._view.quiet_paths
        painter.setOpacity(0.3 if is_quiet else 1.0)
        paint_thumbnail(
            painter, area, path, self._view.thumbnails, frame=self._view.frame, frame_colour=self._view.frame_colour
        )
        painter.setOpacity(1.0)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        has_focus = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if is_selected or has_focus:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour("accent"), 2 if is_selected else 1))
            painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), _FRAME_RADIUS + 2, _FRAME_RADIUS + 2)
            painter.restore()


class PictureView(QListView):
    """A grid of thumbnails of files.

    Attributes:
        side_px: Side of a thumbnail.
        frame: The kind of frame around each.
        frame_colour: Its colour, or None.
        quiet_paths: Files painted faintly, as those excluded.

    Signals:
        removal_wanted(object): a tuple of paths: the person pressed Delete.
        opened(object): a path: double click or Enter.
    """

    removal_wanted = Signal(object)
    opened = Signal(object)

    def __init__(
        self, parent: QWidget | None = None, *, side_px: int = 64, thumbnails: ThumbnailCache | None = None
    ) -> None:
        super().__init__(parent)
        self.side_px = side_px
        self.frame = Frame.PLAIN
        self.frame_colour: QColor | None = None
        self.quiet_paths: frozenset[str] = frozenset()
        self.thumbnails = thumbnails or shared_thumbnails()
        self.thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self._model = PictureListModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_ThumbnailDelegate(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(2000)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(False)
        self.activated.connect(self._on_activated)

    def paths(self) -> tuple[str, ...]:
        """Return the files that are shown."""
        return self._model.paths()

    def set_paths(self, paths: Sequence[str]) -> None:
        """Show these files."""
        self._model.set_paths(paths)

    def selected_paths(self) -> tuple[str, ...]:
        """Return the selected files in their order."""
        rows = sorted(each.row() for each in self.selectedIndexes())
        return tuple(self._model.paths()[row] for row in rows)

    def select_path(self, path: str) -> None:
        """Select one file and scroll to it."""
        if path in self._model.paths():
            self.setCurrentIndex(self._model.index(self._model.paths().index(path)))

    def set_side(self, side_px: int) -> None:
        """Show larger or smaller thumbnails."""
        if side_px != self.side_px:
            self.side_px = side_px
            self.scheduleDelayedItemsLayout()

    def rows_for(self, width_px: int) -> int:
        """Return how many rows the files take in a view of this width."""
        per_row = max(1, (width_px - 8) // (self.side_px + 2 * theme.TIGHT))
        return -(-len(self.paths()) // per_row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.selected_paths():
            self.removal_wanted.emit(self.selected_paths())
            return
        super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(index.data(PATH_ROLE))

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        repaint_loaded(self, paths, self._model.paths_of)


def repaint_loaded(view: QListView, paths: frozenset[str], paths_of: Callable[[int], Collection[str]]) -> None:
    """Paint those items anew that are seen and show one of these files.

    Args:
        view: Its items follow each other from the top.
        paths: What can be shown now.
        paths_of: The files that the item of a row shows.
    """
    if not view.isVisible():
        return
    port, model = view.viewport(), view.model()
    first = view.indexAt(QPoint(port.width() - 3 if view.isRightToLeft() else 2, 1))
    if not first.isValid():
        port.update()
        return
    for row in range(first.row(), model.rowCount()):
        is_meant = not paths.isdisjoint(paths_of(row))
        if not is_meant and row % _LOOK_EVERY:
            continue
        area = view.visualRect(model.index(row, 0))
        if area.top() > port.height():
            return
        if is_meant:
            port.update(area)


def reason_for(path: str, thumbnails: ThumbnailCache, side_px: int) -> str:
    """Return why a picture cannot be shown, or an empty text."""
    found = thumbnails.get(path, side_px)
    return printable(str(found.problem.message)) if found and found.problem else ""
