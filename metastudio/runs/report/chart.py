"""A small chart as SVG: bands, lines and marks over iterations, which any browser draws and prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metastudio.runs.report.curves import Point

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 30
_TICKS = 5


@dataclass(frozen=True)
class Series:
    """One curve. `colour` names a class of the page's style; `is_marked` shows points with their spans as marks."""

    name: str
    colour: str
    points: tuple[Point, ...]
    is_marked: bool = False


@dataclass(frozen=True)
class Tick:
    """A number beside an axis, and its place in pixels."""

    place: float
    text: str


@dataclass(frozen=True)
class Drawn:
    """A curve in pixels: the line and the band around it as lists of points, and marks as (x, y, low, high)."""

    name: str
    colour: str
    line: str
    band: str
    marks: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Chart:
    """What the page draws; places are pixels from the upper left corner."""

    title: str
    x_title: str
    series: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def chart(title: str, series: Sequence[Series], *, unit: Callable[[float], str], x_title: str) -> Chart | None:
    """Return the chart of the curves that have points, None where none has; `unit` writes a value of the y axis."""
    shown = [each for each in series if each.points]
    if not shown:
        return None
    points = [point for each in shown for point in each.points]
    last_x = max(point.x for point in points)
    x_ticks = _nice(0, last_x)
    y_ticks = _nice(min(point.low for point in points), max(point.high for point in points))
    to_x = _scale(x_ticks[0], max(last_x, x_ticks[0] + 1), _LEFT, WIDTH - _RIGHT)
    to_y = _scale(y_ticks[0], y_ticks[-1], HEIGHT - _BOTTOM, _TOP)
    return Chart(
        title=title,
        x_title=x_title,
        series=tuple(_drawn(each, to_x, to_y) for each in shown),
        x_ticks=tuple(Tick(to_x(value), f"{value:,.0f}") for value in x_ticks if value <= last_x and value % 1 == 0),
        y_ticks=tuple(Tick(to_y(value), unit(value)) for value in y_ticks),
    )


def _drawn(series: Series, to_x: Callable[[float], float], to_y: Callable[[float], float]) -> Drawn:
    line = [(to_x(point.x), to_y(point.mean)) for point in series.points]
    upper = [(to_x(point.x), to_y(point.high)) for point in series.points]
    lower = [(to_x(point.x), to_y(point.low)) for point in reversed(series.points)]
    marks = [(to_x(point.x), to_y(point.mean), to_y(point.low), to_y(point.high)) for point in series.points]
    return Drawn(
        name=series.name,
        colour=series.colour,
        line=_list(line),
        band="" if series.is_marked else _list([*upper, *lower]),
        marks=tuple(marks) if series.is_marked else (),
    )


def _list(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _nice(low: float, high: float) -> list[float]:
    """Return round numbers around a range, evenly apart, the first not above it and the last not below."""
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    rough = (high - low) / _TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]
