"""Alpha-MAML.

Behl, Baydin, Torr: Alpha MAML: Adaptive Model-Agnostic Meta-Learning, ICML AutoML Workshop 2019, arXiv:1905.07435.

Both learning rates go down the gradient of the mean query loss F(θ) while θ does:

    inner  α ← α - η_α ∂F/∂α,  with one inner step  ∂F/∂α = -∇L_query(θ') · ∇L_support(θ), mean over the tasks
    outer  β ← β - η_β ∂F/∂β,  with plain descent   ∂F/∂β = -∇F(θ_t) · ∇F(θ_t-1)

How we differ: with several inner steps the gradient of α goes through all of them. Whatever the outer optimiser,
θ_t = θ_t-1 + β d, so ∂F/∂β = ∇F(θ_t) · d; what moves is a factor of the rate that the schedule says, after a step, for
the next one. Both rates stay above zero. The optimiser is given no gradient of α, so that clipping sees MAML's alone:
with both steps at zero it is MAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.alpha_maml import AlphaMAMLConfig
from metastudio.engine.algorithms.base import LearnedTable, MeanGradient, OuterStep
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.inner_loop import UpdateRule
from metastudio.engine.tasks.episode import Episode

INNER_RATE = "inner_rate"
_SMALLEST = 1e-3


@dataclass(kw_only=True)
class HypergradientStep(OuterStep):
    """An outer step with what both rates need of it.

    Attributes:
        inner_rate: α, from which it moves.
        inner: ∂F/∂α.
        outer: ∂F by the factor of the outer rate.
        weights: (P,) of the network before the step.
    """

    inner_rate: float
    inner: float
    outer: float
    weights: Tensor


class AlphaMAML(GradientLearner):
    """`inner_rate` is α; β is `outer_factor` times the schedule's rate, and went along `direction` (P,) last."""

    config: AlphaMAMLConfig
    outer_factor: Tensor
    direction: Tensor

    def __init__(self, config: AlphaMAMLConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.inner_rate = nn.Parameter(torch.tensor(config.inner_lr))
        self.register_buffer("outer_factor", torch.ones(()))
        self.register_buffer("direction", torch.zeros_like(_flat(self.network.parameters())))

    def update_rule(self) -> UpdateRule:
        """θ - α g, with α in the graph."""

        def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
            return weights | {name: weights[name] - self.inner_rate * each for name, each in gradients.items()}

        return update

    def outer_step(self, episodes: Sequence[Episode], executor: MeanGradient) -> HypergradientStep:
        """Return the mean gradient with both hypergradients."""
        step = super().outer_step(episodes, executor)
        inner = step.gradients[INNER_RATE].item()
        step.gradients[INNER_RATE] = torch.zeros_like(self.inner_rate)
        of_network = [step.gradients[f"network.{name}"] for name, _ in self.network.named_parameters()]
        return HypergradientStep(
            **vars(step),
            inner_rate=self.inner_rate.item(),
            inner=inner,
            outer=(_flat(of_network) @ self.direction).item(),
            weights=_flat(self.network.parameters()),
        )

    def outer_lr_factor(self) -> float:
        """Return what the schedule's rate is multiplied by."""
        return self.outer_factor.item()

    @torch.no_grad()
    def after_outer_step(self, step: OuterStep) -> None:
        """Move both rates; what the optimiser did to α is taken back."""
        super().after_outer_step(step)
        assert isinstance(step, HypergradientStep)  # noqa: S101
        smallest = min(_SMALLEST, self.config.inner_lr)
        self.inner_rate.fill_(step.inner_rate - self.config.inner_hyper_lr * step.inner).clamp_(min=smallest)
        self.direction.copy_((_flat(self.network.parameters()) - step.weights) / self.outer_factor)
        self.outer_factor.sub_(self.config.outer_hyper_lr * step.outer).clamp_(min=_SMALLEST)

    def learned(self, tasks: Iterable[Episode] = ()) -> tuple[LearnedTable, ...]:  # noqa: ARG002
        """Return both rates."""
        rows = ("inner learning rate", "factor of the outer learning rate")
        values = ((self.inner_rate.item(),), (self.outer_lr_factor(),))
        axes = ("iteration", "rate")
        return (LearnedTable("Learned rates", rows, ("now",), values, shape="history", axes=axes),)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    """Return all numbers (P,), cut from their history, in the order of indices whatever lies where in memory."""
    return torch.cat([each.detach().flatten() for each in tensors])
