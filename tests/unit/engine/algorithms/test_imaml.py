"""iMAML: the analytic answer on a quadratic, the true gradient at a solved inner problem, and flat memory."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.algorithms.imaml import conjugate_gradients, implicit_gradient, proximal_descent
from metastudio.engine.algorithms.maml import MAML
from metastudio.engine.inner_loop import Order, descend
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.executor import SideBySide
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_finite_differences_agree,
    largest_difference,
    network_part,
    outer_gradient,
    reference_descent,
    reference_gradient,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode

PROXIMAL = 30.0
SOLVED = {
    "algorithm__proximal": PROXIMAL,
    "algorithm__inner_lr": 0.02,
    "algorithm__inner_steps": 50,
    "algorithm__cg_steps": 60,
    "algorithm__cg_damping": 0.0,
}
"""So strong a pull and so many steps that the inner problem is solved to rounding."""


def random_tensor(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def quadratic() -> tuple[Tensor, Tensor]:
    """Return A (P, P), symmetric and positive, and b (P,) of the loss φᵀAφ/2 - bᵀφ."""
    root = random_tensor(6, 6, seed=0)
    return root @ root.T, random_tensor(6, seed=1)


def test_inner_loop_and_outer_gradient_agree_with_the_analytic_solution_on_a_quadratic() -> None:
    matrix, vector = quadratic()
    identity, start, goal = torch.eye(6, dtype=torch.float64), random_tensor(6, seed=2), random_tensor(6, seed=3)

    def loss(weights: Weights, step: int = 0) -> Tensor:
        phi = torch.cat([weights["one"].flatten(), weights["two"]])
        return 0.5 * phi @ matrix @ phi - vector @ phi

    theta = {"one": start[:4].view(2, 2).requires_grad_(), "two": start[4:].requires_grad_()}
    update = proximal_descent(0.05, 2.0)
    found = descend(loss, theta, adapted=tuple(theta), update=update, steps=800, order=Order.FIRST)
    solution = {name: value.detach().requires_grad_() for name, value in found.items()}
    expected = torch.linalg.solve(matrix + 2.0 * identity, vector + 2.0 * start.detach())
    torch.testing.assert_close(torch.cat([solution["one"].flatten(), solution["two"]]).detach(), expected)

    outer = expected - goal  # of the query loss ‖φ - goal‖²/2
    parts = {"one": outer[:4].view(2, 2), "two": outer[4:]}
    for damping in (0.0, 0.5):
        gradient = implicit_gradient(loss, solution, parts, proximal=2.0, steps=10, damping=damping)
        analytic = torch.linalg.solve((1 + damping) * identity + matrix / 2.0, outer)
        torch.testing.assert_close(torch.cat([gradient["one"].flatten(), gradient["two"]]), analytic)
    through_the_minimum = 2.0 * torch.linalg.solve(matrix + 2.0 * identity, outer)  # dφ*/dθ = λ (A + λ I)⁻¹
    gradient = implicit_gradient(loss, solution, parts, proximal=2.0, steps=10)
    torch.testing.assert_close(torch.cat([gradient["one"].flatten(), gradient["two"]]), through_the_minimum)


def test_the_solver_needs_one_step_for_each_different_eigenvalue() -> None:
    spectrum = torch.tensor([1.0, 1.0, 4.0, 4.0, 9.0], dtype=torch.float64)
    target = random_tensor(5, seed=4)
    solved = conjugate_gradients(lambda vector: spectrum * vector, target, 3)
    torch.testing.assert_close(solved, target / spectrum)
    assert not torch.allclose(conjugate_gradients(lambda vector: spectrum * vector, target, 2), target / spectrum)


def test_the_solver_stays_finite_where_nothing_is_left_and_where_the_curvature_is_not_positive() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(conjugate_gradients(lambda vector: 2 * vector, zero, 5), zero)
    target = random_tensor(3, seed=5)
    torch.testing.assert_close(conjugate_gradients(lambda vector: 2 * vector, target, 50), target / 2)
    assert torch.equal(conjugate_gradients(lambda vector: -vector, target, 5), target)
    saddle = torch.tensor([3.0, 2.0, -1.0], dtype=torch.float64)
    assert conjugate_gradients(lambda vector: saddle * vector, target, 50).isfinite().all()
    assert torch.equal(conjugate_gradients(lambda vector: 2 * vector, target, 0), target)


@pytest.mark.parametrize("normalization", MODES)
def test_at_a_solved_inner_problem_the_gradient_agrees_with_finite_differences(normalization: str) -> None:
    """To 1e-5: what is compared is an inner problem solved anew from either side."""
    learner = stirred("imaml", backbone__normalization=normalization, **SOLVED, **SMOOTH)
    assert_finite_differences_agree(learner, [make_episode()], directions=1, tolerance=1e-5)


@pytest.mark.parametrize("normalization", MODES)
def test_at_a_solved_inner_problem_the_gradient_is_that_of_the_unrolled_steps(normalization: str) -> None:
    learner = stirred("imaml", backbone__normalization=normalization, **SOLVED, **SMOOTH)
    shape = {"downsampling": "average_pool", "activation": "softplus"}

    def unrolled(parameters: Weights, episode: Episode) -> Tensor:
        theta = network_part(parameters)

        def proximal_loss(state: Weights) -> Tensor:
            distance = torch.stack([((state[name] - theta[name]) ** 2).sum() for name in theta]).sum()
            return reference_support_loss(state, episode, **shape) + 0.5 * PROXIMAL * distance

        state = reference_descent(proximal_loss, theta, list(theta), lr=0.02, steps=50)
        return reference_query_loss(state, episode, normalization, **shape)

    expected = reference_gradient(learner, [make_episode()], unrolled)
    assert largest_difference(outer_gradient(learner, [make_episode()]), expected) < 1e-8


def dense_solution(learner: MetaLearner, episode: Episode, normalization: str, downsampling: str) -> Weights:
    """Return the outer gradient by a whole Hessian and a direct solver, at the end of a plain proximal loop."""
    shape = {"downsampling": downsampling, "activation": "relu"}
    config = learner.config
    theta = {name: value.detach().clone() for name, value in learner.network.named_parameters()}
    sizes = [value.numel() for value in theta.values()]

    def named(flat: Tensor) -> Weights:
        return {
            name: part.view(value.shape) for (name, value), part in zip(theta.items(), flat.split(sizes), strict=True)
        }

    start = phi = torch.cat([value.flatten() for value in theta.values()])
    for _ in range(config.inner_steps):
        phi = phi.detach().requires_grad_()
        loss = reference_support_loss(named(phi), episode, **shape) + 0.5 * config.proximal * ((phi - start) ** 2).sum()
        phi = phi - config.inner_lr * torch.autograd.grad(loss, phi)[0]
    phi = phi.detach().requires_grad_()
    outer = torch.autograd.grad(reference_query_loss(named(phi), episode, normalization, **shape), phi)[0]
    slope = torch.autograd.grad(reference_support_loss(named(phi), episode, **shape), phi, create_graph=True)[0]
    hessian = torch.stack([torch.autograd.grad(each, phi, retain_graph=True)[0] for each in slope])
    matrix = (1 + config.cg_damping) * torch.eye(len(phi), dtype=phi.dtype) + hessian / config.proximal
    return {f"network.{name}": value for name, value in named(torch.linalg.solve(matrix, outer)).items()}


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("downsampling", ["max_pool", "stride"])
def test_the_gradient_agrees_with_a_dense_solve_on_the_real_network(normalization: str, downsampling: str) -> None:
    learner = stirred(
        "imaml",
        backbone__filters=3,
        backbone__normalization=normalization,
        backbone__downsampling=downsampling,
        algorithm__inner_steps=5,
        algorithm__proximal=5.0,
        algorithm__cg_steps=400,
    )
    episode = make_episode(seed=1)
    expected = dense_solution(learner, episode, normalization, downsampling)
    assert largest_difference(outer_gradient(learner, [episode]), expected) < 1e-10


@pytest.mark.parametrize("normalization", MODES)
def test_tasks_side_by_side_give_the_gradient_of_one_after_another_bit_for_bit(normalization: str) -> None:
    learner = stirred("imaml", backbone__normalization=normalization)
    episodes = some_episodes(3)
    alone = outer_gradient(learner, episodes)
    with SideBySide(2) as executor:
        assert largest_difference(learner.outer_step(episodes, executor).gradients, alone) == 0


def test_without_solver_steps_it_is_the_first_order_gradient() -> None:
    learner = stirred("imaml", algorithm__cg_steps=0)
    episode = make_episode()
    state = learner.descend(episode.support, learner.config.inner_steps, Order.FIRST)
    adapted = {name: value.detach().requires_grad_() for name, value in state.items()}
    expected = torch.autograd.grad(learner.query_loss(episode, adapted, 0).loss, list(adapted.values()))
    gradient = outer_gradient(learner, [episode])
    for one, other in zip(gradient.values(), expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_a_task_with_fewer_classes_than_the_head_moves_only_its_part_of_the_head() -> None:
    learner = stirred("imaml")
    gradient = outer_gradient(learner, [make_episode(n_way=2)])
    assert gradient["network.head.weight"].shape == learner.network.head.weight.shape
    assert gradient["network.head.weight"][:2].any()
    assert not gradient["network.head.weight"][2:].any()


def most_states_alive(learner: MetaLearner, steps: int) -> int:
    """Return how many states of the inner loop were alive at once, seen from its steps and from the query loss."""
    alive: list[weakref.ref[Tensor]] = []
    most = 0
    plain = learner.support_loss

    def watched(support: LabelledImages, state: Weights, step: int) -> Tensor:
        nonlocal most
        alive.append(weakref.ref(state["backbone.convolutions.1.weight"]))
        most = max(most, len({id(each()) for each in alive if each() is not None}))
        return plain(support, state, step)

    learner.support_loss = watched  # type: ignore[method-assign]
    learner.config = learner.config.model_copy(update={"inner_steps": steps})
    learner.task_loss(make_episode())
    return most


def test_memory_is_flat_in_the_inner_steps() -> None:
    learner = stirred("imaml")
    assert most_states_alive(learner, 20) <= most_states_alive(stirred("imaml"), 4) <= 3
    stored = MAML(
        learner.config.model_copy(update={"inner_graph": "store"}),
        learner.network.backbone,
        n_way=3,
        statistics="batch",
    )
    assert most_states_alive(stored.double(), 20) == 20, "where a graph is stored, the same look sees every state"
