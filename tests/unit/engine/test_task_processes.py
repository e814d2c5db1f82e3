"""Tasks in processes give the gradients of tasks on threads, bit for bit, and leave nothing behind."""

from __future__ import annotations

import time

import psutil
import pytest
import torch

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.errors import ResourceError
from tests.unit.engine.episodes import make_episode, make_learner

pytestmark = pytest.mark.slow


def ready(executor: SideBySide, learner: MetaLearner, episodes: list[Episode]) -> None:
    """Compute until the processes have taken over."""
    deadline = time.monotonic() + 120
    while executor._processes is None or not executor._processes.are_ready():
        learner.outer_step(episodes, executor)
        assert time.monotonic() < deadline


@pytest.mark.parametrize("algorithm", ["maml", "reptile"])
def test_processes_give_the_same_bits_also_after_the_weights_have_moved(algorithm: str) -> None:
    learner = make_learner(algorithm, backbone__normalization="running")
    episodes = [make_episode(seed=seed) for seed in range(5)]
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        with torch.no_grad():
            for parameter in learner.parameters():
                parameter.mul_(1.01)
        ours = learner.outer_step(episodes, executor)
        pids = executor.pids
        assert len(pids) == 2
    with OneByOne() as executor:
        expected = learner.outer_step(episodes, executor)
    assert ours.losses == expected.losses
    assert all(torch.equal(ours.gradients[name], expected.gradients[name]) for name in expected.gradients)
    assert len(ours.moments) == len(expected.moments) == 5
    assert torch.equal(ours.moments[3]["block1"][0], expected.moments[3]["block1"][0])
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_process_that_dies_is_said_and_the_others_end() -> None:
    learner, episodes = make_learner(), [make_episode(seed=seed) for seed in range(3)]
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        pids = executor.pids
        psutil.Process(pids[0]).kill()
        with pytest.raises(ResourceError, match="has ended"):
            learner.outer_step(episodes, executor)
    assert not any(psutil.pid_exists(pid) for pid in pids)
