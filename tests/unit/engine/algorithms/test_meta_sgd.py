"""Meta-SGD: a rate for every weight, sign included, and exact gradients for all of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from metastudio.engine.tasks.episode import Episode
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
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner


@pytest.mark.parametrize("normalization", MODES)
def test_with_equal_rates_it_is_maml(normalization: str) -> None:
    options = {
        "algorithm__inner_lr": 0.5,  # exact in the single precision that rates are made in
        "algorithm__inner_steps": 3,
        "algorithm__test_inner_steps": 3,
        "backbone__normalization": normalization,
    }
    maml, learner = make_learner("maml", **options), make_learner("meta_sgd", **options)
    learner.network.load_state_dict(maml.network.state_dict())
    plain, mine = (outer_gradient(each, some_episodes()) for each in (maml, learner))
    assert largest_difference(plain, {name: mine[name] for name in plain}) < 1e-12
    episode = make_episode()
    answers = [each.adapt(episode.support).logits(episode.query.images) for each in (maml, learner)]
    torch.testing.assert_close(*answers, atol=1e-12, rtol=0)


def test_there_is_a_rate_for_every_weight() -> None:
    learner = make_learner("meta_sgd")
    assert [rates.shape for rates in learner.rates] == [value.shape for value in learner.network.parameters()]
    assert all(bool((rates == learner.config.inner_lr).all()) for rates in learner.float().rates)


def test_random_first_rates_fill_the_range_of_the_paper_and_follow_the_seed() -> None:
    options = {"algorithm__random_rates": True, "algorithm__inner_lr": 0.1}
    one, again, other = (
        torch.cat([rates.detach().flatten() for rates in make_learner("meta_sgd", seed=seed, **options).rates])
        for seed in (0, 0, 1)
    )
    assert 0.005 <= float(one.min()) < 0.01
    assert 0.095 < float(one.max()) <= 0.1 + 1e-8
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_weight_with_a_negative_rate_climbs_and_one_with_none_rests() -> None:
    learner, support = make_learner("meta_sgd"), make_episode().support
    rates = learner.rates[learner._names.index("head.bias")]
    with torch.no_grad():
        rates.copy_(torch.tensor([0.5, -0.5, 0.0]))
    before = learner.network.head.bias.detach().clone()
    gradient = torch.autograd.grad(
        learner.support_loss(support, learner.initial_state(support), 0), [learner.network.head.bias]
    )[0]
    after = learner.adapt(support, steps=1).weights["head.bias"]
    torch.testing.assert_close(after, before - torch.tensor([0.5, -0.5, 0.0]) * gradient, atol=1e-12, rtol=0)
    assert after[2] == before[2]


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    options = {"algorithm__inner_steps": steps, "backbone__normalization": normalization, **SMOOTH}
    assert_finite_differences_agree(stirred("meta_sgd", **options), some_episodes())


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    for _ in range(3):
        loss = reference_support_loss(weights, episode, **shape)
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        weights = {
            name: value - parameters[f"rates.{number}"] * each
            for number, ((name, value), each) in enumerate(zip(weights.items(), gradients, strict=True))
        }
    return reference_query_loss(weights, episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("meta_sgd", reference, algorithm__inner_steps=3)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12("meta_sgd", reference, algorithm__inner_steps=3, algorithm__inner_lr=0.05)


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("meta_sgd")


@pytest.mark.parametrize("is_fresh", [True, False])
def test_it_shows_a_histogram_of_its_rates(is_fresh: bool) -> None:
    learner = make_learner("meta_sgd") if is_fresh else stirred("meta_sgd")
    (table,) = learner.learned()
    assert table.rows == tuple(name for name, _ in learner.network.named_parameters())
    assert [sum(row) for row in table.values] == [value.numel() for value in learner.network.parameters()]
    edges = [tuple(map(float, column.split(" to "))) for column in table.columns]
    every = torch.cat([rates.detach().flatten() for rates in learner.rates])
    assert edges[0][0] <= float(every.min()) + 1e-3
    assert edges[-1][1] >= float(every.max()) - 1e-3
    assert all(one[1] == other[0] for one, other in pairwise(edges))
