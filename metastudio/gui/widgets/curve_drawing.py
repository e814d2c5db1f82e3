"""Turns curves and bands into strokes of a painter, in pixels; no more points than can be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform

from metastudio.gui import theme
from metastudio.gui.widgets.curve_blocks import CurveBlocks
from metastudio.gui.widgets.curve_math import Floats
from metastudio.gui.widgets.plotted import Band, Curve, Scale

_SMOOTH_POINTS, _SMOOTH_TRAVEL_PX = 700, 2500
"""Lines that have more points, or go up and down for longer, are drawn without smooth edges and a pixel wide: a noisy
one took 15 to 200 ms with them, and where so much lies beside each other nobody sees it."""
_BAND_POINTS = 200
_LEAST_POINTS = 256
_FAR_PX = 1e6
"""What lies farther out is drawn there: painters count pixels in few bits, and no line that is seen becomes another."""
_SYMBOL_PX = {"star": 16.0}
_USUAL_SYMBOL_PX = 6.0


@dataclass(frozen=True)
class Frame:
    """Which places of the axes lie where on the screen: ranges of both axes, and the size of the area in pixels."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width: float
    height: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be drawn in it."""
        (left, right), (low, high) = self.x_range, self.y_range
        return self.width < 1 or self.height < 1 or not (right > left and high > low)

    @property
    def most_points(self) -> int:
        """How many points of a line can be told apart."""
        return max(_LEAST_POINTS, 2 * int(self.width))

    def x(self, places: Floats) -> Floats:
        """Return the pixels of some places of the x axis, from the left."""
        left, right = self.x_range
        return np.clip((places - left) * (self.width / (right - left)), -_FAR_PX, _FAR_PX)

    def y(self, places: Floats) -> Floats:
        """Return the pixels of some places of the y axis, from the top."""
        low, high = self.y_range
        return np.clip((high - places) * (self.height / (high - low)), -_FAR_PX, _FAR_PX)

    def seen(self, blocks: CurveBlocks, most: int, *, is_average: bool) -> tuple[Floats, Floats]:
        """Return the part of a curve that is seen, thinned to about `most` points, in pixels."""
        count = len(blocks.x)
        part = blocks.part(*self.x_range) if count > most else (0, count)
        x, y = blocks.averaged(*part, most // 2) if is_average else blocks.thinned(*part, most)
        return self.x(x), self.y(y)


@dataclass(frozen=True)
class Stroke:
    """One movement of the painter; `points` tells how many corners a line has."""

    path: QPainterPath
    pen: QPen
    brush: QBrush
    is_smooth: bool = True
    points: int = 0

    def paint(self, painter: QPainter) -> None:
        """Draw it."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self.is_smooth)
        painter.setPen(self.pen)
        painter.setBrush(self.brush)
        painter.drawPath(self.path)


_NO_PEN, _NO_BRUSH = QPen(Qt.PenStyle.NoPen), QBrush(Qt.BrushStyle.NoBrush)


def curve_strokes(curve: Curve, scale: Scale, frame: Frame) -> Iterator[Stroke]:
    """Yield what draws a curve: its line, its marks and the intervals around them."""
    x, y = frame.seen(curve.blocks(scale), frame.most_points, is_average=curve.is_average)
    colour = curve.colour()
    if curve.style != Qt.PenStyle.NoPen and len(x) > 1:
        is_smooth = len(x) <= _SMOOTH_POINTS and _travel_px(y, frame.height) <= _SMOOTH_TRAVEL_PX
        width = curve.width if is_smooth else min(1.0, curve.width)
        line = pen(colour, width, curve.style)
        line.setCosmetic(not is_smooth)  # a pixel of the screen is drawn fastest; smooth lines grow with the screen's
        yield Stroke(_path(x, y, connect="finite"), line, _NO_BRUSH, is_smooth, len(x))
    if curve.spread is not None:
        yield Stroke(_intervals(curve, scale, frame), QPen(colour, 1.2), _NO_BRUSH)
    if curve.symbol:
        yield Stroke(_marks(curve.symbol, x, y), QPen(theme.colour("panel"), 1.0), QBrush(colour), points=len(x))


def band_stroke(band: Band, scale: Scale, frame: Frame) -> Stroke:
    """Return what draws a band; its two curves are averages already, and an area of many corners takes long."""
    most = min(frame.most_points, 2 * _BAND_POINTS)
    (x, low), (_, high) = (frame.seen(each, most, is_average=True) for each in band.blocks(scale))
    outline = _path(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]), connect="all")
    colour = theme.translucent(theme.series_colour(band.index), band.opacity)
    return Stroke(outline, _NO_PEN, QBrush(colour), is_smooth=False)  # its edges lie under lines


def pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Return a pen whose width is in pixels of the screen, whatever the zoom."""
    made = QPen(colour, width, style)
    made.setCosmetic(True)
    return made


def _path(x: Floats, y: Floats, *, connect: str) -> QPainterPath:
    """Return the path through some points; what pyqtgraph makes of no point at all brings painters down."""
    return pg.arrayToQPath(x, y, connect=connect) if np.isfinite(y).any() else QPainterPath()


def _travel_px(y: Floats, height: float) -> float:
    """Return how far a line goes up and down on the screen."""
    return float(np.nansum(np.abs(np.diff(np.clip(y, 0.0, height)))))


def _intervals(curve: Curve, scale: Scale, frame: Frame) -> QPainterPath:
    """Return a line from the low to the high end of each interval that has both."""
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = scale.y(curve.y - curve.spread), scale.y(curve.y + curve.spread)
    x = scale.x(curve.x)
    is_drawn = np.isfinite(low) & np.isfinite(high) & np.isfinite(x)
    ends = np.stack([frame.y(low[is_drawn]), frame.y(high[is_drawn])], axis=1)
    return _path(np.repeat(frame.x(x[is_drawn]), 2), ends.ravel(), connect="pairs")


def _marks(symbol: str, x: Floats, y: Floats) -> QPainterPath:
    """Return all marks of a curve as one path."""
    size, made = _SYMBOL_PX.get(symbol, _USUAL_SYMBOL_PX), QPainterPath()
    made.setFillRule(Qt.FillRule.WindingFill)
    is_known = np.isfinite(x) & np.isfinite(y)
    for right, down in zip(x[is_known].tolist(), y[is_known].tolist(), strict=True):
        made.addPath(QTransform(size, 0, 0, size, right, down).map(Symbols[symbol]))
    return made
