"""Alpha-MAML.

Behl, Baydin, Torr: Alpha MAML: Adaptive Model-Agnostic Meta-Learning, ICML AutoML Workshop 2019, arXiv:1905.07435.

Both learning rates move by hypergradient. The inner one, α, goes down the gradient of the query loss with respect to
it; after one step that is -∇L_query(θ') · ∇L_support(θ). The outer one, β, grows where two successive outer gradients
point the same way and shrinks where they do not: ∂F/∂β = -∇F(θ_t) · ∇F(θ_{t-1}).

How we differ: with several inner steps the gradient of α goes through all of them. β moves by a factor, 1 + η cos of
the angle between the gradients, so that η needs no scale, and multiplies whatever the schedule says.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.alpha_maml import AlphaMAMLConfig
from metastudio.engine.algorithms.base import MeanGradient, OuterStep
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.inner_loop import UpdateRule
from metastudio.engine.tasks.episode import Episode

INNER_RATE = "inner_rate"
_SMALLEST = 1e-6


class AlphaMAML(GradientLearner):
    """`inner_rate` is α, `outer_factor` what β is multiplied by; the optimiser moves neither."""

    config: AlphaMAMLConfig
    outer_factor: Tensor
    gradient_before: Tensor

    def __init__(self, config: AlphaMAMLConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.inner_rate = nn.Parameter(torch.tensor(config.inner_lr))
        self.register_buffer("outer_factor", torch.ones(()))
        self.register_buffer("gradient_before", torch.zeros(sum(value.numel() for value in self.network.parameters())))
        self._inner_gradient = 0.0

    def update_rule(self) -> UpdateRule:
        """θ - α g, with α in the graph."""

        def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
            return weights | {name: weights[name] - self.inner_rate * each for name, each in gradients.items()}

        return update

    def outer_step(self, episodes: Sequence[Episode], executor: MeanGradient) -> OuterStep:
        """Return the mean gradient; that of α is kept back from the optimiser."""
        step = super().outer_step(episodes, executor)
        self._inner_gradient = float(step.gradients[INNER_RATE])
        step.gradients[INNER_RATE] = torch.zeros_like(step.gradients[INNER_RATE])
        return step

    def outer_lr_factor(self) -> float:
        """Return what the outer learning rate is multiplied by."""
        return float(self.outer_factor)

    @torch.no_grad()
    def after_outer_step(self, step: OuterStep) -> None:
        """Move both rates."""
        super().after_outer_step(step)
        self.inner_rate.sub_(self.config.inner_hyper_lr * self._inner_gradient).clamp_(min=_SMALLEST)
        gradient = torch.cat([value.flatten() for name, value in step.gradients.items() if name != INNER_RATE])
        lengths = gradient.norm() * self.gradient_before.norm()
        if lengths > 0:
            cosine = gradient @ self.gradient_before / lengths
            self.outer_factor.mul_(1 + self.config.outer_hyper_lr * cosine)
        self.gradient_before.copy_(gradient)
