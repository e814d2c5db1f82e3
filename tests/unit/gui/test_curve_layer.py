"""Curves are painted where the axes say, whatever is done to the plot."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from metastudio.gui import theme
from metastudio.gui.widgets.curve_drawing import Frame
from metastudio.gui.widgets.curve_layer import CurveLayer
from metastudio.gui.widgets.figure import figure_pixmap, figure_svg
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Band, Curve


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


def is_near(one: QColor, other: QColor, most: int = 60) -> bool:
    return max(abs(a - b) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)) < most


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
        without.setattr(CurveLayer, "_made", None)
        plot.show_hover_line(3.0)
        plot.grab()  # a pointer that moves costs no new lines
    plot.set_curve("line", level(2.5))
    plot.refresh()
    assert is_near(colour_at(plot, 5.0, 2.5), theme.series_colour(0))


def test_a_table_that_changes_in_its_middle_only_is_painted_whole(plot: Plot) -> None:
    for height in (1.0, 3.0):
        plot.set_curve("bars", Curve(np.arange(5.0), np.array([0.0, 4.0, height, 4.0, 0.0]), width=5.0))
        plot.refresh()
        assert is_near(colour_at(plot, 2.0, height), theme.series_colour(0))


@pytest.mark.parametrize("name", ["light", "dark"])
def test_marks_have_the_ring_of_the_theme_in_use(plot: Plot, qapp, name: str) -> None:
    plot.set_curve("validated", Curve(np.arange(3.0), np.arange(3.0), symbol="o"))
    plot.refresh()
    plot.grab()
    theme.apply_theme(qapp, name)
    assert plot.drawn.strokes()[-1][1].pen.color() == theme.colour("panel")


def test_in_a_figure_of_lines_curves_lie_where_the_axes_say(plot: Plot) -> None:
    """The numbers of the axes are drawn in the units of the screen, and once were three quarters as large."""
    x = np.arange(200.0)
    plot.set_curve("spike", Curve(x, np.where(x == 100, 1.0, 0.0), width=3.0))
    plot.refresh()
    pixels = figure_pixmap(plot).toImage()
    lines = QImage(pixels.size(), QImage.Format.Format_RGB32)
    lines.fill(theme.colour("panel"))
    painter = QPainter(lines)
    QSvgRenderer(QByteArray(figure_svg(plot))).render(painter)
    painter.end()
    assert darkest_column(lines) == pytest.approx(darkest_column(pixels), abs=4), "the y axis"


def darkest_column(image: QImage) -> int:
    """Return where the y axis is: the column with most pixels of its colour in the left quarter."""
    wanted = theme.colour("hairline")
    counts = [
        sum(is_near(image.pixelColor(x, y), wanted, 24) for y in range(0, image.height(), 3))
        for x in range(image.width() // 4)
    ]
    return int(np.argmax(counts))


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
    assert frame.y(np.array([0.0, 1.0, 1e30])).tolist() == [100, 0, -1e6]
    assert frame.x(np.array([0.5, np.nan]))[0] == 100


@pytest.mark.parametrize("seen", [20.0, 2.0, 0.5])
def test_a_line_between_distant_points_keeps_its_slope_however_near_one_looks(plot: Plot, seen: float) -> None:
    x = np.arange(0.0, 3000.0, 500.0)
    plot.set_curve("line", Curve(x, x / 500, width=5.0))
    plot.refresh()
    plot._box.setRange(xRange=(740, 740 + seen), yRange=(0, 5), padding=0)
    middle = 740 + seen / 2
    assert is_near(colour_at(plot, middle, middle / 500), theme.series_colour(0))
