"""Draws curves and bands into a plot; no more points than can be told apart."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from metastudio.gui import theme
from metastudio.gui.widgets.curve_math import Floats, averaged, thinned
from metastudio.gui.widgets.plotted import Band, Curve, Scale

_NOTHING: Floats = np.empty(0)
_SMOOTH_POINTS = 700
"""Lines of more points are drawn without smooth edges: with them a noisy one took 100 to 200 ms, without 10."""

pg.setConfigOptions(antialias=True)


def draw_curve(plot: pg.PlotItem, curve: Curve, scale: Scale, most: int) -> None:
    """Draw the part of a curve that is seen, with at most `most` points."""
    x, y = scale.x(curve.x), scale.y(curve.y)
    if len(x) > most:  # only what is seen, with one neighbour at each side
        left, right = plot.getViewBox().viewRange()[0]
        first = max(0, int(np.searchsorted(x, left)) - 1)
        last = min(len(x), int(np.searchsorted(x, right)) + 1)
        x, y = x[first:last], y[first:last]
    x, y = averaged(x, y, most // 2) if curve.is_average else thinned(x, y, most)
    if not np.isfinite(y).any():
        x, y = _NOTHING, _NOTHING
    if curve.item is None:
        curve.item = pg.PlotDataItem(connect="finite")
        plot.addItem(curve.item, ignoreBounds=True)
    colour = curve.colour()
    curve.item.setData(
        x,
        y,
        connect="finite",
        antialias=len(x) <= _SMOOTH_POINTS,
        pen=None if curve.style == Qt.PenStyle.NoPen else pen(colour, curve.width, curve.style),
        symbol=curve.symbol or None,
        symbolSize=11 if curve.symbol == "star" else 6,
        symbolPen=pen(theme.colour("panel"), 1.0) if curve.symbol else None,
        symbolBrush=colour if curve.symbol else None,
    )
    if curve.spread is not None:
        _draw_spread(plot, curve, scale)


def _draw_spread(plot: pg.PlotItem, curve: Curve, scale: Scale) -> None:
    if curve.bars is None:
        curve.bars = pg.ErrorBarItem()
        plot.addItem(curve.bars, ignoreBounds=True)
    is_known = np.isfinite(curve.y) & np.isfinite(curve.spread)
    y, spread = curve.y[is_known], curve.spread[is_known]
    low, high = scale.y(y - spread), scale.y(y + spread)
    middle = scale.y(y)
    x = scale.x(curve.x[is_known])
    is_drawn = np.isfinite(low) & np.isfinite(high) & np.isfinite(x)
    curve.bars.setData(
        x=x[is_drawn],
        y=middle[is_drawn],
        top=(high - middle)[is_drawn],
        bottom=(middle - low)[is_drawn],
        pen=pen(curve.colour(), 1.2),
    )


def draw_band(plot: pg.PlotItem, band: Band, scale: Scale, most: int) -> None:
    """Draw a band, each of its two curves with at most `most` points."""
    if band.item is None:
        low, high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        band.item = pg.FillBetweenItem(low, high)
        for item in (low, high, band.item):
            plot.addItem(item, ignoreBounds=True)
        band.item.setZValue(-10)
    is_known = np.isfinite(band.low) & np.isfinite(band.high)
    x = scale.x(band.x[is_known])
    for curve, values in zip(band.item.curves, (band.low, band.high), strict=True):
        thin_x, thin_y = thinned(x, scale.y(values[is_known]), most)
        is_drawn = np.isfinite(thin_x) & np.isfinite(thin_y)
        curve.setData(thin_x[is_drawn], thin_y[is_drawn])
    band.item.setBrush(theme.translucent(theme.series_colour(band.index), band.opacity))


def pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Return a pen whose width is in pixels of the screen, whatever the zoom."""
    made = QPen(colour, width, style)
    made.setCosmetic(True)
    return made
