"""Plots: curves are smoothed first and thinned after, and what is odd in them does no harm."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog, QMessageBox

from metastudio.gui import theme
from metastudio.gui.widgets.curve_blocks import CurveBlocks
from metastudio.gui.widgets.curve_drawing import Stroke
from metastudio.gui.widgets.curve_math import Floats, fitting_range, smoothed, steady_range
from metastudio.gui.widgets.figure import figure_pixmap, figure_svg
from metastudio.gui.widgets.hover_table import hover_html, hover_rows
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Band, Curve, Scale
from metastudio.gui.widgets.redraw_limit import RedrawLimit
from metastudio.gui.widgets.x_axis import XAxis


@pytest.fixture
def plot(qtbot) -> Plot:
    theme.apply_theme(qtbot._request.getfixturevalue("qapp"), "light")
    made = Plot("Outer loss", "iteration", "loss")
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    return made


def drawn(plot: Plot, key: str) -> Stroke:
    """Return the line of a curve, as it is painted."""
    return next(stroke for name, stroke in plot.drawn.strokes() if name == key)


def reference_smoothing(values: list[float], weight: float) -> list[float]:
    """The average as it is usually written down, one value after another."""
    last, out = 0.0, []
    for count, value in enumerate(values, start=1):
        last = weight * last + (1 - weight) * value
        out.append(last / (1 - weight**count))
    return out


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=400), st.floats(0.01, 0.99))
def test_smoothing_is_the_debiased_average(values: list[float], weight: float) -> None:
    got = smoothed(np.array(values), weight)
    np.testing.assert_allclose(got, reference_smoothing(values, weight), rtol=1e-6, atol=1e-6)


def test_smoothing_off_returns_the_values() -> None:
    values = np.array([1.0, 5.0])
    assert smoothed(values, 0.0) is values


def test_smoothing_goes_on_over_values_that_are_none() -> None:
    got = smoothed(np.array([np.nan, 1.0, np.nan, np.inf, 1.0]), 0.9)
    assert np.isnan(got[0])
    np.testing.assert_allclose(got[1:], 1.0)


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    return CurveBlocks(x, y).thinned(0, len(x), most)


def averaged(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    return CurveBlocks(x, y).averaged(0, len(x), most)


def test_thinning_keeps_the_best_value_and_the_worst() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 3000)
    y[54_321], y[77_777] = 9.0, -9.0
    thin_x, thin_y = thinned(x, y, 500)
    assert len(thin_x) <= 500
    assert (thin_x[thin_y.argmax()], thin_x[thin_y.argmin()]) == (54_321, 77_777)
    assert (np.diff(thin_x) >= 0).all()


def test_an_average_is_thinned_to_the_means_of_its_buckets() -> None:
    x = np.arange(1000.0)
    y = np.where(x % 2, 1.0, 3.0)
    y[512:768] = np.nan
    thin_x, thin_y = averaged(x, y, 100)
    assert len(thin_x) == len(thin_y) <= 100
    assert (np.diff(thin_x) > 0).all()
    np.testing.assert_allclose(thin_y[np.isfinite(thin_y)], 2.0)
    assert np.isnan(thin_y[(thin_x > 520) & (thin_x < 760)]).all()
    np.testing.assert_array_equal(averaged(x, y, 1000)[1], y)


def test_points_that_were_drawn_stay_while_the_curve_grows() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=10_000)
    x = np.arange(10_000.0)
    before = set(zip(*thinned(x[:9000], y[:9000], 600), strict=True))
    after = set(zip(*thinned(x[:9500], y[:9500], 600), strict=True))
    last_bucket = 9000 - 32
    assert {each for each in before if each[0] < last_bucket} <= after


def test_a_curve_of_nothing_but_gaps_is_thinned_to_gaps() -> None:
    _, y = thinned(np.arange(5000.0), np.full(5000, np.nan), 100)
    assert np.isnan(y).all()


def test_an_outlier_changes_the_axis_and_never_the_data() -> None:
    y = np.append(np.linspace(1, 2, 1000), 1e9)
    low, high = fitting_range([y])
    assert low < 1
    assert high < 10
    assert fitting_range([np.array([np.nan, np.inf])]) is None


@pytest.mark.parametrize(
    "y",
    [
        np.full(10, np.nan),
        np.array([1.0, np.inf, -np.inf, np.nan, 2.0]),
        np.zeros(3),
        np.array([-1.0, 0.0, 5.0]),
        np.empty(0),
        np.full(4, 1e300),
    ],
    ids=["gaps", "infinite", "zeros", "negative", "empty", "huge"],
)
@pytest.mark.parametrize("is_log", [False, True])
def test_odd_values_are_drawn_without_complaint(plot: Plot, qtbot, y: np.ndarray, is_log: bool) -> None:
    x = np.arange(1.0, len(y) + 1)
    plot.set_curve("odd", Curve(x, y, name="odd", symbol="o", spread=np.abs(y)))
    plot.set_band("band", Band(x, y, y + 1))
    plot.set_log(x=is_log, y=is_log)
    plot.grab()
    plot.keep_only(set())
    plot.refresh()
    plot.grab()


def test_a_million_points_are_drawn_within_a_redraw(plot: Plot, qtbot) -> None:
    x = np.arange(1e6)
    plot.set_curve("long", Curve(x, smoothed(np.sin(x / 1e4), 0.9)))
    plot.refresh()
    began = time.perf_counter()
    plot.set_curve("long", Curve(x, np.sin(x / 1e4)))
    plot.refresh()
    plot.grab()
    assert time.perf_counter() - began < 2  # generous: it takes a twentieth of that on an idle machine
    assert 100 < drawn(plot, "long").points <= 2 * plot.width()


def test_a_plot_follows_new_data_until_it_is_zoomed_and_again_when_fitted(plot: Plot, qtbot) -> None:
    def right() -> float:
        return plot._box.viewRange()[0][1]

    plot.set_curve("loss", Curve(np.arange(10.0), np.arange(10.0)))
    plot.refresh()
    plot.set_curve("loss", Curve(np.arange(20.0), np.arange(20.0)))
    plot.refresh()
    assert right() > 19
    plot._box.zoomed.emit()
    plot._box.setRange(xRange=(2, 5), padding=0)
    plot.set_curve("loss", Curve(np.arange(30.0), np.arange(30.0)))
    plot.refresh()
    assert right() == 5
    plot.fit()
    assert right() > 29


def test_the_numbers_handed_out_are_all_of_them_and_no_formula(plot: Plot) -> None:
    y = np.linspace(1, 0, 5000)
    y[7] = np.nan
    plot.set_curve("loss", Curve(np.arange(5000.0), y, name="=HYPERLINK()"))
    plot.set_curve("smooth", Curve(np.arange(5000.0), y, is_exported=False))
    rows = list(csv.reader(plot.csv_text().splitlines()))
    assert rows[0] == ["curve", "iteration", "loss", "ci95"]
    assert len(rows) == 5000
    assert rows[1][0] == "'=HYPERLINK()"
    assert float(rows[3][2]) == y[2]


def test_the_figure_has_title_and_the_names_of_all_curves(plot: Plot) -> None:
    for number in range(12):
        y = np.arange(9.0) + number
        plot.set_curve(f"{number}", Curve(y, y, name=f"a run & number {number}", index=number, symbol="o"))
    plot.refresh()
    assert "+" in plot._legend.text(), "the line above the plot has no room for twelve"
    drawn = figure_pixmap(plot)
    assert drawn.width() >= 2 * plot.view.width()
    words = figure_svg(plot).decode()
    for text in ("Outer loss", "iteration", *(f"number {number}" for number in range(12))):
        assert text.replace(" ", "\u00a0") in words or text in words, text
    assert "<image" not in words, "lines stay lines, marks stay marks"


def test_colours_follow_the_theme(plot: Plot, qapp) -> None:
    plot.set_curve("black", Curve(np.arange(3.0), np.arange(3.0), index=7))
    plot.refresh()
    assert drawn(plot, "black").pen.color().name() == "#000000"
    theme.apply_theme(qapp, "dark")
    assert drawn(plot, "black").pen.color().name() == "#ffffff"


def table(rows: list, **changes: object) -> str:
    return hover_html(rows, **{"x_title": "iteration", "axis": XAxis.ITERATION, "unit": "", "most": 99} | changes)


def test_hovering_shows_the_values_nearest_to_the_pointer(qapp) -> None:
    x = np.arange(10.0)
    curves = [Curve(x, x, name="low"), Curve(x, x + 100, raw=x + 200, name="high", style=Qt.PenStyle.DashLine)]
    rows = hover_rows(curves, Scale(), (3.2, 104.0))
    assert [(row.x, row.value, row.raw) for row in rows] == [(3, 3, None), (3, 103, 203)]
    shown = table(rows)
    assert "iteration 3" in shown
    assert "<b>high</b>" in shown
    assert "<b>low</b>" not in shown
    assert "203" in shown


def test_a_hover_table_of_many_curves_keeps_those_near_the_pointer(qapp) -> None:
    x = np.arange(10.0)
    curves = [Curve(x, x + 10 * number, name=f"run{number}") for number in range(20)]
    shown = table(hover_rows(curves, Scale(), (5.0, 105.0)), most=3)
    assert [f"run{number}<" in shown.replace("</b>", "<") for number in (8, 9, 10, 11, 12)] == [0, 1, 1, 1, 0]
    assert "17 more" in shown


def test_many_requests_give_few_redraws_and_the_last_is_not_lost(qtbot) -> None:
    limit = RedrawLimit(every_ms=50)
    drawn = []
    limit.due.connect(lambda: drawn.append(1))
    for _ in range(200):
        limit.request()
        qtbot.wait(1)
    count = len(drawn)
    assert 1 <= count <= 16
    limit.request()
    qtbot.waitUntil(lambda: len(drawn) > count)


def test_a_plot_is_saved_as_picture_and_as_numbers(plot: Plot, tmp_path: Path, monkeypatch) -> None:
    plot.set_curve("loss", Curve(np.arange(3.0), np.array([1.0, 0.5, 0.25]), name="loss"))
    plot.refresh()
    kinds = {"plot.png": plot.menu.save_png, "plot.svg": plot.menu.save_svg, "plot.csv": plot.menu.save_csv}
    for name, save in kinds.items():
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        save()
    assert not QImage(str(tmp_path / "plot.png")).isNull()
    assert QSvgRenderer(str(tmp_path / "plot.svg")).isValid()
    assert (tmp_path / "plot.csv").read_text(encoding="utf-8") == plot.csv_text()


def test_a_plot_that_cannot_be_saved_says_why(plot: Plot, tmp_path: Path, monkeypatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *arguments: said.append(arguments[-1]))
    for name, save in (("plot.png", plot.menu.save_png), ("plot.csv", plot.menu.save_csv)):
        place = tmp_path / "no such folder" / name
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, place=place: (str(place), ""))
        save()
        assert name in said[-1]
    assert len(said) == 2


def test_axes_stay_where_they_are_while_they_do_and_leave_room_when_they_do_not() -> None:
    wanted = (0.0, 100.0)
    assert steady_range((0.0, 100.0), (1.0, 103.0)) == (0.0, 100.0), "a little beyond the end is still seen"
    assert steady_range((0.0, 90.0), wanted, ahead=0.06) == (0.0, 106.0)
    assert steady_range((0.0, 200.0), wanted, ahead=0.06) == wanted, "much too wide"
    assert steady_range((50.0, 100.0), wanted) == wanted


def test_a_growing_plot_moves_its_axis_seldom_and_never_loses_the_newest_point(qtbot) -> None:
    plot = Plot("Loss", "iteration", "loss")
    qtbot.addWidget(plot)
    ranges = set()
    for count in range(100, 200):
        x = np.arange(count, dtype=float)
        plot.set_curve("loss", Curve(x, np.sin(x)))
        plot.refresh()
        low, high = plot._box.viewRange()[0]
        assert low <= 0
        assert high >= count - 1
        ranges.add((low, high))
    assert len(ranges) < 12
    plot.fit()
    assert plot._box.viewRange()[0][1] == pytest.approx(1.06 * 198)


def test_noisy_lines_are_drawn_without_smooth_edges_and_calm_ones_with(qtbot) -> None:
    plot = Plot("Loss", "iteration", "loss")
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    x = np.arange(300, dtype=float)
    plot.set_curve("noisy", Curve(x, np.where(x % 2, 1.0, -1.0)))
    plot.set_curve("calm", Curve(x, np.linspace(-1, 1, 300)))
    plot.refresh()
    assert not drawn(plot, "noisy").is_smooth
    assert drawn(plot, "calm").is_smooth
