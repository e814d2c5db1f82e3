"""ANIL and BOIL: which part moves, and exactly how."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from metastudio.engine.algorithms.body_or_head import ANIL, PartOfTheNetwork
from metastudio.engine.algorithms.maml import MAML
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
    reference_descent,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode

BOTH = pytest.mark.parametrize("name", ["anil", "boil"])


def rebuilt(like: MAML, kind: type) -> PartOfTheNetwork:
    """Return a learner of another class with the same weights."""
    learner = kind(like.config, like.network.backbone, n_way=3, statistics=like.statistics).double()
    learner.load_state_dict(like.state_dict())
    return learner


class EverythingOfANIL(ANIL):
    def moves(self, name: str) -> bool:  # noqa: ARG002
        return True


class HeadWithoutKeptFeatures(PartOfTheNetwork):
    moves = ANIL.moves


@pytest.mark.parametrize("normalization", MODES)
def test_anil_with_all_parameters_adapted_is_maml(normalization: str) -> None:
    maml = stirred("maml", algorithm__inner_steps=3, backbone__normalization=normalization)
    everything = rebuilt(maml, EverythingOfANIL)
    assert largest_difference(outer_gradient(maml, some_episodes()), outer_gradient(everything, some_episodes())) == 0


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("kept", ["store", "recompute"])
def test_support_features_computed_once_change_nothing(normalization: str, kept: str) -> None:
    options = {"algorithm__inner_steps": 3, "algorithm__inner_graph": kept, "backbone__normalization": normalization}
    anil = stirred("anil", **options)
    plain = rebuilt(anil, HeadWithoutKeptFeatures)
    assert largest_difference(outer_gradient(anil, some_episodes()), outer_gradient(plain, some_episodes())) < 1e-12
    episode = make_episode(seed=4)
    answers, expected = (each.adapt(episode.support).logits(episode.query.images) for each in (anil, plain))
    torch.testing.assert_close(answers, expected, atol=1e-12, rtol=0)


@BOTH
def test_the_inner_loop_moves_its_part_and_no_other(name: str) -> None:
    learner = stirred(name)
    adapted = learner.adapt(make_episode().support, steps=3).weights
    assert adapted.keys() == dict(learner.network.named_parameters()).keys()
    moved = {key for key, value in learner.network.named_parameters() if not torch.equal(value, adapted[key])}
    head = {"head.weight", "head.bias"}
    assert moved == (head if name == "anil" else adapted.keys() - head)


def test_a_fresh_boil_can_move_its_body() -> None:
    learner = stirred("boil")
    fresh = type(learner)(learner.config, learner.network.backbone, n_way=3, statistics="support")
    assert float(fresh.network.head.weight.detach().abs().min()) > 0


@BOTH
@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(name: str, normalization: str, steps: int) -> None:
    learner = stirred(name, algorithm__inner_steps=steps, backbone__normalization=normalization, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes())


def reference(name: str, parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    moving = [each for each in weights if each.startswith("head") == (name == "anil")]
    weights = reference_descent(
        lambda state: reference_support_loss(state, episode, **shape), weights, moving, lr=0.4, steps=3
    )
    return reference_query_loss(weights, episode, normalization, **shape)


@BOTH
def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network(name: str) -> None:
    assert_agrees_with_reference_everywhere(name, partial(reference, name), algorithm__inner_steps=3)


@BOTH
def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12(name: str) -> None:
    assert_agrees_with_reference_on_resnet12(
        name, partial(reference, name), modes=["support"], algorithm__inner_steps=3
    )


@BOTH
def test_all_ways_of_computing_it_agree(name: str) -> None:
    assert_all_ways_of_computing_agree(name)
