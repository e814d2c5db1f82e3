"""MAML++: every part by itself, what training anneals, and exact gradients through all of it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.engine.algorithms.maml_plus_plus import MAMLPlusPlus
from metastudio.engine.inner_loop import Order
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_agrees_with_reference_everywhere,
    assert_agrees_with_reference_on_resnet12,
    assert_all_ways_of_computing_agree,
    assert_finite_differences_agree,
    gradient_of,
    largest_difference,
    network_part,
    outer_gradient,
    reference_gradient,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.test_task_processes import ready

OFF = {
    "algorithm__learned_rates": False,
    "algorithm__multi_step_share": 0.0,
    "algorithm__first_order_share": 0.0,
    "algorithm__per_step_norm": False,
}
PARTS = {
    "learned_rates": {"algorithm__learned_rates": True},
    "multi_step_share": {"algorithm__multi_step_share": 1.0},
    "per_step_norm": {"algorithm__per_step_norm": True},
}


def after(learner: MAMLPlusPlus, steps_done: int, *, of: int = 10) -> MAMLPlusPlus:
    """Return the learner where so many of its outer steps are done."""
    learner.planned_iterations = of
    learner.steps_done.fill_(steps_done)
    return learner


@pytest.mark.parametrize("normalization", MODES)
def test_with_everything_off_it_is_maml(normalization: str) -> None:
    common = {"algorithm__inner_lr": 0.2, "algorithm__inner_steps": 3, "backbone__normalization": normalization}
    maml, plus = stirred("maml", **common), stirred("mamlpp", **common, **OFF)
    assert list(dict(maml.named_parameters())) == list(dict(plus.named_parameters()))
    assert largest_difference(outer_gradient(maml, some_episodes()), outer_gradient(plus, some_episodes())) < 1e-12
    episode = make_episode()
    answers = [each.adapt(episode.support, steps=5).logits(episode.query.images) for each in (maml, plus)]
    torch.testing.assert_close(*answers, atol=1e-12, rtol=0)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_by_itself_changes_the_gradient(part: str) -> None:
    common = {"algorithm__inner_lr": 0.25, "algorithm__inner_steps": 2, **OFF}  # exact in single precision too
    without, alone = make_learner("mamlpp", **common), make_learner("mamlpp", **common | PARTS[part])
    one, other = (outer_gradient(each, some_episodes()) for each in (without, alone))
    if part == "learned_rates":  # equal ones do what one rate does; what is new is their own gradient
        rates = other.pop("rates")
        assert rates.shape == (2, 14)
        assert bool((rates != 0).all())
        assert largest_difference(one, other) < 1e-12
    else:
        assert largest_difference(one, {name: other[name] for name in one}) > 1e-4


def test_early_steps_count_equally_at_first_and_the_last_alone_in_the_end() -> None:
    learner = make_learner("mamlpp", algorithm__multi_step_share=0.5)
    weights = [after(learner, done).step_loss_weights(5) for done in range(11)]
    assert all(len(each) == 6 and sum(each) == pytest.approx(1) for each in weights)
    assert weights[0] == pytest.approx((0, 0.2, 0.2, 0.2, 0.2, 0.2))
    assert weights[2] == pytest.approx((0, 0.12, 0.12, 0.12, 0.12, 0.52))
    assert after(learner, 499, of=1000).step_loss_weights(5)[1] == pytest.approx(0.03 / 5), "no less before it ends"
    assert all(each == (0, 0, 0, 0, 0, 1) for each in weights[5:])


def test_the_loss_is_the_weighted_sum_of_the_query_losses_after_each_step() -> None:
    episode = make_episode()
    learner = after(stirred("mamlpp", algorithm__inner_steps=3, algorithm__multi_step_share=0.8), 2)
    weights = learner.step_loss_weights(3)
    assert 0 < weights[1] < weights[3]
    losses = [
        learner.query_loss(episode, learner.descend(episode.support, steps, Order.FIRST), steps).loss.item()
        for steps in range(1, 4)
    ]
    expected = sum(weight * loss for weight, loss in zip(weights[1:], losses, strict=True))
    assert learner.task_loss(episode).loss.item() == pytest.approx(expected, abs=1e-12)


def test_training_begins_in_first_order_and_goes_on_in_second() -> None:
    learner = make_learner("mamlpp", algorithm__first_order_share=0.3)
    orders = [after(learner, done).training_order() for done in range(10)]
    assert orders == [Order.FIRST] * 3 + [Order.SECOND] * 7


def test_an_applied_outer_step_is_counted_in_a_buffer() -> None:
    learner = make_learner("mamlpp")
    with OneByOne() as executor:
        for _ in range(2):
            learner.after_outer_step(learner.outer_step(some_episodes(), executor))
    assert int(learner.state_dict()["steps_done"]) == 2


def test_training_knows_how_long_it_will_be() -> None:
    values = {"algorithm": {"name": "mamlpp"}, "training": {"iterations": 77}}
    assert build_learner(ExperimentConfig.model_validate(values), train_classes=5).planned_iterations == 77


def test_steps_beyond_training_take_the_last_rates_and_normalisation() -> None:
    episode = make_episode()
    trained, longer = (stirred("mamlpp", algorithm__inner_steps=steps) for steps in (3, 6))
    own = trained.state_dict()
    places = torch.tensor([0, 1, 2, 2, 2, 2])
    repeated = {name: value[places] for name, value in own.items() if name == "rates" or "norm_offsets" in name}
    longer.load_state_dict(own | repeated)
    answers = [each.adapt(episode.support, steps=6).logits(episode.query.images) for each in (trained, longer)]
    assert torch.equal(*answers)


def test_the_normalisation_of_a_step_is_learned_and_not_adapted() -> None:
    learner, support = stirred("mamlpp", algorithm__inner_steps=2), make_episode().support
    own = dict(learner.network.named_parameters())
    for steps in (0, 1, 2, 5):
        weights = learner.adapt(support, steps=steps).weights
        for name, offsets in zip(learner._norms, learner.norm_offsets, strict=True):
            assert torch.equal(weights[name], own[name] + offsets[min(steps, 1)])
        assert not steps or not torch.equal(weights["head.weight"], own["head.weight"])


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("steps_done", [0, 9])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int, steps_done: int) -> None:
    options = {"algorithm__inner_steps": steps, "backbone__normalization": normalization, **SMOOTH}
    assert_finite_differences_agree(after(stirred("mamlpp", **options), steps_done), some_episodes())


def reference(
    parameters: Weights,
    episode: Episode,
    normalization: str,
    shape: dict[str, str],
    *,
    importance: tuple[float, ...],
    second_order: bool = True,
) -> Tensor:
    own = network_part(parameters)
    norms = [name for name in own if "norm" in name]
    moving = [name for name in own if name not in norms]
    last = len(importance) - 1

    def at(step: int, state: Weights) -> Weights:
        offsets = (parameters[f"norm_offsets.{number}"][min(step, last)] for number in range(len(norms)))
        return state | {name: own[name] + each for name, each in zip(norms, offsets, strict=True)}

    losses, state = [], own
    for step in range(last + 1):
        loss = reference_support_loss(at(step, state), episode, **shape)
        gradients = torch.autograd.grad(loss, [state[name] for name in moving], create_graph=second_order)
        rates = parameters["rates"][step]
        state = state | {
            name: state[name] - rate * each for name, rate, each in zip(moving, rates, gradients, strict=True)
        }
        losses.append(reference_query_loss(at(step + 1, state), episode, normalization, **shape))
    return sum((weight * each for weight, each in zip(importance, losses, strict=True)), torch.zeros(()))


@pytest.mark.parametrize(
    ("share", "importance"), [(1.0, (1 / 3, 1 / 3, 1 / 3)), (0.0, (0.0, 0.0, 1.0))], ids=["multi-step", "last step"]
)
def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network(
    share: float, importance: tuple[float, ...]
) -> None:
    assert_agrees_with_reference_everywhere(
        "mamlpp",
        partial(reference, importance=importance),
        algorithm__inner_steps=3,
        algorithm__multi_step_share=share,
    )


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12(
        "mamlpp", partial(reference, importance=(1 / 3, 1 / 3, 1 / 3)), algorithm__inner_steps=3
    )


def test_first_order_equals_its_own_definition_and_differs_from_second() -> None:
    learner = after(stirred("mamlpp", algorithm__inner_steps=3, algorithm__first_order_share=0.5), 4)
    shape = {"downsampling": "max_pool", "activation": "relu"}
    assert learner.step_loss_weights(3)[1:] == (0, 0, 1)
    expected = reference_gradient(
        learner,
        some_episodes(),
        lambda parameters, episode: reference(
            parameters, episode, "support", shape, importance=(0, 0, 1), second_order=False
        ),
    )
    first = outer_gradient(learner, some_episodes())
    assert largest_difference(first, expected) < 1e-10
    assert largest_difference(first, outer_gradient(after(learner, 5), some_episodes())) > 1e-3


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["last step", "multi-step"])
def test_all_ways_of_computing_it_agree(share: float) -> None:
    assert_all_ways_of_computing_agree("mamlpp", algorithm__multi_step_share=share)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mamlpp", "alpha_maml"])
def test_processes_that_compute_tasks_see_what_an_outer_step_changed(name: str) -> None:
    learner, episodes = stirred(name), some_episodes(3)
    learner.planned_iterations = 30  # the multi-step loss of MAML++ ends with the third step
    with SideBySide(2, processes_after_s=0) as executor:
        ready(executor, learner, episodes)
        at_first = gradient_of(learner.outer_step(episodes, executor))
        for _ in range(3):
            learner.after_outer_step(learner.outer_step(episodes, executor))
        beside = gradient_of(learner.outer_step(episodes, executor))
    assert largest_difference(beside, outer_gradient(learner, episodes)) == 0
    assert largest_difference(beside, at_first) > 1e-4


def test_it_shows_a_rate_for_each_layer_and_step() -> None:
    learner = stirred("mamlpp", algorithm__inner_steps=3)
    (table,) = learner.learned()
    assert table.columns == ("step 1", "step 2", "step 3")
    assert table.rows == learner._moving
    assert table.values[4][1] == learner.rates[1, 4].item()
    assert make_learner("mamlpp", algorithm__learned_rates=False).learned() == ()
