"""Tasks in processes give the gradients of tasks on threads, bit for bit, and leave nothing behind."""

from __future__ import annotations

import time
from dataclasses import replace

import psutil
import pytest
import torch

from metastudio.catalog.entry import Family
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.errors import NumericError, ResourceError
from tests.unit.engine.algorithms.exactness import gradient_of, largest_difference
from tests.unit.engine.episodes import make_episode, make_learner

pytestmark = pytest.mark.slow
GRADIENT_METHODS = [name for name, entry in ALGORITHMS.items() if entry.family is Family.GRADIENT and name != "maml"]
DRAWN = {"draws_codes": True, "divergence_weight": 0.1}
FROZEN = {"is_frozen": True}
HARD = {"adds_hard_tasks": True}


def ready(executor: SideBySide, learner: MetaLearner, episodes: list[Episode]) -> None:
    """Begin to compute, and wait until the processes can take over."""
    deadline = time.monotonic() + 120
    learner.outer_step(episodes, executor)
    while not executor._processes.are_ready():
        time.sleep(0.05)
        assert time.monotonic() < deadline


def tasks_of_their_own(count: int) -> list[Episode]:
    """Return episodes none of which has a class of another."""
    return [
        replace(make_episode(seed=seed), classes=tuple(f"{seed}-{label}" for label in range(3)))
        for seed in range(count)
    ]


def assert_same_bits_after_a_move(
    executor: SideBySide, learner: MetaLearner, episodes: list[Episode], *, tasks: int
) -> None:
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.mul_(1.01)
    ours = learner.outer_step(episodes, executor)
    assert executor._processes.can_serve(learner, tasks), "they computed this"
    with OneByOne() as one_by_one:
        expected = learner.outer_step(episodes, one_by_one)
    assert ours.losses == expected.losses
    assert largest_difference(gradient_of(ours), gradient_of(expected)) == 0
    assert len(ours.moments) == len(expected.moments) == tasks
    for mine, theirs in zip(ours.moments, expected.moments, strict=True):
        assert all(torch.equal(a, b) for layer in theirs for a, b in zip(mine[layer], theirs[layer], strict=True))


def test_processes_give_the_same_bits_also_after_the_weights_have_moved() -> None:
    learner, episodes = make_learner(backbone__normalization="running"), tasks_of_their_own(5)
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        pids = executor.pids
        assert len(pids) == 2
        assert_same_bits_after_a_move(executor, learner, episodes, tasks=5)
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize(
    ("name", "options", "tasks"),
    [
        *(pytest.param(name, {}, 3, id=name) for name in GRADIENT_METHODS),
        pytest.param("leo", DRAWN, 3, id="leo drawn"),
        pytest.param("leo", FROZEN, 3, id="leo frozen"),
        pytest.param("meta_transfer", HARD, 4, id="hard tasks"),
    ],
)
def test_so_does_a_process_for_every_method(name: str, options: dict[str, object], tasks: int) -> None:
    """One process each: starting it is most of what this takes."""
    values = {f"algorithm__{option}": value for option, value in {"inner_steps": 2, **options}.items()}
    learner, episodes = make_learner(name, backbone__normalization="running", **values), tasks_of_their_own(3)
    with SideBySide(1, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        assert_same_bits_after_a_move(executor, learner, episodes, tasks=tasks)


class Darker:
    """A change of pictures that other processes can be told of; it may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def __call__(self, episode: Episode) -> Episode:
        if self.fails:
            raise NumericError("No such darkness.")
        images = [replace(part, images=part.images / 2) for part in (episode.support, episode.query)]
        return replace(episode, support=images[0], query=images[1], changes=None)


def test_a_process_makes_the_changes_that_an_episode_has_yet_to_go_through() -> None:
    learner = make_learner(backbone__normalization="running")
    plain = tasks_of_their_own(5)
    episodes = [replace(each, changes=Darker()) for each in plain]
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        assert_same_bits_after_a_move(executor, learner, episodes, tasks=5)
        with OneByOne() as one_by_one:
            unchanged = learner.outer_step(plain, one_by_one)
            changed = learner.outer_step(episodes, one_by_one)
        assert largest_difference(gradient_of(unchanged), gradient_of(changed)) > 0
        with pytest.raises(NumericError, match="No such darkness"):
            learner.outer_step([replace(plain[0], changes=Darker(fails=True)), *plain[1:]], executor)


def test_a_process_that_dies_is_said_and_the_others_end() -> None:
    learner, episodes = make_learner(), [make_episode(seed=seed) for seed in range(3)]
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        pids = executor.pids
        psutil.Process(pids[0]).kill()
        with pytest.raises(ResourceError, match="has ended"):
            learner.outer_step(episodes, executor)
        with pytest.raises(ResourceError, match="has ended"):
            learner.outer_step(episodes, executor)  # asked again, before it is known which
    assert not any(psutil.pid_exists(pid) for pid in pids)
