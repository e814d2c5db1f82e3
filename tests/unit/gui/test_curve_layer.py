"""Curves are painted where the axes say, whatever is done to the plot."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.curve_canvas import CurveCanvas
from metastudio.gui.widgets.curve_drawing import Frame
from metastudio.gui.widgets.figure import figure_svg
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Band, Curve, with_average


@pytest.fixture
def plot(qtbot) -> Plot:
    plot = Plot("Outer loss", "iteration", "loss")
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    plot.grab()
    return plot


def colour_at(plot: Plot, x: float, y: float) -> QColor:
    """Return what is painted at a place of the axes, as pyqtgraph maps it."""
    shown = plot.view.grab().toImage()
    place = plot.view.mapFromScene(plot._box.mapViewToScene(QPointF(x, y)))
    return shown.pixelColor(place * shown.devicePixelRatio())


def is_near(one: QColor, other: QColor) -> bool:
    return max(abs(a - b) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)) < 60


def level(height: float, **how: object) -> Curve:
    return Curve(np.arange(11.0), np.full(11, height), width=5.0, **how)


def shown_at(plot: Plot) -> None:
    """A level line of height 5 and one of height 0 lie where the axes say."""
    assert is_near(colour_at(plot, 5.0, 5.0), theme.series_colour(0))
    assert not is_near(colour_at(plot, 5.0, 3.0), theme.series_colour(0))


def test_a_line_lies_where_the_axes_say_after_zoom_resize_and_fit(plot: Plot, qtbot) -> None:
    plot.set_curve("line", level(5.0))
    plot.set_curve("ground", level(0.0, index=1))
    plot.refresh()
    shown_at(plot)
    plot._box.setRange(xRange=(4, 6), yRange=(2.5, 5.5), padding=0)
    shown_at(plot)
    plot._box.setRange(yRange=(-20, 20), padding=0)
    shown_at(plot)
    plot.resize(420, 300)
    qtbot.waitUntil(lambda: plot.view.width() < 420)
    shown_at(plot)
    plot.fit()
    shown_at(plot)
    plot.keep_only({"ground"})
    plot.refresh()
    shown = plot.view.grab().toImage()
    colours = {shown.pixel(x, y) for x in range(0, shown.width(), 7) for y in range(shown.height())}
    assert theme.series_colour(0).rgb() not in colours, "what was taken away is seen no more"
    assert theme.series_colour(1).rgb() in colours


def test_what_is_changed_is_painted_anew_and_what_is_not_is_not_made_again(plot: Plot, monkeypatch) -> None:
    plot.set_curve("line", level(5.0))
    plot.set_curve("ground", level(0.0, index=1))
    plot.refresh()
    plot.grab()
    with monkeypatch.context() as without:
        without.setattr(CurveCanvas, "bring_up", None)
        plot.show_hover_line(3.0)
        plot.grab()  # a pointer that moves costs no new lines
    plot.set_curve("line", level(2.5))
    plot.refresh()
    assert is_near(colour_at(plot, 5.0, 2.5), theme.series_colour(0))


def noisy(count: int, *, weight: float = 0.9, shift: float = 0.0) -> list[Curve]:
    x = np.arange(float(count))
    return list(with_average(x, shift + np.sin(x / 9) + 0.2 * np.cos(17 * x), weight, name="loss", index=0))


def set_all(plot: Plot, curves: list[Curve]) -> None:
    plot.set_curve("raw", curves[0])
    plot.set_curve("loss", curves[1])
    x = curves[1].x
    plot.set_band("area", Band(x, np.full(len(x), -1.0), curves[1].y, index=2, grows=True))
    plot.refresh()


def shown(plot: Plot) -> np.ndarray:
    image = plot.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).astype(int)


def different(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of pixels that look different."""
    return float((np.abs(one - other).max(axis=2) > 40).mean())


@pytest.mark.parametrize("step", [1, 7, 60])
def test_what_is_painted_point_by_point_looks_like_what_is_painted_at_once(plot: Plot, monkeypatch, step: int) -> None:
    set_all(plot, noisy(300))
    plot._box.setRange(xRange=(0, 400), yRange=(-2, 2), padding=0)
    plot._follows = False
    plot.grab()
    with monkeypatch.context() as without:
        without.setattr(CurveCanvas, "_whole", None)
        for count in range(300 + step, 361, step):
            set_all(plot, noisy(count))
            plot.grab()
    set_all(plot, noisy(360))
    grown = shown(plot)
    plot.drawn.draw_anew()
    assert different(grown, shown(plot)) < 0.002
    set_all(plot, noisy(300))
    assert different(grown, shown(plot)) > 0.01, "what was cut off at the end is gone"


