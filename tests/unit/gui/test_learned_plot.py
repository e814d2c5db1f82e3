"""What a method learns beside the weights, in the last plot of a job."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSettings

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.job_plots import JobPlots
from metastudio.jobs.curves import Curves
from metastudio.runs.events import Learned, OuterStep

RATES = Learned(
    iteration=4,
    title="Learned rates",
    rows=("blocks.0", "head"),
    columns=("step 1", "step 2", "step 3"),
    values=((0.4, 0.3, 0.2), (0.1, -0.1, 0.5)),
    axes=("inner step", "learning rate"),
)
HISTOGRAM = Learned(
    iteration=4,
    title="Learned rates",
    rows=("a", "b"),
    columns=("low", "high"),
    values=((3, 1), (2, 5)),
    shape="bars",
    places=(0.1, 0.3),
    axes=("inner learning rate", "weights"),
)
TASKS = Learned(
    iteration=4,
    title="Task embedding",
    rows=("Greek", "Latin", "Greek"),
    columns=("first", "second"),
    values=((1, 1), (0, 0), (-1, 2)),
    shape="points",
    axes=("first", "second"),
)
NOW = Learned(
    iteration=4,
    title="Learned rates",
    rows=("inner learning rate",),
    columns=("now",),
    values=((0.4,),),
    shape="history",
    axes=("iteration", "rate"),
)
STEP = OuterStep(
    iteration=1, loss=1.0, accuracy=0.5, gradient_norm=2.0, lr=0.1, tasks_per_s=9, memory_bytes=1, elapsed_s=1
)


@pytest.fixture
def plots(qtbot, tmp_path) -> JobPlots:
    theme.apply_theme(qtbot._request.getfixturevalue("qapp"), "light")
    made = JobPlots(StudioSettings(QSettings(str(tmp_path / "studio.ini"), QSettings.Format.IniFormat)))
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    return made


def show(plots: JobPlots, *tables: Learned) -> Curves:
    curves = Curves()
    curves.add([STEP, *tables])
    plots.show_curves(curves)
    plots.pace.choice.setCurrentText(tables[-1].title)
    plots.grab()
    return curves


def shown(plots: JobPlots) -> set[str]:
    return set(plots.pace._curves)


def test_rates_have_a_line_for_each_layer(plots: JobPlots) -> None:
    show(plots, RATES)
    assert shown(plots) == {"row blocks.0", "row head"}
    line = plots.pace.curve("row head")
    assert (line.x.tolist(), line.y.tolist()) == ([1, 2, 3], [0.1, -0.1, 0.5])


def test_a_histogram_is_as_high_as_all_layers_together(plots: JobPlots) -> None:
    show(plots, HISTOGRAM)
    bars = plots.pace.curve("bars")
    assert bars.y.tolist() == [0, 5, 5, 0, 0, 6, 6, 0]
    np.testing.assert_allclose(bars.x[[1, 2]].mean(), 0.1)
    np.testing.assert_allclose(bars.x[[5, 6]].mean(), 0.3)


def test_tasks_of_one_kind_have_one_colour(plots: JobPlots) -> None:
    show(plots, TASKS)
    greek = plots.pace.curve("point Greek")
    assert (greek.x.tolist(), greek.y.tolist()) == ([-1, 1], [2, 1])
    assert plots.pace.curve("point Latin").colour() != greek.colour()


def test_numbers_that_are_alone_show_their_history(plots: JobPlots) -> None:
    show(plots, NOW, NOW.model_copy(update={"iteration": 8, "values": ((0.5,),)}))
    line = plots.pace.curve("row inner learning rate")
    assert (line.x.tolist(), line.y.tolist()) == ([4, 8], [0.4, 0.5])


def test_what_comes_later_is_offered_and_what_another_run_lacks_is_not(plots: JobPlots) -> None:
    curves = Curves()
    curves.add([STEP])
    plots.show_curves(curves)
    count = plots.pace.choice.count()
    curves.add([RATES])
    plots._draw()
    assert plots.pace.choice.count() == count + 1
    assert plots.pace.choice.currentIndex() == 0
    assert shown(plots) == {"raw", "smooth"}
    plots.pace.choice.setCurrentText("Learned rates")
    assert shown(plots) == {"row blocks.0", "row head"}
    plots.show_curves(Curves())
    assert plots.pace.choice.count() == count
    assert shown(plots) == {"raw", "smooth"}


def test_a_long_run_is_drawn_less_often(plots: JobPlots) -> None:
    curves = Curves()
    curves.add([STEP])
    plots.show_curves(curves)
    list(plots._begin_round())
    assert plots.rounds.apart_ms == 80
    curves.add([STEP.model_copy(update={"iteration": 2, "elapsed_s": 100.0})])
    list(plots._begin_round())
    assert 80 < plots.rounds.apart_ms < 200
    curves.add([STEP.model_copy(update={"iteration": 3, "elapsed_s": 5000.0})])
    list(plots._begin_round())
    assert plots.rounds.apart_ms == 800
