"""Draws curves and bands into a plot; no more points than can be told apart."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from metastudio.gui import theme
from metastudio.gui.widgets.curve_math import Floats
from metastudio.gui.widgets.plotted import Band, Curve, Scale

_NOTHING: Floats = np.empty(0)
_SMOOTH_POINTS, _SMOOTH_TRAVEL_PX = 700, 2500
"""Lines that have more points, or go up and down for longer, are drawn without smooth edges and a pixel wide: a noisy
one took 15 to 200 ms with them, and where so much lies beside each other nobody sees it."""
_BAND_POINTS = 200

pg.setConfigOptions(antialias=True)


def draw_curve(plot: pg.PlotItem, curve: Curve, scale: Scale, most: int) -> None:
    """Draw the part of a curve that is seen, with at most `most` points."""
    blocks = curve.blocks(scale)
    part = blocks.part(*plot.getViewBox().viewRange()[0]) if len(blocks.x) > most else (0, len(blocks.x))
    x, y = blocks.averaged(*part, most // 2) if curve.is_average else blocks.thinned(*part, most)
    if not np.isfinite(y).any():
        x, y = _NOTHING, _NOTHING
    if curve.item is None:
        curve.item = pg.PlotDataItem(connect="finite")
        plot.addItem(curve.item, ignoreBounds=True)
    colour = curve.colour()
    is_smooth = len(x) <= _SMOOTH_POINTS and _travel_px(plot, y) <= _SMOOTH_TRAVEL_PX
    width = curve.width if is_smooth else min(1.0, curve.width)
    curve.item.setData(
        x,
        y,
        connect="finite",
        antialias=is_smooth,
        pen=None if curve.style == Qt.PenStyle.NoPen else pen(colour, width, curve.style),
        symbol=curve.symbol or None,
        symbolSize=16 if curve.symbol == "star" else 6,
        symbolPen=pen(theme.colour("panel"), 1.0) if curve.symbol else None,
        symbolBrush=colour if curve.symbol else None,
    )
    if curve.spread is not None:
        _draw_spread(plot, curve, scale)


def _travel_px(plot: pg.PlotItem, y: Floats) -> float:
    """Return how far a line goes up and down on the screen, in pixels."""
    box = plot.getViewBox()
    low, high = box.viewRange()[1]
    if len(y) < 2 or high <= low:
        return 0.0
    with np.errstate(invalid="ignore"):
        return float(np.nansum(np.abs(np.diff(np.clip(y, low, high))))) * box.height() / (high - low)


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
    """Draw a band; its two curves are averages already, and an area of many corners takes long."""
    if band.item is None:
        low, high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        band.item = pg.FillBetweenItem(low, high)
        for item in (low, high, band.item):
            plot.addItem(item, ignoreBounds=True)
        band.item.setZValue(-10)
    for curve, blocks in zip(band.item.curves, band.blocks(scale), strict=True):
        part = blocks.part(*plot.getViewBox().viewRange()[0]) if len(blocks.x) > most else (0, len(blocks.x))
        curve.setData(*blocks.averaged(*part, min(most // 2, _BAND_POINTS)))
    band.item.setBrush(theme.translucent(theme.series_colour(band.index), band.opacity))


def pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Return a pen whose width is in pixels of the screen, whatever the zoom."""
    made = QPen(colour, width, style)
    made.setCosmetic(True)
    return made
