"""Draws what a method learns beside the weights: rates of layers and steps, their histogram, a map of tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt

from metastudio.gui import theme
from metastudio.gui.widgets.curve_math import Floats
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Curve
from metastudio.runs.events import Learned

_BAR_SHARE = 0.9
"""How much of a column its bar takes."""


def draw_learned(plot: Plot, tables: Sequence[Learned]) -> None:
    """Show the newest of the tables, or for a history all of them, instead of everything else in the plot.

    Args:
        plot: Refreshed afterwards.
        tables: All of one title, oldest first, at least one.
    """
    newest = tables[-1]
    curves = {
        "lines": _lines,
        "bars": _bars,
        "points": _points,
        "history": lambda _: _history(tables),
    }[newest.shape](newest)
    plot.keep_only(set(curves))
    for key, curve in curves.items():
        plot.set_curve(key, curve)
    plot.set_axes(*newest.axes)
    plot.set_whole_x(len(newest.columns) if newest.shape == "lines" and not newest.places else 0)
    plot.set_message("")
    plot.refresh()


def _lines(table: Learned) -> dict[str, Curve]:
    x = _places(table)
    return {
        f"row {name}": Curve(
            x, np.array(values), name=name, index=number, style=theme.series_dash(number), symbol="o", width=1.5
        )
        for number, (name, values) in enumerate(zip(table.rows, table.values, strict=True))
    }


def _bars(table: Learned) -> dict[str, Curve]:
    """Return the outline of one bar a column, as high as all rows together."""
    x = _places(table)
    total = np.array(table.values).sum(axis=0)
    half = _BAR_SHARE * (float(np.diff(x).min()) if len(x) > 1 else 1.0) / 2
    outline_x = np.stack([x - half, x - half, x + half, x + half], axis=1).ravel()
    outline_y = np.stack([np.zeros_like(total), total, total, np.zeros_like(total)], axis=1).ravel()
    return {"bars": Curve(outline_x, outline_y, name=table.axes[1], index=0, width=1.5)}


def _points(table: Learned) -> dict[str, Curve]:
    """Return the points of each name in a colour of their own."""
    places = np.array(table.values)
    curves = {}
    for number, name in enumerate(dict.fromkeys(table.rows)):
        own = places[[row == name for row in table.rows]]
        own = own[np.argsort(own[:, 0])]
        curves[f"point {name}"] = Curve(
            own[:, 0], own[:, 1], name=name, index=number, symbol="o", style=Qt.PenStyle.NoPen
        )
    return curves


def _history(tables: Sequence[Learned]) -> dict[str, Curve]:
    x = np.array([float(each.iteration) for each in tables])
    return {
        f"row {name}": Curve(
            x, np.array([each.values[number][0] for each in tables]), name=name, index=number, symbol="o", width=1.5
        )
        for number, name in enumerate(tables[-1].rows)
    }


def _places(table: Learned) -> Floats:
    return np.array(table.places or range(1, len(table.columns) + 1), dtype=float)
