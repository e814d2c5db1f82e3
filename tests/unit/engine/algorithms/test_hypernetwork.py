"""Hypernetwork initialisation: the head is written from the support set, and gradients go through the writing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metastudio.engine.tasks.episode import Episode, LabelledImages
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_agrees_with_reference_everywhere,
    assert_agrees_with_reference_on_resnet12,
    assert_all_ways_of_computing_agree,
    assert_finite_differences_agree,
    largest_difference,
    network_part,
    outer_gradient,
    reference_descent,
    reference_features,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner

SMALL = {"algorithm__hidden_width": 6}


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = stirred(
        "hypernetwork", algorithm__inner_steps=steps, backbone__normalization=normalization, **SMALL, **SMOOTH
    )
    assert_finite_differences_agree(learner, some_episodes())


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    support = episode.support
    width = weights["head.weight"].shape[1]
    features = reference_features(weights, support.images, **shape)
    means = [features[support.labels == label].mean(0) for label in range(episode.n_way)]
    rows = []
    for mean in means:
        read = torch.cat([mean, sum(means) / len(means)])
        hidden = torch.tanh(parameters["writer.read.weight"] @ read + parameters["writer.read.bias"])
        rows.append(parameters["writer.write.weight"] @ hidden + parameters["writer.write.bias"])
    head = torch.stack(rows)
    weights = weights | {"head.weight": head[:, :width], "head.bias": head[:, width]}
    weights = reference_descent(
        lambda state: reference_support_loss(state, episode, **shape), weights, list(weights), lr=0.4, steps=3
    )
    return reference_query_loss(weights, episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("hypernetwork", reference, algorithm__inner_steps=3, **SMALL)


@pytest.mark.slow
def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12(
        "hypernetwork", reference, modes=["support"], algorithm__inner_steps=3, **SMALL
    )


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("hypernetwork", **SMALL)


def test_a_fresh_one_is_maml_with_a_head_of_zeros() -> None:
    learner, maml = make_learner("hypernetwork"), make_learner("maml")
    with torch.no_grad():
        maml.network.backbone.load_state_dict(learner.network.backbone.state_dict())
        for value in maml.network.head.parameters():
            value.zero_()
    mine, plain = (outer_gradient(each, some_episodes()) for each in (learner, maml))
    body = [name for name in plain if "backbone" in name]
    assert largest_difference({name: mine[name] for name in body}, {name: plain[name] for name in body}) < 1e-12
    assert float(mine["writer.write.weight"].abs().max()) > 0


def test_what_is_written_depends_on_the_task() -> None:
    learner = stirred("hypernetwork", **SMALL)
    one, other = (learner.initial_state(make_episode(seed=seed).support)["head.weight"] for seed in range(2))
    assert float((one - other).detach().abs().max()) > 1e-3


def test_logits_permute_with_the_classes_and_there_may_be_any_number() -> None:
    learner, episode = stirred("hypernetwork", **SMALL), make_episode(n_way=5)
    number = torch.tensor([2, 0, 4, 1, 3])
    renumbered = LabelledImages(episode.support.images, number[episode.support.labels])
    before = learner.adapt(episode.support).logits(episode.query.images)
    after = learner.adapt(renumbered).logits(episode.query.images)
    assert float((after[:, number] - before).abs().max()) < 1e-10
