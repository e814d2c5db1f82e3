"""What a plot takes from the theme: the colours and letters of its axes."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGraphicsItem

from metastudio.gui import theme
from metastudio.gui.widgets.curve_drawing import pen

_X_AXIS_PX = 38


def look() -> tuple[theme.Tokens, QFont]:
    """Return the colours and the letters now in use; where they are others, a plot is to be dressed anew."""
    return theme.tokens(), theme.font(theme.CAPTION_PX, is_tabular=True)


def dress_axes(plot: pg.PlotItem, x_title: str, y_title: str) -> None:
    """Give the two axes of a plot their titles, in the colours and letters of the theme."""
    tokens, letters = look()
    for side, title in (("bottom", x_title), ("left", y_title)):
        axis = plot.getAxis(side)
        axis.setPen(pen(theme.colour("hairline"), 1.0))
        axis.setTextPen(tokens.quiet)
        axis.setTickFont(letters)
        axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # letters take longer to draw than curves
        axis.setStyle(tickLength=-4, tickTextOffset=5, autoExpandTextSpace=True, hideOverlappingLabels=True)
        axis.enableAutoSIPrefix(False)
        axis.label.setFont(letters)
        axis.setLabel(title)
    plot.getAxis("bottom").setHeight(_X_AXIS_PX)
    plot.showGrid(y=True, alpha=0.10)
