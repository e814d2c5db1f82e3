"""The inner loop: from an initial state, so many steps of an update rule on the support loss.

Every gradient-based method is a choice of: initial state × which parameters × update rule × steps × order × weights of
the step losses. This file is that loop and its update rules; a method's file makes the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

import torch
from torch import Tensor

from metastudio.engine.backbones.network import Weights


class Order(Enum):
    """Whether the outer gradient goes through the inner gradients."""

    FIRST = 1
    SECOND = 2


UpdateRule = Callable[[Weights, Weights, int], Weights]
"""(fast weights, their gradients, step) → the next fast weights. Only the names in the gradients change."""


@dataclass
class InnerLosses:
    """What one inner loop was seen to do: a loss before the first and after every step."""

    support_losses: list[float] = field(default_factory=list)
    query_losses: list[float] = field(default_factory=list)
    support_accuracies: list[float] = field(default_factory=list)
    query_accuracies: list[float] = field(default_factory=list)


Watcher = Callable[[Weights], None]
"""Called with the fast weights before the first and after every step, without gradients."""


def gradient_descent(lr: float) -> UpdateRule:
    """Return the plain step: weights minus lr times gradient."""

    def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
        return weights | {name: weights[name] - lr * gradient for name, gradient in gradients.items()}

    return update


class Adam:
    """Adam with beta1 = 0, fresh for each task, as Reptile's inner loop takes it (arXiv:1803.02999, appendix)."""

    def __init__(self, lr: float, *, beta2: float = 0.999, eps: float = 1e-8) -> None:
        self.lr = lr
        self.beta2 = beta2
        self.eps = eps
        self._squares: Weights = {}

    def __call__(self, weights: Weights, gradients: Weights, step: int) -> Weights:
        """Return the next weights; the first call of a task has step 0."""
        stepped = {}
        for name, gradient in gradients.items():
            before = self._squares.get(name)
            squares = (1 - self.beta2) * gradient**2
            if before is not None:
                squares = squares + self.beta2 * before
            self._squares[name] = squares
            unbiased = squares / (1 - self.beta2 ** (step + 1))
            stepped[name] = weights[name] - self.lr * gradient / (unbiased.sqrt() + self.eps)
        return weights | stepped


def descend(
    support_loss: Callable[[Weights, int], Tensor],
    initial: Weights,
    *,
    adapted: Sequence[str],
    update: UpdateRule,
    steps: int,
    order: Order,
    watch: Watcher | None = None,
) -> Weights:
    """Adapt.

    Args:
        support_loss: (fast weights, step) → scalar loss on the support images.
        initial: All weights at the start; gradients flow back to them.
        adapted: Names of those that move.
        update: The rule of a step.
        steps: How many.
        order: First: inner gradients are constants to the outer gradient. Second: it goes through them.
        watch: Called before the first and after every step.

    Returns:
        The fast weights; those not adapted are the initial ones themselves.
    """
    weights = initial
    is_second = order is Order.SECOND
    for step in range(steps):
        _show(watch, weights)
        loss = support_loss(weights, step)
        inner = torch.autograd.grad(loss, [weights[name] for name in adapted], create_graph=is_second)
        weights = update(weights, dict(zip(adapted, inner, strict=True)), step)
    _show(watch, weights)
    return weights


def _show(watch: Watcher | None, weights: Weights) -> None:
    if watch is not None:
        with torch.no_grad():
            watch(weights)
