"""Curves: what events say as arrays, and what a resume makes them forget."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastudio.jobs.curves import Curves, Series
from metastudio.runs.events import InnerTrace, OuterStep, Preparing, Started, Validated


def step(iteration: int, **values: object) -> OuterStep:
    known = {"loss": 1 / iteration, "accuracy": 0.5, "gradient_norm": 1.0, "lr": 0.1, "tasks_per_s": 10.0}
    return OuterStep(iteration=iteration, memory_bytes=1, elapsed_s=0.5 * iteration, **(known | values))


def started(iteration: int = 0, iterations: int = 100) -> Started:
    return Started(iteration=iteration, iterations=iterations, device="cpu", executor="one", threads=1)


def validated(iteration: int, accuracy: float, *, is_best: bool) -> Validated:
    return Validated(iteration=iteration, accuracy=accuracy, ci95=0.01, loss=1.0, episodes=10, is_best=is_best)


def test_a_series_grows_past_its_first_size() -> None:
    series = Series(2)
    for number in range(1000):
        series.append(number, None)
    assert len(series) == 1000
    assert series.column(0)[-1] == 999
    assert np.isnan(series.column(1)).all()


def test_a_resume_forgets_what_came_after_its_checkpoint() -> None:
    curves = Curves()
    trace = InnerTrace(iteration=9, task=0, support_losses=(1.0, 0.5), query_losses=(1.0, 0.7))
    curves.add([started(), *(step(number) for number in range(1, 11)), trace, validated(10, 0.9, is_best=True)])
    curves.add([started(iteration=5)])
    assert list(curves.steps.column(0)) == [1, 2, 3, 4, 5]
    assert len(curves.validations) == 0
    assert curves.best is None
    assert curves.traced_iterations() == []


def test_time_left_follows_the_pace_of_this_stay() -> None:
    curves = Curves()
    curves.add([started(iterations=100)])
    assert curves.seconds_left() is None
    curves.add([step(number) for number in range(1, 21)])
    assert curves.seconds_left() == 40.0
    curves.add([step(number) for number in range(21, 101)])
    assert curves.seconds_left() is None, "it evaluates and exports, for who knows how long"


def test_the_phase_is_over_when_training_begins() -> None:
    curves = Curves()
    curves.add([Preparing(phase="reading images", done=1, total=2)])
    assert curves.phase is not None
    curves.add([started()])
    assert curves.phase is None


def test_the_best_is_the_one_the_worker_says() -> None:
    curves = Curves()
    curves.add([validated(1, 0.9, is_best=True), validated(2, 0.8, is_best=False)])
    assert curves.best is not None
    assert curves.best.iteration == 1


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30), st.booleans()), max_size=12))
def test_a_run_that_went_on_again_and_again_has_no_zigzag(stays: list[tuple[int, int, bool]]) -> None:
    """Every stay trains a little, and the next begins at an earlier checkpoint; of some the first line is lost."""
    curves, at, told = Curves(), 0, {}
    for stay, (count, back, says_so) in enumerate(stays):
        at = max(0, at - back)
        if says_so:
            curves.add([started(iteration=at)])
            told = {number: loss for number, loss in told.items() if number <= at}
        for number in range(at + 1, at + count + 1):
            curves.add([step(number, loss=float(stay))])
            told = {each: loss for each, loss in told.items() if each < number} | {number: float(stay)}
        at += count
    iterations = curves.steps.column(0)
    assert (np.diff(iterations) > 0).all()
    assert dict(zip(iterations.tolist(), curves.steps.column(1).tolist(), strict=True)) == told


def test_a_history_knows_when_and_after_how_much_training_things_were() -> None:
    curves = Curves()
    curves.add([step(1, at="2026-01-01T10:00:00+00:00"), step(2, at="no time")])
    curves.add([validated(2, 0.5, is_best=True)])
    assert curves.steps.column(10)[0] == 1767261600
    assert np.isnan(curves.steps.column(10)[1])
    assert curves.validations.column(6)[0] == 1.0
