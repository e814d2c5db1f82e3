"""Numbers that methods learn beside the weights: tables of every method, and the event that shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metastudio.catalog.menu import ALGORITHMS
from metastudio.cli.report import Report
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.jobs.curves import Curves
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Learned, Started, from_line, to_line
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

TASKS = [
    replace(each, classes=tuple(f"dark/{name}" for name in each.classes))
    for each in (make_episode(seed=seed) for seed in range(8))
]
EVENT = Learned(
    iteration=3, title="Rates", rows=("one", "two"), columns=("a", "b", "c"), values=((1, 2, 3), (4, 5, 6.5))
)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_a_table_has_a_row_for_each_row_and_a_number_for_each_column(name: str) -> None:
    for table in make_learner(name).learned(TASKS):
        assert table.title
        assert len(table.places) in {0, len(table.columns)}
        assert len(table.columns) == {"points": 2, "history": 1}.get(table.shape, len(table.columns))
        assert len(table.values) == len(table.rows) > 0
        assert {len(row) for row in table.values} == {len(table.columns)}
        assert all(isinstance(number, float) for row in table.values for number in row)


def test_methods_that_learn_rates_show_them_and_the_others_nothing() -> None:
    shows = {name for name in ALGORITHMS if make_learner(name).learned(TASKS)}
    assert {"mamlpp", "meta_sgd", "alpha_maml", "mmaml"} <= shows
    assert not shows & {"maml", "fomaml", "meta_curvature", "prototypical", "classifier"}


def test_every_weight_has_its_rate_in_the_histogram() -> None:
    learner = make_learner("meta_sgd", algorithm__random_rates=True)
    table = learner.learned()[0]
    assert table.shape == "bars"
    assert sum(map(sum, table.values)) == sum(rates.numel() for rates in learner.rates)
    widths = np.diff(table.places)
    np.testing.assert_allclose(widths, widths[0])


def test_tasks_of_other_kinds_lie_apart_in_the_embedding() -> None:
    bright = [replace_images(task, 5.0) for task in TASKS[4:]]
    table = make_learner("mmaml").learned([*TASKS[:4], *bright])[0]
    first = np.array(table.values)[:, 0]
    assert max(first[:4]) < min(first[4:]) or min(first[:4]) > max(first[4:])
    assert table.rows == ("dark",) * 4 + ("bright",) * 4
    assert make_learner("mmaml").learned(TASKS[:2]) == ()


def replace_images(task: Episode, brighter: float) -> Episode:
    support = LabelledImages(task.support.images + brighter, task.support.labels)
    return replace(task, support=support, classes=tuple(name.replace("dark", "bright") for name in task.classes))


@pytest.mark.parametrize("name", ["mamlpp", "meta_sgd", "maml"])
def test_training_shows_them_right_after_each_validation(name: str, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(make_glyphs(tmp_path / "glyphs"), algorithm={"name": name}))
    events = work_until(run)
    events = [event for event in events if event.kind != "checkpoint_saved"]  # the best is saved before
    kinds = [event.kind for event in events]
    shown = [number for number, kind in enumerate(kinds) if kind == "learned"]
    assert [events[number].iteration for number in shown] == ([] if name == "maml" else [3, 6])
    assert all(kinds[number - 1] == "validated" for number in shown)
    on_disk = [event for event in read_events(run.events_path)[0] if isinstance(event, Learned)]
    assert on_disk == [events[number] for number in shown]


def test_the_event_survives_its_line() -> None:
    assert from_line(to_line(EVENT)) == EVENT


def test_curves_keep_what_a_resumed_run_did_not_undo() -> None:
    curves = Curves()
    later = EVENT.model_copy(update={"iteration": 7})
    curves.add([EVENT, later])
    assert curves.learned == {"Rates": [EVENT, later]}
    started = Started(iteration=5, iterations=9, device="cpu", executor="loop", threads=1, resumed=True)
    curves.add([started])
    assert curves.learned == {"Rates": [EVENT]}
    curves.add([started.model_copy(update={"iteration": 0})])
    assert curves.learned == {}


def test_the_terminal_passes_over_it(capsys: pytest.CaptureFixture[str]) -> None:
    with Report() as report:
        report.event(EVENT)
    assert capsys.readouterr().out == ""
    with Report(as_json=True) as report:
        report.event(EVENT)
    assert from_line(capsys.readouterr().out) == EVENT
