"""What a plot shows: curves and bands with all their points, and the scale on which they are seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from metastudio.gui import theme
from metastudio.gui.widgets.curve_blocks import CurveBlocks
from metastudio.gui.widgets.curve_math import Floats, smoothed

_BEYOND_DRAWING = 1e30
"""Larger values, and what is not finite, are gaps in the drawing; the data keep them."""
_RAW_OPACITY = 0.22


@dataclass
class Curve:
    """One line: all its points, and how they are drawn. `token` names a theme's colour, else `index` counts series.

    Of many points in one place the lowest and the highest are drawn, or their mean where the line `is_average` already;
    the points that it is the average of are then `raw`, drawn elsewhere and said beside it. Never changed once it was
    drawn: another curve takes its place.
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
    raw: Floats | None = None
    is_fitted: bool = True
    is_average: bool = False
    is_exported: bool = True
    _blocks: dict[tuple[bool, bool], CurveBlocks] = field(default_factory=dict, repr=False)

    def blocks(self, scale: Scale) -> CurveBlocks:
        """Return its points as places on these axes, ready to be thinned."""
        key = (scale.is_log_x, scale.is_log_y)
        if key not in self._blocks:
            self._blocks = {key: CurveBlocks(scale.x(self.x), scale.y(self.y))}
        return self._blocks[key]

    def seen_places(self, scale: Scale) -> list[Floats]:
        """Return what of it must be seen: the places of its points, and those of the ends of their intervals."""
        places = [self.blocks(scale).y]
        if self.spread is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                places += [scale.y(self.y - self.spread), scale.y(self.y + self.spread)]
        return places

    def colour(self) -> QColor:
        """Return the colour that it has in the theme now in use."""
        base = theme.colour(self.token) if self.token else theme.series_colour(self.index)
        return base if self.opacity >= 1 else theme.faint(base, self.opacity)


def with_average(
    x: Floats,
    y: Floats,
    weight: float,
    *,
    name: str,
    index: int,
    style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    is_raw_fitted: bool = False,
) -> tuple[Curve, Curve]:
    """Return the faint raw line and, before it, its average; with `weight` 0 the values, and nothing behind."""
    behind = slice(None) if weight > 0 else slice(0)
    raw = Curve(
        x[behind],
        y[behind],
        index=index,
        style=style,
        opacity=_RAW_OPACITY,
        width=1.0,
        is_fitted=is_raw_fitted,
    )
    raw.is_exported = False  # the average hands out the values that it is made of
    average = Curve(x, y, name=name, index=index, style=style)
    if weight > 0:
        average.y, average.raw, average.is_average = smoothed(y, weight), y, True
    return raw, average


@dataclass
class Band:
    """The area between two curves over the same x; never changed once it was drawn."""

    x: Floats
    low: Floats
    high: Floats
    index: int = 0
    opacity: float = 0.16
    _blocks: dict[tuple[bool, bool], tuple[CurveBlocks, CurveBlocks]] = field(default_factory=dict, repr=False)

    def blocks(self, scale: Scale) -> tuple[CurveBlocks, CurveBlocks]:
        """Return the points of its two curves where both are known, as places on these axes."""
        key = (scale.is_log_x, scale.is_log_y)
        if key not in self._blocks:
            x, low, high = scale.x(self.x), scale.y(self.low), scale.y(self.high)
            is_known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
            x, low, high = x[is_known], low[is_known], high[is_known]
            self._blocks = {key: (CurveBlocks(x, low), CurveBlocks(x, high))}
        return self._blocks[key]


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
