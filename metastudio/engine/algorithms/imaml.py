"""iMAML.

Rajeswaran, Finn, Kakade, Levine: Meta-Learning with Implicit Gradients, NeurIPS 2019, arXiv:1909.04630.

The inner problem holds the adapted weights near the start: φ* = argmin L_support(φ) + λ/2 |φ - θ|². At its solution
the outer gradient depends on φ* alone, Lemma 1: (I + H/λ)⁻¹ ∇L_query(φ*), with H the Hessian of the support loss at
φ*. It is solved by conjugate gradients on Hessian-vector products, so that memory does not grow with inner steps
(Algorithm 2).

How we differ: a damping d may be added as in the authors' code, (I + H/(λ + d))⁻¹; zero gives the lemma's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.catalog.gradient.imaml import IMAMLConfig
from metastudio.engine.algorithms.base import TaskResult
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.backbones.normalization import BatchMoments
from metastudio.engine.inner_loop import Order, UpdateRule
from metastudio.engine.tasks.episode import Episode

Vector = list[Tensor]


class IMAML(GradientLearner):
    """A proximal inner problem, and the implicit gradient at its solution."""

    config: IMAMLConfig
    order = Order.FIRST

    def update_rule(self) -> UpdateRule:
        """φ - α (∇L_support(φ) + λ (φ - θ))."""
        return proximal_descent(self.config.inner_lr, self.config.proximal)

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the query loss at φ*, and the implicit gradient."""
        support = episode.support
        state = {
            name: value.detach().requires_grad_()
            for name, value in self.descend(support, self.config.inner_steps, Order.FIRST).items()
        }
        result = self.query_loss(episode, state, self.config.inner_steps)
        names, values = list(state), list(state.values())
        outer = torch.autograd.grad(result.loss, values)
        logits = self.network.with_weights(state, support.images, BatchMoments())
        slope = torch.autograd.grad(F.cross_entropy(logits, support.labels), values, create_graph=True)

        def hessian_times(vector: Vector) -> Vector:
            return list(torch.autograd.grad(slope, values, vector, retain_graph=True))

        solved = implicit_gradient(
            hessian_times,
            list(outer),
            strength=self.config.proximal + self.config.cg_damping,
            steps=self.config.cg_steps,
        )
        own = dict(self.network.named_parameters())
        result.gradient = {
            f"network.{name}": _padded(each, own[name]) for name, each in zip(names, solved, strict=True)
        }
        result.loss = result.loss.detach()
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
    hessian_times: Callable[[Vector], Vector], outer: Vector, *, strength: float, steps: int
) -> Vector:
    """Return x with (I + H/strength) x = outer, after so many steps of conjugate gradients from x = outer.

    Args:
        hessian_times: v → H v.
        outer: The gradient of the query loss at the solution of the inner problem.
        strength: λ, with its damping.
        steps: At most so many; it ends early where nothing is left.
    """

    def product(vector: Vector) -> Vector:
        return [each + curved / strength for each, curved in zip(vector, hessian_times(vector), strict=True)]

    solution = [each.clone() for each in outer]
    residual = [wanted - got for wanted, got in zip(outer, product(solution), strict=True)]
    direction = [each.clone() for each in residual]
    length = _dot(residual, residual)
    for _ in range(steps):
        if float(length) == 0:
            break
        turned = product(direction)
        along = length / _dot(direction, turned)
        solution = [each + along * step for each, step in zip(solution, direction, strict=True)]
        residual = [each - along * step for each, step in zip(residual, turned, strict=True)]
        before, length = length, _dot(residual, residual)
        direction = [each + length / before * step for each, step in zip(residual, direction, strict=True)]
    return solution


def _dot(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    return torch.stack([(a * b).sum() for a, b in zip(one, other, strict=True)]).sum()


def _padded(gradient: Tensor, parameter: Tensor) -> Tensor:
    """Return the gradient of a whole parameter, of which a task with fewer classes used the first rows."""
    if gradient.shape == parameter.shape:
        return gradient
    whole = torch.zeros_like(parameter)
    whole[: len(gradient)] = gradient
    return whole
