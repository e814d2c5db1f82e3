"""CAVIA: the context adapts, from zero for every task, and nothing else does."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from metastudio.engine.algorithms.cavia import CONTEXT
from metastudio.engine.inner_loop import Order
from metastudio.engine.tasks.episode import Episode
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_agrees_with_reference_everywhere,
    assert_agrees_with_reference_on_resnet12,
    assert_all_ways_of_computing_agree,
    assert_finite_differences_agree,
    network_part,
    reference_descent,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode

LAYER = "backbone.norms.2"
LAYER_OF_RESNET12 = "backbone.blocks.2.norms.2"
THREE_STEPS = {"algorithm__inner_lr": 1.0, "algorithm__inner_steps": 3, "algorithm__context_size": 6}


@pytest.mark.parametrize(
    ("backbone", "block", "layer"),
    [("conv4", 1, "backbone.norms.0"), ("conv4", 3, LAYER), ("resnet12", 3, LAYER_OF_RESNET12)],
)
def test_only_the_context_adapts_and_only_its_layer_changes(backbone: str, block: int, layer: str) -> None:
    learner = stirred("cavia", backbone__name=backbone, algorithm__context_block=block)
    adapted = learner.adapt(make_episode().support, steps=3).weights
    changed = {key for key, value in learner.network.named_parameters() if not torch.equal(value, adapted[key])}
    assert changed == {f"{layer}.weight", f"{layer}.bias"}


def test_the_context_is_zero_at_the_start_of_every_task_and_leaves_the_network_as_it_is() -> None:
    learner = stirred("cavia")
    first, second = make_episode(seed=1), make_episode(seed=2)
    alone = learner.adapt(second.support).logits(second.query.images)
    learner.adapt(first.support)
    learner.task_loss(first).loss.backward()
    state = learner.initial_state(second.support)
    assert not state[CONTEXT].any()
    for name, value in learner.weights_of(state, 0).items():
        assert torch.equal(value, dict(learner.network.named_parameters())[name])
    assert torch.equal(learner.adapt(second.support).logits(second.query.images), alone)


def test_a_fresh_learner_can_move_its_context() -> None:
    learner = stirred("cavia")
    fresh = type(learner)(learner.config, learner.network.backbone, n_way=3, statistics="support").double()
    state = fresh.descend(make_episode().support, 1, Order.FIRST)
    assert state[CONTEXT].abs().min() > 0


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = stirred(
        "cavia",
        algorithm__inner_lr=1.0,
        algorithm__inner_steps=steps,
        algorithm__context_size=5,
        backbone__normalization=normalization,
        **SMOOTH,
    )
    assert_finite_differences_agree(learner, some_episodes())


def film(layer: str, parameters: Weights, context: Tensor) -> Weights:
    """Return weights after the paper: γ f + β on the maps f = w x + b that the layer gives."""
    weights = network_part(parameters)
    channels = len(weights[f"{layer}.weight"])
    gamma = 1 + parameters["film.weight"][:channels] @ context
    beta = parameters["film.weight"][channels:] @ context
    return weights | {
        f"{layer}.weight": gamma * weights[f"{layer}.weight"],
        f"{layer}.bias": gamma * weights[f"{layer}.bias"] + beta,
    }


def reference(layer: str, parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    context = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    state = reference_descent(
        lambda state: reference_support_loss(film(layer, parameters, state["context"]), episode, **shape),
        {"context": context},
        ["context"],
        lr=1.0,
        steps=3,
    )
    return reference_query_loss(film(layer, parameters, state["context"]), episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("cavia", partial(reference, LAYER), **THREE_STEPS)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12(
        "cavia", partial(reference, LAYER_OF_RESNET12), modes=["support"], **THREE_STEPS
    )


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("cavia", algorithm__inner_lr=1.0, algorithm__context_size=6)