@pytest.mark.parametrize("other", [{"weight": 0.5}, {"shift": 0.3}])
def test_other_values_and_another_scale_are_painted_whole(plot: Plot, other: dict[str, float]) -> None:
    set_all(plot, noisy(300))
    plot._box.setRange(xRange=(0, 400), yRange=(-2, 2), padding=0)
    plot._follows = False
    before = shown(plot)
    set_all(plot, noisy(320, **other))
    changed = shown(plot)
    plot.drawn.draw_anew()
    assert different(changed, shown(plot)) == 0
    assert different(changed, before) > 0.01


def test_a_table_that_changes_in_its_middle_only_is_painted_whole(plot: Plot) -> None:
    for height in (1.0, 3.0):
        plot.set_curve("bars", Curve(np.arange(5.0), np.array([0.0, 4.0, height, 4.0, 0.0]), width=5.0))
        plot.refresh()
        assert is_near(colour_at(plot, 2.0, height), theme.series_colour(0))


def test_pixels_are_as_fine_as_the_screen_and_figures_are_lines(plot: Plot, monkeypatch) -> None:
    set_all(plot, noisy(300))
    monkeypatch.setattr(QWidget, "devicePixelRatioF", lambda _: 1.5)
    plot.drawn.draw_on()
    plot.view.viewport().repaint()
    area = plot._box.rect()
    assert plot.drawn._canvas._pixels.width() == math.ceil((area.width() + 1) * 1.5)
    assert b"<image" not in figure_svg(plot)


def test_bands_lie_below_curves_in_their_order_and_gaps_stay_open(plot: Plot) -> None:
    x = np.arange(11.0)
    y = np.where(x == 5, np.nan, 4.0)
    plot.set_curve("below", Curve(x, np.full(11, 4.0), index=1, width=5.0))
    plot.set_curve("above", Curve(x, y, index=0, width=5.0))
    plot.set_curve("ground", level(0.0, index=2))
    plot.set_band("area", Band(x, np.zeros(11), np.full(11, 4.0), index=3, opacity=1.0))
    plot.refresh()
    assert [key for key, _ in plot.drawn.strokes()] == ["area", "below", "above", "ground"]
    assert is_near(colour_at(plot, 2.0, 4.0), theme.series_colour(0))
    assert is_near(colour_at(plot, 5.0, 4.0), theme.series_colour(1)), "through the gap"
    assert is_near(colour_at(plot, 2.0, 2.0), theme.series_colour(3))


def test_marks_and_intervals_lie_around_their_points(plot: Plot) -> None:
    x, y, spread = np.arange(3.0), np.array([1.0, np.nan, 3.0]), np.array([0.5, 0.5, np.nan])
    curve = Curve(x, y, symbol="o", style=Qt.PenStyle.NoPen, spread=spread)
    plot.set_curve("validated", curve)
    plot.refresh()
    (_, intervals), (_, marks) = plot.drawn.strokes()
    area = plot._box.mapToScene(plot._box.rect()).boundingRect()

    def pixel(x: float, y: float) -> tuple[float, float]:
        place = plot._box.mapViewToScene(QPointF(x, y)) - area.topLeft()
        return place.x(), place.y()

    assert intervals.path.elementCount() == 2, "the only point that has both ends"
    ends = [(element.x, element.y) for element in map(intervals.path.elementAt, range(2))]
    assert ends == [pytest.approx(pixel(0, 0.5)), pytest.approx(pixel(0, 1.5))]
    bounds = marks.path.boundingRect()
    assert (bounds.left() + 3, bounds.bottom() - 3) == pytest.approx(pixel(0, 1))
    assert (bounds.right() - 3, bounds.top() + 3) == pytest.approx(pixel(2, 3))
    plot.set_log(y=True)
    assert len(plot.drawn.strokes()) == 2


def test_a_fault_while_painting_is_told_once_and_the_plot_lives(plot: Plot, monkeypatch) -> None:
    told: list[type] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: told.append(kind))
    plot.set_curve("broken", Curve(np.arange(3.0), np.arange(2.0)))
    plot.drawn.draw_anew()
    plot.view.viewport().repaint()
    plot.view.viewport().repaint()
    assert len(told) == 1
    plot.set_curve("broken", level(5.0))
    plot.set_curve("ground", level(0.0, index=1))
    plot.refresh()
    shown_at(plot)


def test_nothing_is_painted_where_there_is_no_room_and_what_lies_far_out_stays_countable() -> None:
    assert Frame((0, 1), (0, 1), 0, 100).is_empty
    assert Frame((1, 1), (0, 1), 100, 100).is_empty
    frame = Frame((0.0, 1.0), (0.0, 1.0), 200, 100)
    assert frame.y(np.array([0.0, 1.0, 1e30])).tolist() == [100, 0, -20_000]
    assert frame.x(np.array([0.5, np.nan]))[0] == 100
