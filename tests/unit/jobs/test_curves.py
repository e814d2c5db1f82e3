"""Curves: what events say as arrays, and what a resume makes them forget."""

from __future__ import annotations

import numpy as np

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
