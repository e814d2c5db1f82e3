"""What a plot shows: curves and bands with all their points, and the scale on which they are seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from metastudio.gui import theme
from metastudio.gui.widgets.curve_math import Floats

_BEYOND_DRAWING = 1e30
"""Larger values, and what is not finite, are gaps in the drawing; the data keep them."""


@dataclass
class Curve:
    """One line: all its points, and how they are drawn. `token` names a theme's colour, else `index` counts series.

    Of many points in one place the lowest and the highest are drawn, or their mean where the line `is_average` already.
    """

    x: Floats
    y: Floats
    name: str = ""
    index: int = 0
    token: str = ""
    width: float = 1.8
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    opacity: float = 1.0
    symbol: str = ""
    spread: Floats | None = None
    is_fitted: bool = True
    is_average: bool = False
    is_exported: bool = True
    item: pg.PlotDataItem | None = field(default=None, repr=False)
    bars: pg.ErrorBarItem | None = field(default=None, repr=False)

    def seen_values(self) -> list[Floats]:
        """Return what of it must be seen: its points, and the ends of their intervals."""
        if self.spread is None:
            return [self.y]
        with np.errstate(invalid="ignore", over="ignore"):
            return [self.y, self.y - self.spread, self.y + self.spread]

    def colour(self) -> QColor:
        """Return the colour that it has in the theme now in use."""
        base = theme.colour(self.token) if self.token else theme.series_colour(self.index)
        return theme.translucent(base, self.opacity)


@dataclass
class Band:
    """The area between two curves over the same x."""

    x: Floats
    low: Floats
    high: Floats
    index: int = 0
    opacity: float = 0.16
    item: pg.FillBetweenItem | None = field(default=None, repr=False)


@dataclass
class Scale:
    """Which axes are logarithmic; it turns values into places on an axis, NaN where there is none."""

    is_log_x: bool = False
    is_log_y: bool = False

    def x(self, values: Floats) -> Floats:
        """Return the places on the x axis."""
        return _places(values, is_log=self.is_log_x)

    def y(self, values: Floats) -> Floats:
        """Return the places on the y axis."""
        return _places(values, is_log=self.is_log_y)


def _places(values: Floats, *, is_log: bool) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.where(np.abs(values) < _BEYOND_DRAWING, values, np.nan)
        return np.where(shown > 0, np.log10(shown), np.nan) if is_log else shown
