"""One really sampled episode: a row for each class, support in solid frames, queries in outlined ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.thumbnail_view import Frame, paint_thumbnail

_SIDES_PX = (72, 64, 56, 48, 40, 32, 26)
_NAME_WIDTH_PX = 124
_HEAD_PX = 24
_HEAD_WIDTH_PX = 48
_STEP_PX = 4


@dataclass(frozen=True)
class EpisodeRow:
    """A class of the episode.

    Attributes:
        name: What it is called.
        support: Its support files.
        query: Its query files.
        quarter_turns: How often its pictures are turned by 90 degrees, counter-clockwise.
        group: What is shown of the folders around it; it tells classes of one short name apart.
    """

    name: str
    support: tuple[str, ...]
    query: tuple[str, ...]
    quarter_turns: int = 0
    group: str = ""

    @property
    def title(self) -> str:
        """Its name as shown, with the turn."""
        turned = f" ↻{90 * self.quarter_turns}°" if self.quarter_turns else ""
        return printable(self.name.rpartition("/")[2]) + turned


@dataclass(frozen=True)
class _Measures:
    """How the tiles lie: as large as one line of each class allows, wrapped where even the smallest do not fit."""

    side: int
    support_columns: int
    query_columns: int
    lines: int

    @property
    def row_height(self) -> int:
        return self.lines * (self.side + _STEP_PX) + theme.GAP

    @property
    def query_left(self) -> int:
        return _NAME_WIDTH_PX + max(_HEAD_WIDTH_PX, self.support_columns * (self.side + _STEP_PX)) + 2 * theme.GAP


class EpisodeView(QAbstractScrollArea):
    """Shows rows of an episode; only what is seen is painted, so that a thousand ways stay fluid."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[EpisodeRow, ...] = ()
        self._thumbnails = shared_thumbnails()
        self._thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(160)

    def rows(self) -> tuple[EpisodeRow, ...]:
        """Return what is shown."""
        return self._rows

    def set_rows(self, rows: tuple[EpisodeRow, ...]) -> None:
        """Show another episode."""
        self._rows = rows
        names = ", ".join(f"{row.group}/{row.title}" if row.group else row.title for row in rows[:50])
        self.setAccessibleDescription(self.tr("Classes in label order: {names}").format(names=names))
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows:
            return
        measures = self._measures()
        scrolled = self.verticalScrollBar().value()
        self._paint_head(painter, measures, scrolled)
        for number in self._seen(measures):
            row = self._rows[number]
            top = _HEAD_PX + number * measures.row_height - scrolled
            colour = theme.series_colour(number)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            middle = top + measures.side // 2
            painter.drawEllipse(QPoint(5, middle), 5, 5)
            self._paint_name(painter, self._name_place(number, measures), row)
            for area, path, frame in self._tiles(number, measures):
                paint_thumbnail(
                    painter,
                    area,
                    path,
                    self._thumbnails,
                    frame=frame,
                    frame_colour=colour,
                    quarter_turns=row.quarter_turns,
                )

    def _name_place(self, number: int, measures: _Measures) -> QRect:
        top = _HEAD_PX + number * measures.row_height - self.verticalScrollBar().value()
        return QRect(18, top, _NAME_WIDTH_PX - 26, measures.side)

    def _paint_name(self, painter: QPainter, place: QRect, row: EpisodeRow) -> None:
        """Paint the class's name, and below it, quietly, the group that tells it apart."""
        lines = [(row.title, theme.font(), "ink")]
        if row.group:
            lines.append((row.group, theme.font(theme.CAPTION_PX), "quiet"))
        heights = [QFontMetrics(font).height() for _, font, _ in lines]
        top = place.center().y() + 1 - sum(heights) // 2
        for (text, font, colour), height in zip(lines, heights, strict=True):
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(QRect(place.left(), top, place.width(), height), Qt.AlignmentFlag.AlignLeft, shown)
            top += height

    def _paint_head(self, painter: QPainter, measures: _Measures, scrolled: int) -> None:
        painter.setFont(theme.font(theme.CAPTION_PX))
        painter.setPen(theme.colour("quiet"))
        top = -scrolled
        painter.drawText(_NAME_WIDTH_PX, top + 14, self.tr("support"))
        painter.drawText(measures.query_left, top + 14, self.tr("query"))
        painter.setPen(QPen(theme.colour("hairline"), 1))
        x = measures.query_left - theme.GAP - _STEP_PX // 2
        painter.drawLine(x, top, x, top + _HEAD_PX + len(self._rows) * measures.row_height)

    def _measures(self) -> _Measures:
        shots = max(len(row.support) for row in self._rows)
        queries = max(len(row.query) for row in self._rows)
        width = self.viewport().width() - _NAME_WIDTH_PX - 3 * theme.GAP
        height = self.viewport().height() - _HEAD_PX - len(self._rows) * (theme.GAP + _STEP_PX)
        for side in _SIDES_PX:
            is_high = side * len(self._rows) > height and side > 40
            if (shots + queries) * (side + _STEP_PX) <= width and not is_high:
                return _Measures(side, shots, queries, 1)
        side = 32
        columns = max(2, width // (side + _STEP_PX))
        lines, own = min((max(-(-shots // own), -(-queries // (columns - own))), own) for own in range(1, columns))
        return _Measures(side, min(own, shots), columns - own, lines)

    def _seen(self, measures: _Measures) -> range:
        top = self.verticalScrollBar().value() - _HEAD_PX
        first = max(0, top // measures.row_height)
        last = (top + self.viewport().height()) // measures.row_height + 1
        return range(first, min(len(self._rows), last))

    def _tiles(self, number: int, measures: _Measures) -> Iterator[tuple[QRect, str, Frame]]:
        row = self._rows[number]
        top = _HEAD_PX + number * measures.row_height - self.verticalScrollBar().value()
        step = measures.side + _STEP_PX
        for paths, left, columns, frame in (
            (row.support, _NAME_WIDTH_PX, measures.support_columns, Frame.SUPPORT),
            (row.query, measures.query_left, measures.query_columns, Frame.QUERY),
        ):
            for position, path in enumerate(paths):
                line, column = divmod(position, columns)
                yield QRect(left + column * step, top + line * step, measures.side, measures.side), path, frame

    def _fit(self) -> None:
        height = _HEAD_PX + len(self._rows) * self._measures().row_height if self._rows else 0
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(40)
        bar.setRange(0, max(0, height - self.viewport().height()))
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self._rows:
            measures = self._measures()
            for number in self._seen(measures):
                name = printable(self._rows[number].name)
                tips = [(self._name_place(number, measures), name)]
                tips += [(area, f"{name}\n{printable(path)}") for area, path, _ in self._tiles(number, measures)]
                for area, tip in tips:
                    if area.contains(event.pos()):
                        QToolTip.showText(event.globalPos(), tip, self.viewport(), area)
                        return True
            QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: frozenset[str]) -> None:
        if self.isVisible():
            self.viewport().update()
