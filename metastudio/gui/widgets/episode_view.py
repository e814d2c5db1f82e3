"""One really sampled episode: a row for each class, support in solid frames, queries outlined, pins upon them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.episode_layout import (
    NAME_WIDTH_PX,
    SUPPORT,
    EpisodeLayout,
    EpisodeRow,
    Place,
    nearest,
    places_of,
)
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.thumbnail_view import Frame, paint_thumbnail

_PIN_PX = 14
_STEPS = {
    Qt.Key.Key_Left: QPoint(-1, 0),
    Qt.Key.Key_Right: QPoint(1, 0),
    Qt.Key.Key_Up: QPoint(0, -1),
    Qt.Key.Key_Down: QPoint(0, 1),
}


class EpisodeView(QAbstractScrollArea):
    """Shows rows of an episode; only what is seen is painted, so that a thousand ways stay fluid.

    A click on a picture or a name pins it; with keys: arrows go from one to the next, Space pins.

    Signals:
        pin_toggled(object): the person wants this `Place` to keep what lies there, or no longer.
    """

    pin_toggled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[EpisodeRow, ...] = ()
        self._current = Place(0)
        self._hovered: Place | None = None
        self._thumbnails = shared_thumbnails()
        self._thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(160)

    def rows(self) -> tuple[EpisodeRow, ...]:
        """Return what is shown."""
        return self._rows

    def set_rows(self, rows: tuple[EpisodeRow, ...]) -> None:
        """Show another episode."""
        self._rows = rows
        self._hovered = None
        if not rows or self._current not in places_of(rows, min(self._current.row, len(rows) - 1)):
            self._current = Place(0)
        self._describe()
        self._fit()

    def _describe(self) -> None:
        """Say for those who hear it which classes there are, and what the current place holds."""
        names = ", ".join(f"{row.group}/{row.title}" if row.group else row.title for row in self._rows[:50])
        text = self.tr("Classes in label order: {names}").format(names=names)
        if self._rows and self.hasFocus():
            text = f"{self._about(self._current)}. {text}"
        self.setAccessibleDescription(text)

    def _about(self, place: Place) -> str:
        row = self._rows[place.row]
        if not place.role:
            text = self.tr("Class {name}").format(name=printable(row.name))
        else:
            support, query = self.tr("{name}, support picture {number}"), self.tr("{name}, query {number}")
            text = support if place.role == SUPPORT else query
            text = text.format(name=printable(row.name), number=place.position + 1)
        return self.tr("{what}, pinned").format(what=text) if place[1:] in row.pinned else text

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows:
            return
        layout, scrolled = self._layout(), self.verticalScrollBar().value()
        painter.translate(0, -scrolled)
        self._paint_head(painter, layout)
        for number in layout.seen(len(self._rows), scrolled, self.viewport().height()):
            row, colour = self._rows[number], theme.series_colour(number)
            for place in places_of(self._rows, number):
                area = layout.area(place)
                if not place.role:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(colour)
                    painter.drawEllipse(QPoint(5, area.center().y()), 5, 5)
                    self._paint_name(painter, area.adjusted(18, 0, 0, 0), row)
                else:
                    paint_thumbnail(
                        painter,
                        area,
                        row.files(place.role)[place.position],
                        self._thumbnails,
                        frame=Frame.SUPPORT if place.role == SUPPORT else Frame.QUERY,
                        frame_colour=colour,
                        quarter_turns=row.quarter_turns,
                    )
                self._paint_state(painter, place, area)

    def _paint_state(self, painter: QPainter, place: Place, area: QRect) -> None:
        """Paint what says that a place is pinned, could be with a click, or is the current one."""
        is_pinned = place[1:] in self._rows[place.row].pinned
        if is_pinned or place == self._hovered:
            pin = QRect(0, 0, _PIN_PX, _PIN_PX)
            pin.moveTopRight(area.topRight() if place.role else QPoint(area.right(), area.center().y() - _PIN_PX // 2))
            painter.setPen(QPen(theme.colour("accent"), 1))
            painter.setBrush(theme.colour("accent" if is_pinned else "panel"))
            painter.drawEllipse(pin)
            icon("mdi6.pin", "on_accent" if is_pinned else "accent").paint(painter, pin.adjusted(2, 2, -1, -1))
        if place == self._current and self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(area).adjusted(-1, -1, 1, 1), theme.RADIUS, theme.RADIUS)

    def _paint_name(self, painter: QPainter, place: QRect, row: EpisodeRow) -> None:
        """Paint the class's name, and below it, quietly, the group that tells it apart."""
        lines = [(row.title, theme.font(), "ink")]
        if row.group:
            lines.append((row.group, theme.font(theme.CAPTION_PX), "quiet"))
        heights = [QFontMetrics(font).height() for _, font, _ in lines]
        top = place.center().y() + 1 - sum(heights) // 2
        width = place.width() - (_PIN_PX + 2 if ("", 0) in row.pinned else 0)
        for (text, font, colour), height in zip(lines, heights, strict=True):
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(QRect(place.left(), top, width, height), Qt.AlignmentFlag.AlignLeft, shown)
            top += height

    def _paint_head(self, painter: QPainter, layout: EpisodeLayout) -> None:
        painter.setFont(theme.font(theme.CAPTION_PX))
        painter.setPen(theme.colour("quiet"))
        painter.drawText(NAME_WIDTH_PX, 14, self.tr("support"))
        painter.drawText(layout.query_left, 14, self.tr("query"))
        painter.setPen(QPen(theme.colour("hairline"), 1))
        painter.drawLine(layout.middle_line, 0, layout.middle_line, layout.height(len(self._rows)))

    # where things lie

    def _layout(self) -> EpisodeLayout:
        return EpisodeLayout.of(self._rows, self.viewport().size())

    def _fit(self) -> None:
        height = self._layout().height(len(self._rows)) if self._rows else 0
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(40)
        bar.setRange(0, max(0, height - self.viewport().height()))
        self.viewport().update()

    def _at(self, point: QPoint) -> Place | None:
        """Return what lies at a point of the viewport."""
        if not self._rows:
            return None
        layout, scrolled = self._layout(), self.verticalScrollBar().value()
        inside = point + QPoint(0, scrolled)
        seen = layout.seen(len(self._rows), inside.y(), 1)
        places = (place for number in seen for place in places_of(self._rows, number))
        return next((place for place in places if layout.area(place).contains(inside)), None)

    # the person

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().toPoint())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self._current = place
            self.pin_toggled.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._at(event.position().toPoint()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if self._rows and step is not None:
            self._current = nearest(self._layout(), self._rows, self._current, step)
            area = self._layout().area(self._current)
            bar = self.verticalScrollBar()
            bar.setValue(max(area.bottom() + theme.GAP - bar.pageStep(), min(bar.value(), area.top() - theme.GAP)))
            self._describe()
            self.viewport().update()
        elif self._rows and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.pin_toggled.emit(self._current)
            self._describe()
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            place = self._at(event.pos())
            if place is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._tip(place), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        return super().viewportEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._describe()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._describe()

    def _tip(self, place: Place) -> str:
        row = self._rows[place.row]
        lines = [printable(row.name)]
        if place.role:
            lines.append(printable(row.files(place.role)[place.position]))
        if place[1:] in row.pinned:
            lines.append(self.tr("Pinned: the next episodes keep it here. A click lets go of it."))
        else:
            lines.append(self.tr("A click pins it: the next episodes keep it here. Training knows nothing of pins."))
        return "\n".join(lines)

    def _hover(self, place: Place | None) -> None:
        if place != self._hovered:
            self._hovered = place
            self.viewport().update()

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: frozenset[str]) -> None:
        if self.isVisible():
            self.viewport().update()
