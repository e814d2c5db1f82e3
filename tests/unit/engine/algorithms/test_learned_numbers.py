"""Numbers that methods learn beside the weights: tables of every method, and the event that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastudio.catalog.menu import ALGORITHMS
from metastudio.cli.report import Report
from metastudio.jobs.curves import Curves
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Learned, from_line, to_line
from tests.unit.engine.episodes import make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

EVENT = Learned(
    iteration=3, title="Rates", rows=("one", "two"), columns=("a", "b", "c"), values=((1, 2, 3), (4, 5, 6.5))
)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_a_table_has_a_row_for_each_row_and_a_number_for_each_column(name: str) -> None:
    for table in make_learner(name).learned():
        assert table.title
        assert len(table.values) == len(table.rows) > 0
        assert {len(row) for row in table.values} == {len(table.columns)}
        assert all(isinstance(number, float) for row in table.values for number in row)


def test_methods_that_learn_rates_show_them_and_the_others_nothing() -> None:
    shows = {name for name in ALGORITHMS if make_learner(name).learned()}
    assert {"mamlpp", "meta_sgd", "alpha_maml"} <= shows
    assert not shows & {"maml", "fomaml", "meta_curvature", "prototypical", "classifier"}


@pytest.mark.parametrize("name", ["mamlpp", "meta_sgd", "maml"])
def test_training_shows_them_right_after_each_validation(name: str, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(make_glyphs(tmp_path / "glyphs"), algorithm={"name": name}))
    events = work_until(run)
    kinds = [event.kind for event in events]
    shown = [number for number, kind in enumerate(kinds) if kind == "learned"]
    assert [events[number].iteration for number in shown] == ([] if name == "maml" else [3, 6])
    assert all(kinds[number - 1] == "validated" for number in shown)
    on_disk = [event for event in read_events(run.events_path)[0] if isinstance(event, Learned)]
    assert on_disk == [events[number] for number in shown]


def test_the_event_survives_its_line() -> None:
    assert from_line(to_line(EVENT)) == EVENT


def test_curves_and_the_terminal_pass_over_it(capsys: pytest.CaptureFixture[str]) -> None:
    curves = Curves()
    curves.add([EVENT])
    assert len(curves.steps) == len(curves.validations) == 0
    with Report() as report:
        report.event(EVENT)
    assert capsys.readouterr().out == ""
    with Report(as_json=True) as report:
        report.event(EVENT)
    assert from_line(capsys.readouterr().out) == EVENT
