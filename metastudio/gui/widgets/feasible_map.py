"""Which K and Q the pictures allow for the chosen N, as a small picture in which a click chooses both."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.gui import theme
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.wording import counted
from metastudio.images.episode_limits import Feasible, Fit

MOST = 1000
"""The most that N, K and Q can be."""

_MOST_SHOTS, _MOST_QUERIES = 20, 30
_DOT_PX = 4.5
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Down: (0, -1),
    Qt.Key.Key_Up: (0, 1),
}


class FeasibleMap(QWidget):
    """K to the right, Q upwards: tinted where every class has K + Q pictures, hatched where small ones must go.

    The dot is what is chosen; a click or the arrow keys choose something else.

    Signals:
        chosen(int, int): the person wants this K and Q.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._allowed = Feasible()
        self._shape = EpisodeSpec()
        self._hovered: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(150, 96)

    def sizeHint(self) -> QSize:
        return QSize(230, 120)

    def set_state(self, allowed: Feasible, shape: EpisodeSpec, part: Part) -> None:
        """Show what a part allows, and the plain three numbers that are chosen for it."""
        self._allowed, self._shape = allowed, shape
        self.setAccessibleName(self.tr("Possible K and Q in {part}").format(part=part.label))
        chosen = self.about(shape.n_shot, shape.n_query)
        most = self.tr("With every class K + Q is at most {most}.").format(most=allowed.n_images)
        keys = self.tr("Arrow keys change K and Q.")
        self.setAccessibleDescription(f"{chosen}. {most} {keys}")
        self.update()

    def about(self, n_shot: int, n_query: int) -> str:
        """Return what stands against a K and Q with the chosen N: one sentence without its point."""
        allowed, n_way, needed = self._allowed, self._shape.n_way, n_shot + n_query
        text = f"N = {n_way}, K = {n_shot}, Q = {n_query}: "
        match allowed.fit(n_way, n_shot, n_query):
            case Fit.ALWAYS:
                return text + self.tr("fits")
            case Fit.WITHOUT_SMALL_CLASSES:
                one = self.tr("fits without {name}, which has {images} pictures")
                many = self.tr("fits without {count} small classes, as {name} with {images} pictures")
                name, images = isolated(allowed.limiting_class), allowed.n_images
                return text + counted(allowed.count_below(needed), one, many, name=name, images=images)
        none, one = self.tr("no class has {needed} pictures"), self.tr("only 1 class has {needed} pictures")
        ways = allowed.ways_with(needed)
        many = none if ways == 0 else self.tr("only {count} classes have {needed} pictures")
        return text + counted(ways, one, many, needed=needed)

    # where things lie

    def _extent(self) -> tuple[int, int]:
        """Return how many K and Q are shown: what is possible and the first that is not, within reason."""
        most = max(2, self._allowed.sizes[-1] if self._allowed.sizes else 2)
        shots = max(min(_MOST_SHOTS, most), self._shape.n_shot + 1)
        return shots, max(min(_MOST_QUERIES, most), self._shape.n_query + 1)

    def _plot(self) -> QRect:
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance("00") + 8
        return self.rect().adjusted(left, 3, -4, -metrics.height() - 2)

    def _cell(self, n_shot: float, n_query: float) -> QRectF:
        plot, (shots, queries) = QRectF(self._plot()), self._extent()
        width, height = plot.width() / shots, plot.height() / queries
        return QRectF(plot.left() + (n_shot - 1) * width, plot.bottom() - n_query * height, width, height)

    def _at(self, place: QPoint) -> tuple[int, int]:
        plot, (shots, queries) = self._plot(), self._extent()
        n_shot = 1 + (place.x() - plot.left()) * shots // max(1, plot.width())
        n_query = 1 + (plot.bottom() - place.y()) * queries // max(1, plot.height())
        return min(shots, max(1, n_shot)), min(queries, max(1, n_query))

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font(theme.CAPTION_PX, is_tabular=True))
        plot, shape, allowed = self._plot(), self._shape, self._allowed
        painter.fillRect(plot, theme.colour("page"))
        possible = allowed.most_images(shape.n_way)
        always = allowed.n_images if possible else 0
        accent = theme.colour("accent")
        hatched = QBrush(theme.translucent(accent, 0.55), Qt.BrushStyle.BDiagPattern)
        self._paint_up_to(painter, possible, hatched)
        self._paint_up_to(painter, always, QBrush(theme.colour("page")))
        self._paint_up_to(painter, always, QBrush(theme.translucent(accent, 0.3)))
        self._paint_edge(painter, possible, QPen(theme.translucent(accent, 0.7), 1))
        self._paint_edge(painter, always, QPen(accent, 1.4))
        painter.setPen(QPen(theme.colour("scroll"), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.bottomLeft())
        self._paint_numbers(painter, plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._hovered is not None:
            painter.setPen(QPen(theme.colour("ink"), 1))
            painter.drawRect(self._cell(*self._hovered))
        self._paint_chosen(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(accent, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def _paint_up_to(self, painter: QPainter, most: int, brush: QBrush) -> None:
        """Fill every cell with K + Q ≤ most, a column at a time."""
        shots, queries = self._extent()
        for n_shot in range(1, min(shots, most - 1) + 1):
            top = min(queries, most - n_shot)
            painter.fillRect(self._cell(n_shot, top).united(self._cell(n_shot, 1)), brush)

    def _paint_edge(self, painter: QPainter, most: int, pen: QPen) -> None:
        """Draw the stairs where K + Q = most ends."""
        shots, queries = self._extent()
        painter.setPen(pen)
        for n_shot in range(1, min(shots, most - 1) + 1):
            n_query = most - n_shot
            if n_query <= queries:
                cell = self._cell(n_shot, n_query)
                painter.drawLine(cell.topLeft(), cell.topRight())
                painter.drawLine(cell.topRight(), cell.bottomRight())

    def _paint_numbers(self, painter: QPainter, plot: QRect) -> None:
        (shots, queries), align = self._extent(), Qt.AlignmentFlag
        painter.setPen(theme.colour("quiet"))
        below = QRect(plot.left(), plot.bottom() + 1, plot.width(), self.height() - plot.bottom() - 1)
        beside = QRect(0, plot.top() - 3, plot.left() - 4, plot.height() + 6)
        painter.drawText(below, align.AlignLeft | align.AlignTop, "1")
        painter.drawText(below, align.AlignRight | align.AlignTop, str(shots))
        painter.drawText(below, align.AlignHCenter | align.AlignTop, "K →")
        painter.drawText(beside, align.AlignRight | align.AlignBottom, "1")
        painter.drawText(beside, align.AlignRight | align.AlignTop, str(queries))
        painter.drawText(beside, align.AlignRight | align.AlignVCenter, "Q↑")

    def _paint_chosen(self, painter: QPainter) -> None:
        """Paint the chosen point: a dot where it fits, a cross where it does not."""
        middle = self._cell(self._shape.n_shot, self._shape.n_query).center()
        fits = self._allowed.fit(self._shape.n_way, self._shape.n_shot, self._shape.n_query) is Fit.ALWAYS
        if fits:
            painter.setPen(QPen(theme.colour("panel"), 1.5))
            painter.setBrush(theme.colour("accent"))
            painter.drawEllipse(middle, _DOT_PX, _DOT_PX)
            return
        for colour, width in (("panel", 5), ("bad", 2.4)):
            painter.setPen(QPen(theme.colour(colour), width, c=Qt.PenCapStyle.RoundCap))
            for way in (1, -1):
                painter.drawLine(middle - QPointF(_DOT_PX, way * _DOT_PX), middle + QPointF(_DOT_PX, way * _DOT_PX))

    # the person

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.about(*self._at(event.pos())), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().toPoint())
        if place != self._hovered:
            self._hovered = place
            if QToolTip.isVisible():
                QToolTip.showText(event.globalPosition().toPoint(), self.about(*place), self)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered = None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(*self._at(event.position().toPoint()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        values = (self._shape.n_shot + step[0], self._shape.n_query + step[1])
        if min(values) >= 1 and max(values) <= MOST:
            self.chosen.emit(*values)
