"""Probabilities of the classes as bars that keep their places: a class has the same line and colour in every answer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.labels import elided_class_name

LINE_PX = 20
_BAR_PX = 8
_PERCENT_PX = 48
_MOST_NAME_PX = 132


def bars_height(count: int) -> int:
    """Return how high the bars of `count` classes are, in pixels."""
    return max(1, count) * theme.scaled_px(LINE_PX)


def name_width(names: Sequence[str], metrics: QFontMetrics) -> int:
    """Return how wide the column of names is, in pixels: the longest, up to a limit."""
    return min(_MOST_NAME_PX, max((metrics.horizontalAdvance(name) for name in names), default=0)) + theme.GAP


def paint_bars(
    painter: QPainter, rect: QRect, names: Sequence[str], probabilities: Sequence[float], *, is_unknown: bool = False
) -> None:
    """Paint one line for each class, in the order given: name, bar, percent.

    `is_unknown` paints all of them quietly, because the highest is not believed.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    regular, strong = theme.font(is_tabular=True), theme.font(is_semibold=True, is_tabular=True)
    metrics = QFontMetrics(strong)
    name_px = name_width(names, metrics)
    line_px = theme.scaled_px(LINE_PX)
    best = max(range(len(probabilities)), key=lambda index: probabilities[index], default=-1)
    for index, (name, probability) in enumerate(zip(names, probabilities, strict=True)):
        top = rect.top() + index * line_px
        is_best = index == best and not is_unknown
        painter.setFont(strong if is_best else regular)
        painter.setPen(theme.colour("ink" if is_best else "quiet"))
        name_rect = QRect(rect.left(), top, name_px - theme.GAP, line_px)
        shown = elided_class_name(name, QFontMetrics(painter.font()), name_rect.width())
        painter.drawText(name_rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        percent = QRect(rect.right() - _PERCENT_PX + 1, top, _PERCENT_PX, line_px)
        painter.drawText(percent, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, in_percent(probability))
        track = QRectF(
            rect.left() + name_px,
            top + (line_px - _BAR_PX) / 2,
            max(8, rect.width() - name_px - _PERCENT_PX),
            _BAR_PX,
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("hairline"))
        painter.drawRoundedRect(track, _BAR_PX / 2, _BAR_PX / 2)
        filled = QRectF(track)
        filled.setWidth(max(2.0, track.width() * min(1.0, max(0.0, probability))))
        colour = theme.series_colour(index)
        painter.setBrush(theme.translucent(colour, 1.0 if is_best else 0.55))
        painter.drawRoundedRect(filled, _BAR_PX / 2, _BAR_PX / 2)
    painter.restore()


def in_percent(probability: float) -> str:
    """Return a probability in percent; nothing is ever certain, so never "100 %"."""
    if probability > 0.99:
        return "> 99 %"
    if probability < 0.01:
        return "< 1 %"
    return f"{100 * probability:.0f} %"


class ProbabilityBars(QWidget):
    """The bars of one answer as a widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._probabilities: tuple[float, ...] = ()
        self._is_unknown = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_answer(self, names: Sequence[str], probabilities: Sequence[float], *, is_unknown: bool = False) -> None:
        """Show another answer; the lines stay where they are."""
        self._names, self._probabilities, self._is_unknown = tuple(names), tuple(probabilities), is_unknown
        spoken = ", ".join(f"{name} {in_percent(each)}" for name, each in zip(names, probabilities, strict=True))
        self.setAccessibleName(spoken)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, bars_height(len(self._names)))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, bars_height(len(self._names)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        paint_bars(QPainter(self), self.rect(), self._names, self._probabilities, is_unknown=self._is_unknown)
