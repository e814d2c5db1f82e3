"""Adaptation leaves a learner as it was, and single pieces of an outer step do what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from metastudio.catalog.experiment import TrainingSpec
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.algorithms.prototypical import negative_squared_distances, relative_logits
from metastudio.engine.algorithms.reptile import _mini_batches
from metastudio.engine.inner_loop import Adam
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.training.executor import OneByOne
from metastudio.engine.training.schedules import outer_lr
from metastudio.errors import NumericError
from tests.unit.engine.algorithms.exactness import MODES, largest_difference, outer_gradient, reference_support_loss
from tests.unit.engine.episodes import make_episode, make_learner

RELU_AND_MAX_POOL = {"downsampling": "max_pool", "activation": "relu"}


def test_prototypes_are_class_means_however_unequal_the_shots() -> None:
    features = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    prototypes = prototypes_of(features, torch.tensor([0, 0, 1]), 2)
    assert prototypes.tolist() == [[1.0, 0.0], [5.0, 5.0]]


def test_logits_of_prototypes_are_negative_squared_distances() -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(6, 5, generator=random, dtype=torch.float64)
    prototypes = torch.randn(3, 5, generator=random, dtype=torch.float64)
    expected = -(torch.cdist(features, prototypes) ** 2)
    torch.testing.assert_close(negative_squared_distances(features, prototypes), expected)


@pytest.mark.parametrize(("feature_width", "scale"), [(64, 1.0), (1600, 0.04)])
def test_wide_features_give_logits_as_large_as_those_of_64(feature_width: int, scale: float) -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(6, feature_width, generator=random, dtype=torch.float64)
    prototypes = torch.randn(3, feature_width, generator=random, dtype=torch.float64)
    expected = -scale * torch.cdist(features, prototypes) ** 2
    torch.testing.assert_close(negative_squared_distances(features, prototypes), expected)
    relative = relative_logits(features, prototypes)
    torch.testing.assert_close(relative.softmax(1), expected.softmax(1))


def test_the_inner_adam_equals_the_one_of_torch() -> None:
    start = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    theirs = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([theirs], lr=0.1, betas=(0.0, 0.999))
    ours, rule = {"w": start.clone()}, Adam(0.1)
    for step in range(5):
        theirs.grad = theirs.detach() ** 2 + step
        ours = rule(ours, {"w": ours["w"] ** 2 + step}, step)
        optimizer.step()
    torch.testing.assert_close(ours["w"], theirs.detach())


@pytest.mark.parametrize("normalization", MODES)
def test_reptile_moves_towards_where_adam_ends_on_the_task(normalization: str) -> None:
    options = {"algorithm__inner_lr": 0.01, "algorithm__inner_steps": 5, "backbone__normalization": normalization}
    learner, episode = make_learner("reptile", algorithm__inner_batch_size=3, **options), make_episode(n_shot=4)
    weights = {name: value.detach().clone().requires_grad_() for name, value in learner.network.named_parameters()}
    optimizer = torch.optim.Adam(weights.values(), lr=0.01, betas=(0.0, 0.999))
    for rows in _mini_batches(episode.support.labels, steps=5, batch_size=3):
        batch = LabelledImages(episode.support.images[rows], episode.support.labels[rows])
        optimizer.zero_grad()
        loss = reference_support_loss(weights, replace(episode, support=batch), **RELU_AND_MAX_POOL)
        loss.backward()
        optimizer.step()
    gradients = outer_gradient(learner, [episode])
    for name, initial in learner.network.named_parameters():
        expected = (initial - weights[name]).detach()
        torch.testing.assert_close(gradients[f"network.{name}"], expected, atol=1e-10, rtol=0)
    assert largest_difference(gradients, outer_gradient(make_learner("maml", **options), [episode])) > 1e-2


@pytest.mark.parametrize("normalization", MODES)
def test_a_trace_of_reptile_in_training_ends_where_its_training_step_does(normalization: str) -> None:
    learner = make_learner("reptile", algorithm__inner_batch_size=3, backbone__normalization=normalization)
    episode = make_episode(n_shot=4)
    trace, result = learner.inner_trace(episode), learner.task_loss(episode)
    assert len(trace.query_losses) == len(trace.support_losses) == learner.config.inner_steps + 1
    assert trace.query_losses[-1] == float(result.loss)
    assert trace.query_accuracies[-1] == result.accuracy
    assert trace.query_losses[0] != trace.query_losses[-1]


def test_reptile_goes_through_the_whole_support_set_in_balanced_batches() -> None:
    labels = torch.arange(3).repeat_interleave(4)
    batches = _mini_batches(labels, steps=8, batch_size=3)
    assert all(sorted(labels[rows].tolist()) == [0, 1, 2] for rows in batches)
    assert sorted(torch.cat(batches[:4]).tolist()) == list(range(12))
    assert sorted(torch.cat(batches[4:]).tolist()) == list(range(12))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0, 1.0, 1.0]),
        ("linear", [1.0, 0.5, 0.01]),
        ("cosine", [1.0, 0.5, 0.000247]),
        ("halving", [1.0, 0.25, 0.0625]),
    ],
)
def test_the_outer_rate_follows_its_schedule(schedule: str, expected: list[float]) -> None:
    training = TrainingSpec(iterations=100, outer_lr=1.0, schedule=schedule, halve_every=24)
    assert [outer_lr(training, iteration) for iteration in (1, 51, 100)] == pytest.approx(expected, rel=2e-3)


def test_a_loss_that_is_no_number_names_the_classes_of_its_task() -> None:
    learner, episode = make_learner(), make_episode()
    episode.query.images[0] = float("nan")
    with OneByOne() as executor, pytest.raises(NumericError, match="class 0, class 1, class 2"):
        learner.outer_step([make_episode(), episode], executor)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_support_statistics_answer_each_picture_alone_and_batch_ones_do_not(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    alone = learner.adapt(episode.support)
    together = learner.adapt(episode.support, statistics="batch")
    images = episode.query.images
    one_by_one = torch.cat([alone.logits(image[None]) for image in images])
    torch.testing.assert_close(alone.logits(images), one_by_one)
    assert not torch.allclose(together.logits(images), together.logits(images[:2])[:1], atol=1e-6)
