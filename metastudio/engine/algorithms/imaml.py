"""iMAML.

Rajeswaran, Finn, Kakade, Levine: Meta-Learning with Implicit Gradients, NeurIPS 2019, arXiv:1909.04630.

A proximal term holds the adapted weights near the start: φ* = argmin L_support(φ) + λ/2 ‖φ - θ‖². How φ* changes with θ
follows from the place alone and not from the way there, Lemma 1: dφ*/dθ = (I + H/λ)⁻¹, with H the Hessian of L_support
at φ*. So the outer gradient g solves (I + H/λ) g = ∇L_query(φ*), by a few steps of conjugate gradients, each one
product of H with a vector (Algorithm 2). No inner step has to be remembered.

How we differ: damping δ is added to the identity as in the authors' program, (1 + δ) I, but H is divided by λ alone
(theirs adds 10), so that δ = 0 is the lemma. A direction along which the curvature is not positive ends the solving.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor

from metastudio.catalog.gradient.imaml import IMAMLConfig
from metastudio.engine.algorithms.base import TaskResult, n_way_of
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.inner_loop import Order, UpdateRule
from metastudio.engine.tasks.episode import Episode


class IMAML(GradientLearner):
    """A proximal inner problem, and the implicit gradient at its solution."""

    config: IMAMLConfig
    order = Order.FIRST

    def update_rule(self) -> UpdateRule:
        """Return φ - α (∇L_support(φ) + λ (φ - θ))."""
        return proximal_descent(self.config.inner_lr, self.config.proximal)

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the query loss at φ*, and its implicit gradient."""
        steps = self.config.inner_steps
        state = self.descend(episode.support, steps, Order.FIRST)
        solution = {name: value.detach().requires_grad_() for name, value in state.items()}
        result = self.query_loss(episode, solution, steps)
        outer = torch.autograd.grad(result.loss, list(solution.values()))
        solved = implicit_gradient(
            partial(self.support_loss, episode.support, step=steps),
            solution,
            dict(zip(solution, outer, strict=True)),
            proximal=self.config.proximal,
            steps=self.config.cg_steps,
            damping=self.config.cg_damping,
        )
        start = self.network.weights(n_way_of(episode.support))  # a smaller head is a part of a parameter
        parameters = dict(self.named_parameters())
        gradient = torch.autograd.grad(
            [start[name] for name in solved], list(parameters.values()), list(solved.values())
        )
        result.gradient = dict(zip(parameters, gradient, strict=True))
        return result


def proximal_descent(lr: float, proximal: float) -> UpdateRule:
    """Return the step φ - lr (g + λ (φ - θ)), where θ is where the first step begins."""
    start: Weights = {}

    def update(weights: Weights, gradients: Weights, step: int) -> Weights:
        if step == 0:
            start.update({name: weights[name].detach() for name in gradients})
        return weights | {
            name: weights[name] - lr * (each + proximal * (weights[name] - start[name]))
            for name, each in gradients.items()
        }

    return update


def implicit_gradient(
    loss: Callable[[Weights], Tensor],
    solution: Weights,
    outer: Weights,
    *,
    proximal: float,
    steps: int,
    damping: float = 0.0,
) -> Weights:
    """Return ((1 + δ) I + H/λ)⁻¹ times the outer gradient, with H the Hessian of `loss` at the solution.

    Args:
        loss: L_support, without its proximal term.
        solution: φ*, requiring gradients.
        outer: ∇L_query(φ*), by the same names.
        proximal: λ.
        steps: Of conjugate gradients.
        damping: δ.
    """
    values = list(solution.values())
    slope = torch.autograd.grad(loss(solution), values, create_graph=True)

    def times_matrix(vector: Tensor) -> Tensor:
        hessian_vector = torch.autograd.grad(slope, values, _shaped(vector, values), retain_graph=True)
        return (1 + damping) * vector + _flat(hessian_vector) / proximal

    solved = conjugate_gradients(times_matrix, _flat(outer.values()), steps)
    return dict(zip(solution, _shaped(solved, values), strict=True))


def conjugate_gradients(times_matrix: Callable[[Tensor], Tensor], target: Tensor, steps: int) -> Tensor:
    """Return x (P,) with A x = target (P,), up to what so many steps from zero leave; A is symmetric.

    It ends early where nothing is left, and where the curvature along a direction is not positive: there is no minimum
    to step to. Ended before the first step, x is the target itself.
    """
    x = torch.zeros_like(target)
    residual = direction = target
    squared = residual @ residual
    smallest = squared * torch.finfo(target.dtype).eps ** 2
    for step in range(steps):
        product = times_matrix(direction)
        curvature = direction @ product
        if curvature <= 0:
            return x if step else target
        length = squared / curvature
        x = x + length * direction
        residual = residual - length * product
        before, squared = squared, residual @ residual
        if squared <= smallest:
            break
        direction = residual + squared / before * direction
    return x if steps else target


def _flat(values: Iterable[Tensor]) -> Tensor:
    return torch.cat([value.flatten() for value in values])


def _shaped(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    ends = itertools.accumulate(value.numel() for value in like)
    return [vector[end - value.numel() : end].view(value.shape) for end, value in zip(ends, like, strict=True)]
