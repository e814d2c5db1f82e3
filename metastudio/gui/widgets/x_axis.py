"""What runs along the x axis of a curve: counts, time spent training, or the clock."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication

from metastudio.gui.widgets.curve_math import Floats
from metastudio.gui.wording import date_text_of, duration_text
from metastudio.jobs.curves import Curves

_STEPS_S = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 43200, 86400, 172800)
"""Distances of marks in seconds that a person can count with; beyond them whole days."""
_MARK_PX = 90
_LARGE = 1e6
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


class XAxis(StrEnum):
    """What the x of a run's curves is; its value is kept in the settings."""

    ITERATION = "iteration"
    TRAINED = "trained"
    WALL = "wall"

    @property
    def caption(self) -> str:
        """What stands below the axis."""
        return {
            XAxis.ITERATION: _tr("iteration"),
            XAxis.TRAINED: _tr("trained for"),
            XAxis.WALL: _tr("time of day"),
        }[self]

    def item(self) -> pg.AxisItem:
        """Return a new axis that marks such values."""
        kinds = {XAxis.ITERATION: CountAxis, XAxis.TRAINED: DurationAxis, XAxis.WALL: pg.DateAxisItem}
        return kinds[self]("bottom")

    def of_steps(self, history: Curves) -> Floats:
        """Return where each outer step lies, (steps,) ascending: a clock that was set back stands still meanwhile."""
        return _ascending(history.steps.column({XAxis.ITERATION: 0, XAxis.TRAINED: 9, XAxis.WALL: 10}[self]))

    def of_validations(self, history: Curves) -> Floats:
        """Return where each validation lies, (validations,) ascending."""
        return _ascending(history.validations.column({XAxis.ITERATION: 0, XAxis.TRAINED: 6, XAxis.WALL: 7}[self]))

    def of_best(self, history: Curves) -> float:
        """Return where the best validation lies, which there is."""
        best = history.best
        assert best is not None  # noqa: S101  # whoever asks has looked
        return float(np.interp(best.iteration, history.validations.column(0), self.of_validations(history)))

    def text(self, place: float) -> str:
        """Return a place on the axis as a person reads it."""
        if self is XAxis.WALL:
            return date_text_of(place)
        if self is XAxis.TRAINED:
            return duration_text(place)
        return f"{place:,.0f}" if place == round(place) else f"{place:.4g}"


def _ascending(places: Floats) -> Floats:
    is_so = len(places) < 2 or bool((np.diff(places) >= 0).all())
    return places if is_so else np.fmax.accumulate(places)


class CountAxis(pg.AxisItem):
    """Marks numbers; where it is logarithmic only 1, 2, 5, 10, 20, 50 and so on, written out."""

    def logTickStrings(self, values: list[float], scale: float, spacing: float | None) -> list[str]:  # noqa: ARG002
        numbers = [10**value for value in values]
        return [self.mark(each) if f"{each:.0e}"[0] in "125" else "" for each in numbers]

    def mark(self, number: float) -> str:
        """Return what stands at a number."""
        return f"{number:,.0f}" if 1 <= number < _LARGE else f"{number:.0e}" if number >= _LARGE else f"{number:g}"


class DurationAxis(CountAxis):
    """Marks seconds as ``30 s``, ``5 min``, ``1 h 20``, ``2 d``."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        if self.logMode:
            return super().tickSpacing(low, high, size)
        least = max(1e-9, (high - low) * _MARK_PX / max(size, 1))
        step = next((each for each in _STEPS_S if each >= least), math.ceil(least / _DAY_S) * _DAY_S)
        return [(step, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return super().tickStrings(values, scale, spacing) if self.logMode else [_duration(each) for each in values]

    def mark(self, number: float) -> str:
        return _duration(float(f"{number:.3g}"))


def _duration(seconds: float) -> str:
    sign = "−" if seconds < 0 else ""
    seconds = abs(seconds)
    if seconds < _MINUTE_S:
        return f"{sign}{seconds:g} s" if seconds else "0"
    whole = round(seconds)
    if whole < _HOUR_S:
        minutes, rest = divmod(whole, _MINUTE_S)
        return f"{sign}{minutes} min" if not rest else f"{sign}{minutes}:{rest:02}"
    if whole < _DAY_S:
        hours, rest = divmod(whole, _HOUR_S)
        return f"{sign}{hours} h" if not rest else f"{sign}{hours} h {rest // _MINUTE_S:02}"
    days, rest = divmod(whole, _DAY_S)
    return f"{sign}{days} d" if not rest else f"{sign}{days} d {rest // _HOUR_S} h"


def _tr(text: str) -> str:
    return QCoreApplication.translate("XAxis", text)
