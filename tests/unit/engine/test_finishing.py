"""Finishing now: of a run that trains, and of one that has stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metastudio.engine.training.worker import work
from metastudio.runs.control import Wanted, write_control
from metastudio.runs.run_state import State
from tests.unit.engine.small_runs import (
    at_iteration,
    make_glyphs,
    small_experiment,
    small_run,
    target_of,
    with_training,
)


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.mark.slow
def test_finish_now_keeps_the_best_and_evaluates_and_exports_as_configured(glyphs: Path, tmp_path: Path) -> None:
    experiment = small_experiment(
        glyphs,
        evaluation={"after_training": True, "episodes": 3},
        targets=[target_of(glyphs).model_dump()],
        exports=["adapted"],
    )
    run = small_run(tmp_path, with_training(experiment, iterations=5000))
    said: list[Any] = []
    for event in work(run):
        said.append(event)
        if at_iteration(2)(event):
            write_control(run, Wanted.FINISH)
    kinds = [each.kind for each in said]
    assert kinds[-1] == "finished"
    ended = said[-1].iteration
    assert (said[-1].outcome, ended < 10) == ("finished", True)
    assert run.best() is not None
    assert kinds.count("validated") >= 1, "the state it ends with is judged, so that the best is known"
    assert [each.statistics for each in run.evaluations()] == ["support"]
    assert [each.name for each in run.exports()] == ["two-adapted"]
    assert run.state().state is State.FINISHED
    assert run.state().iterations == 5000, "what was planned stays on record beside what was done"


def test_a_paused_run_is_finished_without_another_iteration(glyphs: Path, tmp_path: Path) -> None:
    experiment = small_experiment(glyphs, evaluation={"after_training": True, "episodes": 3}, exports=["checkpoint"])
    run = small_run(tmp_path, with_training(experiment, iterations=5000))
    for event in work(run):
        if at_iteration(3)(event):
            write_control(run, Wanted.PAUSE)
    assert run.state().state is State.PAUSED
    paused_at = run.state().iteration
    said = list(work(run, wish=Wanted.FINISH))
    kinds = [each.kind for each in said]
    assert "outer_step" not in kinds
    assert (said[-1].kind, said[-1].outcome, said[-1].iteration) == ("finished", "finished", paused_at)
    assert "validated" in kinds, "the state it ends with is judged"
    assert run.best() is not None
    assert len(run.evaluations()) == len(run.exports()) == 1
    assert run.state().state is State.FINISHED


def test_finish_is_not_heard_before_there_is_anything_to_finish(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    states = []
    for event in work(run):
        if event.kind in {"preparing", "notice", "started"}:
            write_control(run, Wanted.FINISH)
            states.append(run.state().state)
    assert State.FINISHING not in states
    assert run.state().iteration == 1, "the first safe point is after the first step"
