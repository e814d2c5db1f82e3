"""Plots that are moved together, moved with keys, and have time along their x axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.job_plots import JobPlots
from metastudio.gui.widgets.linked_plots import LinkedPlots
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Curve, with_average
from metastudio.gui.widgets.redraw_limit import DrawingBudget
from metastudio.gui.widgets.x_axis import DurationAxis, XAxis
from metastudio.jobs.curves import Curves
from metastudio.runs.events import OuterStep, Started, Validated


def step(iteration: int, at: str = "2026-01-01T10:00:00+00:00", **values: object) -> OuterStep:
    known = {"loss": 1 / iteration, "accuracy": 0.5, "gradient_norm": 1.0, "lr": 0.1, "tasks_per_s": 10.0}
    return OuterStep(iteration=iteration, memory_bytes=1, elapsed_s=2.0 * iteration, at=at, **(known | values))


@pytest.fixture
def pair(qtbot, qapp) -> tuple[Plot, Plot]:
    theme.apply_theme(qapp, "light")
    made = Plot("One", "iteration", "y"), Plot("Other", "iteration", "y")
    x = np.arange(1000.0)
    for plot, y in zip(made, (x, 1000 - x), strict=True):
        qtbot.addWidget(plot)
        plot.resize(400, 300)
        plot.show()
        plot.set_curve("y", Curve(x, y, name="y"))
        plot.refresh()
    return made


def seen(plot: Plot) -> tuple[float, float, float, float]:
    (left, right), (low, high) = plot._box.viewRange()
    return left, right, low, high


def zoom(plot: Plot, left: float, right: float) -> None:
    plot._box.setXRange(left, right, padding=0)
    plot._box.zoomed.emit()


def test_a_zoom_into_one_shows_the_same_part_of_the_other_and_what_lies_there(pair: tuple[Plot, Plot]) -> None:
    one, other = pair
    links = LinkedPlots(pair)
    zoom(one, 100, 200)
    left, right, low, high = seen(other)
    assert (left, right) == (100, 200)
    assert 780 < low < 800
    assert 900 < high < 920
    assert not other.is_following
    one._box.fit_wanted.emit()
    assert other.is_following
    assert seen(other)[1] > 998
    links.is_on = False
    zoom(one, 300, 400)
    assert seen(other)[1] > 998


def test_plots_over_something_else_are_left_alone(pair: tuple[Plot, Plot]) -> None:
    one, other = pair
    links = LinkedPlots(pair)
    other.set_axes("inner step", "y")
    zoom(one, 100, 200)
    assert links.is_on
    assert seen(other)[1] > 998


def test_what_one_is_pointed_at_all_mark(pair: tuple[Plot, Plot]) -> None:
    one, other = pair
    links = LinkedPlots(pair)
    middle = one._box.sceneBoundingRect().center()
    one._on_mouse_moved(middle)
    assert links.is_on
    assert other._hover_line.isVisible()
    assert other._hover_line.value() == pytest.approx(499.5, abs=5)
    one._on_mouse_moved(QPointF(-10, -10))
    assert not other._hover_line.isVisible()


def test_the_table_at_the_pointer_follows_what_is_drawn(pair: tuple[Plot, Plot]) -> None:
    one, _ = pair
    one._on_mouse_moved(one._box.sceneBoundingRect().center())
    before = one._hover.text()
    one.set_curve("y", Curve(np.arange(1000.0), np.full(1000, 7.0), name="y"))
    one.refresh()
    assert one._hover.text() != before
    assert ">7<" in one._hover.text().replace("&nbsp;", "").replace("<b>", "").replace("</b>", "")


def test_keys_move_and_zoom_and_fit(pair: tuple[Plot, Plot]) -> None:
    one, _ = pair
    left, right, *_ = seen(one)
    QTest.keyClick(one, Qt.Key.Key_Right)
    assert seen(one)[0] == pytest.approx(left + 0.1 * (right - left))
    assert not one.is_following
    QTest.keyClick(one, Qt.Key.Key_Plus)
    assert seen(one)[1] - seen(one)[0] == pytest.approx(0.9 * (right - left))
    QTest.keyClick(one, Qt.Key.Key_Home)
    assert seen(one)[:2] == pytest.approx((left, right))
    assert one.is_following


@pytest.fixture
def plots(qtbot, tmp_path) -> Iterator[JobPlots]:
    made = JobPlots(StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    yield made
    made.stop()


@pytest.fixture
def history() -> Curves:
    curves = Curves()
    curves.add([Started(iteration=0, iterations=100, device="cpu", executor="one", threads=1)])
    curves.add(step(number, f"2026-01-01T10:{number:02}:00+00:00") for number in range(1, 31))
    told = {"accuracy": 0.9, "ci95": 0.01, "loss": 0.2, "episodes": 9, "is_best": True}
    curves.add([Validated(iteration=30, at="2026-01-01T10:30:30+00:00", **told)])
    return curves


def choose_x(plots: JobPlots, kind: XAxis) -> None:
    plots.bar._x_choice.setCurrentIndex(plots.bar._x_choice.findData(kind.value))


def test_time_trained_and_time_of_day_can_run_along_x(plots: JobPlots, history: Curves) -> None:
    plots.show_curves(history)
    choose_x(plots, XAxis.TRAINED)
    assert list(plots.outer.curve("loss").x[:3]) == [2, 4, 6]
    assert plots.accuracy.curve("best").x[0] == 60
    assert plots.outer.x_title == "trained for"
    choose_x(plots, XAxis.WALL)
    assert plots.outer.curve("loss").x[1] - plots.outer.curve("loss").x[0] == 60
    assert not plots.bar.log_x.isEnabled()
    assert plots.bar.log_x.toolTip()
    assert XAxis.TRAINED.text(7200) == "2 h 00 min"
    assert XAxis.WALL.text(plots.outer.curve("loss").x[0]).endswith(":01:00")
    plots.grab()
    choose_x(plots, XAxis.ITERATION)
    assert list(plots.outer.curve("loss").x[:3]) == [1, 2, 3]


def test_what_runs_along_x_is_remembered(plots: JobPlots, qtbot, tmp_path) -> None:
    choose_x(plots, XAxis.TRAINED)
    plots.bar.linked.setChecked(False)
    plots.bar._settings.sync()
    again = JobPlots(StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(again)
    assert again.bar.x_axis is XAxis.TRAINED
    assert again.outer.x_title == "trained for"
    assert not again.links.is_on
    again.stop()


def test_a_clock_that_was_set_back_draws_no_zigzag(plots: JobPlots) -> None:
    curves = Curves()
    minutes = [1, 2, 3, 1, 2, 5]
    curves.add(step(number, f"2026-01-01T10:{minute:02}:00+00:00") for number, minute in enumerate(minutes, start=1))
    x = XAxis.WALL.of_steps(curves)
    assert list(np.diff(x)) == [60, 60, 0, 0, 120]


def test_changing_the_smoothing_leaves_the_zoom_alone(plots: JobPlots, history: Curves) -> None:
    plots.show_curves(history)
    zoom(plots.outer, 5, 9)
    plots.bar._slider.setValue(90)
    assert seen(plots.outer)[:2] == (5, 9)
    assert seen(plots.accuracy)[:2] == (5, 9)
    plots.bar._slider.setValue(0)
    assert plots.bar._value.text() == "off"
    assert list(plots.outer.curve("loss").y) == list(history.steps.column(1))
    assert len(plots.outer.curve("raw").x) == 0, "the same line twice"


def test_marks_of_a_duration_can_be_counted_with(qapp) -> None:
    axis = DurationAxis("bottom")
    for seconds, step_s, words in (
        (50, 10, ["0", "10 s", "20 s"]),
        (1800, 300, ["0", "5 min", "10 min"]),
        (20_000, 3600, ["0", "1 h", "2 h"]),
        (9e5, 172_800, ["0", "2 d", "4 d"]),
    ):
        [(spacing, _)] = axis.tickSpacing(0, seconds, 540)
        assert spacing == step_s
        assert axis.tickStrings([0, step_s, 2 * step_s], 1, step_s) == words
    axis.setLogMode(x=True, y=None)
    assert axis.logTickStrings([np.log10(each) for each in (1, 50, 60, 70, 200, 7200)], 1, None) == [
        "1 s",
        "50 s",
        "",
        "",
        "3:20",
        "",
    ]
    axis.setLogMode(x=False, y=None)
    assert axis.tickStrings([5400, 90, 93_600], 1, 1) == ["1 h 30", "1:30", "1 d 2 h"]


def test_a_logarithmic_axis_marks_what_can_be_told_apart(qapp) -> None:
    axis = XAxis.ITERATION.item()
    axis.setLogMode(x=True, y=None)
    numbers = (1, 2, 3, 5, 7, 1000, 2000, 9000, 5e7)
    marks = axis.logTickStrings([np.log10(each) for each in numbers], 1, None)
    assert marks == ["1", "2", "", "5", "", "1,000", "2,000", "", "5e+07"]


def test_numbers_that_are_handed_out_are_not_smoothed(pair: tuple[Plot, Plot]) -> None:
    one, _ = pair
    y = np.array([1.0, 3.0, 5.0])
    raw, average = with_average(np.arange(3.0), y, 0.9, name="loss", index=0)
    one.set_curve("raw", raw)
    one.set_curve("y", average)
    assert [row.split(",")[::2] for row in one.csv_text().splitlines()[1:]] == [
        ["loss", "1.0"],
        ["loss", "3.0"],
        ["loss", "5.0"],
    ]


def test_drawing_takes_its_share_of_the_time_and_a_first_round_waits_for_nothing(monkeypatch) -> None:
    clock = {"wall": 0.0, "thread": 0.0}
    monkeypatch.setattr("metastudio.gui.widgets.redraw_limit.time.perf_counter", lambda: clock["wall"])
    monkeypatch.setattr("metastudio.gui.widgets.redraw_limit.time.thread_time", lambda: clock["thread"])
    budget = DrawingBudget(share=0.1, burst_s=0.04)

    def draw() -> None:
        clock["wall"] += 0.02
        clock["thread"] += 0.02

    budget.spend(draw)
    assert budget.wait_s() == 0
    drawn = 1
    while clock["wall"] < 100:
        clock["wall"] += max(0.001, budget.wait_s())
        budget.spend(draw)
        drawn += 1
    assert drawn * 0.02 == pytest.approx(0.1 * clock["wall"], rel=0.05)


def test_a_history_that_comes_into_empty_plots_is_drawn_at_once(qtbot, tmp_path) -> None:
    plots = JobPlots(StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(plots)
    plots.show()
    curves = Curves()
    plots.show_curves(curves)
    curves.add(step(number) for number in range(1, 41))
    plots.request_redraw()
    assert [len(each.curve("raw").x) for each in (plots.accuracy, plots.outer)] == [40, 40]


def test_what_it_costs_to_paint_all_anew_does_not_hold_back_the_next_point(qtbot, tmp_path) -> None:
    plots = JobPlots(StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(plots)
    plots.show()
    curves = Curves()
    curves.add([step(1)])
    plots.show_curves(curves)
    plots.outer.view.painting_s += 100
    curves.add([step(2)])
    plots.request_redraw()
    qtbot.waitUntil(lambda: len(plots.outer.curve("raw").x) == 2)
