"""Alpha-MAML: both hypergradients against finite differences and the paper's formulas, and what they move."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from metastudio.engine.algorithms.alpha_maml import INNER_RATE, AlphaMAML, HypergradientStep
from metastudio.engine.learner import load_learner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne
from metastudio.engine.training.schedules import outer_lr
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
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

OUTER_LR = 0.05
CLIP = 0.01
WIDTHS = (1e-3, 1e-4, 1e-5)
OPTIMIZERS = pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])


def hypergradients(learner: AlphaMAML, episodes: list[Episode]) -> HypergradientStep:
    with OneByOne() as executor:
        return learner.outer_step(episodes, executor)


def mean_loss(learner: AlphaMAML, episodes: list[Episode]) -> float:
    return sum(learner.task_loss(episode).loss.item() for episode in episodes) / len(episodes)


def trained(learner: AlphaMAML, optimizer: torch.optim.Optimizer, episodes: list[Episode]) -> HypergradientStep:
    """Apply an outer step as the trainer does, with a constant schedule."""
    step = hypergradients(learner, episodes)
    for group in optimizer.param_groups:
        group["lr"] = OUTER_LR * learner.outer_lr_factor()
    for name, parameter in learner.named_parameters():
        parameter.grad = step.gradients[name].clone()
    optimizer.step()
    learner.after_outer_step(step)
    return step


def best_error(slope: float, difference_of: list[float]) -> float:
    return min(abs(each - slope) / abs(slope) for each in difference_of)


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_hypergradient_of_the_inner_rate_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = stirred("alpha_maml", algorithm__inner_steps=steps, backbone__normalization=normalization, **SMOOTH)
    episodes = some_episodes()
    slope = hypergradients(learner, episodes).inner

    def loss_at(change: float) -> float:
        with torch.no_grad():
            learner.inner_rate.add_(change)
        loss = mean_loss(learner, episodes)
        with torch.no_grad():
            learner.inner_rate.sub_(change)
        return loss

    assert best_error(slope, [(loss_at(width) - loss_at(-width)) / (2 * width) for width in WIDTHS]) < 1e-6


def test_after_one_inner_step_it_is_the_papers_product_of_query_and_support_gradient() -> None:
    learner, episode = stirred("alpha_maml", algorithm__inner_steps=1), make_episode()
    shape = {"downsampling": "max_pool", "activation": "relu"}
    weights = {name: value.detach().clone().requires_grad_() for name, value in learner.network.named_parameters()}
    support = torch.autograd.grad(reference_support_loss(weights, episode, **shape), list(weights.values()))
    after = {
        name: (value - learner.inner_rate * each).detach().requires_grad_()
        for (name, value), each in zip(weights.items(), support, strict=True)
    }
    query = torch.autograd.grad(reference_query_loss(after, episode, "support", **shape), list(after.values()))
    expected = -sum((one * other).sum().item() for one, other in zip(query, support, strict=True))
    assert hypergradients(learner, [episode]).inner == pytest.approx(expected, abs=1e-10)


@OPTIMIZERS
def test_the_hypergradient_of_the_outer_rate_agrees_with_finite_differences(kind: type[torch.optim.Optimizer]) -> None:
    learner = stirred("alpha_maml", algorithm__inner_steps=2, algorithm__outer_hyper_lr=0.5, **SMOOTH)
    optimizer = kind(learner.parameters(), lr=OUTER_LR)
    first, second = some_episodes(1), [make_episode(seed=5)]
    trained(learner, optimizer, first)  # so that there is a history, and a factor that is not one
    trained(learner, optimizer, second)
    assert abs(learner.outer_lr_factor() - 1) > 1e-4

    def after_step_with(change: float) -> AlphaMAML:
        other = copy.deepcopy(learner)
        with torch.no_grad():
            other.outer_factor.add_(change)
        its_optimizer = kind(other.parameters(), lr=OUTER_LR)
        its_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        trained(other, its_optimizer, first)
        with torch.no_grad():  # F(θ) of the next meta-batch depends on the factor by θ alone
            other.inner_rate.fill_(0.3)
        return other

    slope = hypergradients(after_step_with(0), second).outer
    differences = [
        (mean_loss(after_step_with(width), second) - mean_loss(after_step_with(-width), second)) / (2 * width)
        for width in WIDTHS
    ]
    assert best_error(slope, differences) < 1e-6


def test_with_plain_descent_it_is_the_papers_product_of_successive_gradients() -> None:
    learner = stirred("alpha_maml")
    optimizer = torch.optim.SGD(learner.parameters(), lr=OUTER_LR)
    before, now = trained(learner, optimizer, some_episodes(1)), hypergradients(learner, [make_episode(seed=5)])
    assert before.outer == 0, "the first step has none before it"
    product = sum(
        (before.gradients[name] * now.gradients[name]).sum().item() for name in now.gradients if name != INNER_RATE
    )
    assert now.outer == pytest.approx(-OUTER_LR * product, rel=1e-9)  # by the factor: the schedule's rate times ∂F/∂β


@OPTIMIZERS
def test_each_rate_moves_down_its_hypergradient_and_the_optimiser_moves_neither(
    kind: type[torch.optim.Optimizer],
) -> None:
    learner = stirred("alpha_maml", algorithm__inner_hyper_lr=0.01, algorithm__outer_hyper_lr=0.2)
    optimizer = kind(learner.parameters(), lr=OUTER_LR)
    for seed in range(4):
        rate, factor = learner.inner_rate.item(), learner.outer_lr_factor()
        step = trained(learner, optimizer, [make_episode(seed=seed)])
        assert learner.inner_rate.item() == pytest.approx(rate - 0.01 * step.inner, rel=1e-12)
        assert learner.outer_lr_factor() == pytest.approx(factor - 0.2 * step.outer, rel=1e-12)
    assert learner.outer_lr_factor() != 1


def test_rates_stay_above_zero() -> None:
    learner = stirred("alpha_maml", algorithm__inner_hyper_lr=1.0, algorithm__outer_hyper_lr=1.0)
    step = hypergradients(learner, some_episodes())
    learner.after_outer_step(dataclasses.replace(step, inner=1e6, outer=1e6))
    assert learner.inner_rate.item() > 0
    assert learner.outer_lr_factor() > 0


def test_with_both_steps_at_zero_it_trains_as_maml_does_at_any_rate_and_with_clipped_gradients() -> None:
    rate = 2.0**-12  # below the smallest rate that it would come to by itself, and exact in single precision
    maml = make_learner("maml", algorithm__inner_lr=rate)
    options = {"algorithm__inner_hyper_lr": 0.0, "algorithm__outer_hyper_lr": 0.0}
    learner = make_learner("alpha_maml", algorithm__inner_lr=rate, **options)
    start = {name: value.detach().clone() for name, value in maml.named_parameters()}
    for each in (maml, learner):
        optimizer = torch.optim.SGD(each.parameters(), lr=OUTER_LR)
        for seed in range(3):
            with OneByOne() as executor:
                step = each.outer_step([make_episode(seed=seed)], executor)
            for name, parameter in each.named_parameters():
                parameter.grad = step.gradients[name].clone()
            norm = torch.nn.utils.clip_grad_norm_(each.parameters(), CLIP)
            assert norm > CLIP, "so that clipping does something"
            optimizer.step()
            each.after_outer_step(step)
    mine, plain = ({name: value.detach() for name, value in each.named_parameters()} for each in (learner, maml))
    assert mine[INNER_RATE].item() == rate
    assert largest_difference({name: mine[name] for name in plain}, plain) < 1e-12
    assert largest_difference(plain, start) > 1e-4


def test_the_inner_rate_has_no_say_in_how_long_the_gradient_is() -> None:
    learner = stirred("alpha_maml")
    step = hypergradients(learner, some_episodes())
    assert step.gradients[INNER_RATE].item() == 0
    assert abs(step.inner) > 1e-3


@pytest.mark.parametrize("normalization", MODES)
def test_at_the_same_rate_its_gradient_is_that_of_maml(normalization: str) -> None:
    options = {"algorithm__inner_lr": 0.5, "algorithm__inner_steps": 3, "backbone__normalization": normalization}
    maml, learner = make_learner("maml", **options), make_learner("alpha_maml", **options)
    learner.network.load_state_dict(maml.network.state_dict())
    plain, mine = (outer_gradient(each, some_episodes()) for each in (maml, learner))
    assert largest_difference(plain, {name: mine[name] for name in plain}) < 1e-12


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    options = {"algorithm__inner_steps": steps, "backbone__normalization": normalization, **SMOOTH}
    assert_finite_differences_agree(stirred("alpha_maml", **options), some_episodes())


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    weights = reference_descent(
        lambda state: reference_support_loss(state, episode, **shape),
        weights,
        list(weights),
        lr=parameters["inner_rate"],
        steps=3,
    )
    return reference_query_loss(weights, episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("alpha_maml", reference, algorithm__inner_steps=3)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12("alpha_maml", reference, algorithm__inner_steps=3)


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("alpha_maml")


def test_training_takes_the_schedules_rate_times_the_factor(tmp_path: Path) -> None:
    algorithm = {"name": "alpha_maml", "inner_hyper_lr": 0.05, "outer_hyper_lr": 1.0}
    experiment = small_experiment(make_glyphs(tmp_path / "glyphs"), algorithm=algorithm)
    run = small_run(tmp_path, experiment)
    events = work_until(run)
    rates = [event.lr for event in events if event.kind == "outer_step"]
    factors = [rate / outer_lr(experiment.training, number) for number, rate in enumerate(rates, 1)]
    assert factors[:2] == [1, 1], "the first hypergradient is that of the second step, for the third"
    assert len(set(factors)) == len(factors) - 1
    shown = [event for event in events if event.kind == "learned"]
    learner = load_learner(run, "last")
    assert [event.iteration for event in shown] == [3, 6]
    assert shown[-1].values == ((learner.inner_rate.item(),), (learner.outer_lr_factor(),))
    assert all(event.values[0][0] != pytest.approx(0.4, abs=1e-6) for event in shown)
