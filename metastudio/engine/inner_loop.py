"""The inner loop: from an initial state, so many steps of an update rule on the support loss.

Every gradient-based method is a choice of: initial state × which of it moves × update rule × steps × order × weights of
the step losses. This file is that loop and its plain update rules; a method's file makes the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from metastudio.engine.backbones.kernel_gradients import KernelGradients
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


Watcher = Callable[[Weights, int], None]
"""Called with the state before the first and after every step, and the number of steps taken."""


def gradient_descent(lr: float) -> UpdateRule:
    """Return the plain step: weights minus lr times gradient."""

    def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
        return weights | {name: torch.sub(weights[name], each, alpha=lr) for name, each in gradients.items()}

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
    recompute_for: Sequence[Tensor] | None = None,
    watch: Watcher | None = None,
    visit: Watcher | None = None,
) -> Weights:
    """Adapt.

    Args:
        support_loss: (state, step) → scalar loss on the support images.
        initial: The whole state at the start, most often the weights; gradients flow back to it.
        adapted: Names of what moves.
        update: The rule of a step.
        steps: How many.
        order: First: inner gradients are constants to the outer gradient. Second: it goes through them.
        recompute_for: With second order, keep only the state of each step and compute its graph again in the backward
            pass, so that memory stays flat; these are the parameters that a step may depend on beside its state. None
            keeps the graphs.
        watch: Called before the first and after every step, without gradients.
        visit: The same with gradients, for losses on the way.

    Returns:
        The state at the end; what is not adapted is the initial one itself.
    """
    state = initial

    def stepped(state: Weights, step: int, order: Order) -> Weights:
        # Views, since the gradient is a partial one: what else was computed from a part of the state stays as it is.
        state = state | {name: state[name].view_as(state[name]) for name in adapted}
        loss = support_loss(state, step)
        inner = torch.autograd.grad(loss, [state[name] for name in adapted], create_graph=order is Order.SECOND)
        return update(state, dict(zip(adapted, inner, strict=True)), step)

    for step in range(steps):
        _show(watch, state, step)
        if visit is not None:
            visit(state, step)
        if order is Order.SECOND and recompute_for is not None:
            state = state | _recomputed(stepped, state, step, adapted, recompute_for)
        else:
            state = stepped(state, step, order)
    _show(watch, state, steps)
    return state


def _show(watch: Watcher | None, state: Weights, step: int) -> None:
    if watch is not None:
        with torch.no_grad():
            watch(state, step)


_Step = Callable[[Weights, int, Order], Weights]


def _recomputed(
    stepped: _Step, state: Weights, step: int, adapted: Sequence[str], parameters: Sequence[Tensor]
) -> Weights:
    """Take one step whose graph is computed in the backward pass; return what it moved."""
    names = tuple(state)
    moved = _RecomputedStep.apply(stepped, step, names, tuple(adapted), len(names), *state.values(), *parameters)  # type: ignore[no-untyped-call]
    return dict(zip(adapted, moved, strict=True))


class _RecomputedStep(torch.autograd.Function):
    """A step as one node of the graph, which keeps nothing but where the step began and its kernels' gradients.

    Its backward pass takes the step again with a graph and differentiates that: for plain gradient descent the
    vector v becomes v - lr H v, with H the Hessian of the support loss.
    """

    @staticmethod
    def forward(
        ctx: Any, stepped: _Step, step: int, names: Sequence[str], adapted: Sequence[str], count: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        kernels = KernelGradients()
        ctx.call = (stepped, step, names, adapted, count, kernels)
        ctx.save_for_backward(*tensors)
        with torch.enable_grad(), kernels.in_use():
            state = {
                name: value.detach().requires_grad_(value.is_floating_point())
                for name, value in zip(names, tensors[:count], strict=True)
            }
            after = stepped(state, step, Order.FIRST)
        return tuple(after[name].detach() for name in adapted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        stepped, step, names, adapted, count, kernels = ctx.call
        tensors = ctx.saved_tensors
        with torch.enable_grad():
            inputs = [value.detach().requires_grad_(value.is_floating_point()) for value in tensors[:count]]
            with kernels.in_use():
                after = stepped(dict(zip(names, inputs, strict=True)), step, Order.SECOND)
            wanted = [*inputs, *tensors[count:]]
            needed = [index for index, value in enumerate(wanted) if value.requires_grad]
            found = torch.autograd.grad(
                [after[name] for name in adapted], [wanted[index] for index in needed], gradients, allow_unused=True
            )
        results: list[Tensor | None] = [None] * len(wanted)
        for index, gradient in zip(needed, found, strict=True):
            results[index] = gradient
        return (None, None, None, None, None, *results)
