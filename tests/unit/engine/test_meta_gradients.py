"""The meta-gradient of MAML is exact, and first order is something else."""

from __future__ import annotations

import pytest
import torch

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.reference_maml import query_loss

MODES = ["support", "batch", "running"]
DIRECTIONS = 8
STEP_WIDTHS = (1e-4, 1e-5, 1e-6)


def gradient(learner: MetaLearner, episodes: list[Episode]) -> dict[str, torch.Tensor]:
    with OneByOne() as executor:
        return learner.outer_step(episodes, executor).gradients


def reference_gradient(learner: MetaLearner, episodes: list[Episode], **options: object) -> dict[str, torch.Tensor]:
    weights = {name: value.detach().clone().requires_grad_() for name, value in learner.network.named_parameters()}
    losses = [
        query_loss(weights, (e.support.images, e.support.labels), (e.query.images, e.query.labels), lr=0.4, **options)
        for e in episodes
    ]
    gradients = torch.autograd.grad(torch.stack(losses).mean(), list(weights.values()))
    return {f"network.{name}": value for name, value in zip(weights, gradients, strict=True)}


def largest_difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_maml_agrees_with_finite_differences_on_a_smooth_network(normalization: str, steps: int) -> None:
    learner = make_learner(
        algorithm__inner_steps=steps,
        backbone__normalization=normalization,
        backbone__activation="softplus",
        backbone__downsampling="average_pool",
    )
    episodes = [make_episode(seed=seed) for seed in range(2)]
    exact = gradient(learner, episodes)
    parameters = dict(learner.named_parameters())
    random = torch.Generator().manual_seed(7)

    def mean_loss(direction: dict[str, torch.Tensor], width: float) -> float:
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.add_(direction[name], alpha=width)
        with torch.enable_grad():
            loss = sum(float(learner.task_loss(episode).loss.detach()) for episode in episodes) / len(episodes)
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.sub_(direction[name], alpha=width)
        return loss

    for _ in range(DIRECTIONS):
        direction = {
            name: torch.randn(value.shape, generator=random, dtype=value.dtype) for name, value in parameters.items()
        }
        slope = sum(float((exact[name] * direction[name]).sum()) for name in exact)
        errors = [
            abs((mean_loss(direction, width) - mean_loss(direction, -width)) / (2 * width) - slope) / abs(slope)
            for width in STEP_WIDTHS
        ]
        assert min(errors) < 1e-6


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("downsampling", ["max_pool", "stride", "average_pool"])
def test_maml_agrees_with_the_plain_loop_on_the_real_network(normalization: str, downsampling: str) -> None:
    learner = make_learner(
        algorithm__inner_steps=3, backbone__normalization=normalization, backbone__downsampling=downsampling
    )
    episodes = [make_episode(seed=seed) for seed in range(3)]
    expected = reference_gradient(
        learner, episodes, steps=3, second_order=True, normalization=normalization, downsampling=downsampling
    )
    assert largest_difference(gradient(learner, episodes), expected) < 1e-10


@pytest.mark.parametrize("normalization", MODES)
def test_inner_steps_computed_again_give_the_gradient_of_those_stored(normalization: str) -> None:
    learners = [
        make_learner(algorithm__inner_steps=3, algorithm__inner_graph=kept, backbone__normalization=normalization)
        for kept in ("store", "recompute")
    ]
    episodes = [make_episode(seed=seed) for seed in range(2)]
    stored, recomputed = (gradient(learner, episodes) for learner in learners)
    assert largest_difference(stored, recomputed) < 1e-12


@pytest.mark.parametrize("normalization", MODES)
def test_tasks_side_by_side_give_the_gradient_of_the_plain_loop_every_time_the_same(normalization: str) -> None:
    learner = make_learner(algorithm__inner_steps=2, backbone__normalization=normalization)
    episodes = [make_episode(seed=seed) for seed in range(5)]
    expected = reference_gradient(learner, episodes, steps=2, second_order=True, normalization=normalization)
    one_by_one = gradient(learner, episodes)
    with SideBySide(2) as executor:
        for _ in range(3):
            side_by_side = learner.outer_step(episodes, executor).gradients
            assert largest_difference(side_by_side, expected) < 1e-10
            assert largest_difference(side_by_side, one_by_one) == 0


@pytest.mark.parametrize("normalization", MODES)
def test_fomaml_equals_its_own_definition_and_differs_from_maml(normalization: str) -> None:
    options = {"algorithm__inner_steps": 2, "backbone__normalization": normalization}
    first, second = make_learner("fomaml", **options), make_learner("maml", **options)
    episodes = [make_episode(seed=seed) for seed in range(2)]
    expected = reference_gradient(first, episodes, steps=2, second_order=False, normalization=normalization)
    assert largest_difference(gradient(first, episodes), expected) < 1e-10
    assert largest_difference(gradient(first, episodes), gradient(second, episodes)) > 1e-3


def test_without_inner_steps_maml_is_plain_training_on_the_queries() -> None:
    learner = make_learner(algorithm__inner_steps=0, backbone__normalization="batch")
    episodes = [make_episode()]
    expected = reference_gradient(learner, episodes, steps=0, second_order=True, normalization="batch")
    assert largest_difference(gradient(learner, episodes), expected) < 1e-10


def test_running_statistics_move_once_an_outer_step_by_the_mean_over_the_tasks() -> None:
    learner = make_learner(backbone__normalization="running")
    norm = learner.network.backbone.norms[0]
    before = norm.running_mean.clone()
    with OneByOne() as executor:
        step = learner.outer_step([make_episode(seed=seed) for seed in range(3)], executor)
        assert torch.equal(norm.running_mean, before)
        learner.after_outer_step(step)
    mean = torch.stack([moments["block0"][0] for moments in step.moments]).mean(0)
    torch.testing.assert_close(norm.running_mean, 0.9 * before + 0.1 * mean.detach())
