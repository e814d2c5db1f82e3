"""MAML++.

Antoniou, Edwards, Storkey: How to train your MAML, ICLR 2019, arXiv:1810.09502.

MAML with: the query loss after every step counts at first and gives way to that after the last (multi-step loss);
first order until some share of training (derivative-order annealing); learned rates for each layer and step; scale and
shift of the normalisation for each step. The cosine outer rate is the schedule of the recipe.

How we differ: a layer is one tensor of weights. Each step's scale and shift are the network's own plus a learned
offset, so that they begin where pretrained ones are. Statistics of the normalisation come from the images of each step
instead of running averages kept for each step. The state after k steps is judged with the normalisation of step k + 1,
as the support set is there; the last keeps that of the last step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.maml_plus_plus import MAMLPlusPlusConfig
from metastudio.engine.algorithms.base import LearnedTable, OuterStep
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Network, Weights
from metastudio.engine.backbones.normalization import TaskBatchNorm
from metastudio.engine.inner_loop import Order, UpdateRule, gradient_descent
from metastudio.engine.tasks.episode import Episode

_LEAST_SHARE = 0.03
"""What an early step's loss keeps of its first weight until the multi-step loss ends, as in the authors' code."""


class MAMLPlusPlus(GradientLearner):
    """MAML with learned rates (steps, layers), a loss of all steps, and normalisation for each step.

    Training has progressed by `steps_done` outer steps, which its annealing goes by.
    """

    config: MAMLPlusPlusConfig
    steps_done: Tensor

    def __init__(self, config: MAMLPlusPlusConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.int64))
        own = dict(self.network.named_parameters())
        self._norms = _norms_of(self.network) if config.per_step_norm else ()
        self._moving = tuple(name for name in own if name not in self._norms)
        self.rates: nn.Parameter | None = None
        if config.learned_rates:
            self.rates = nn.Parameter(torch.full((config.inner_steps, len(self._moving)), config.inner_lr))
        self.norm_offsets = nn.ParameterList(
            nn.Parameter(torch.zeros(config.inner_steps, len(own[name]))) for name in self._norms
        )

    def adapted(self, state: Weights) -> Sequence[str]:  # noqa: ARG002
        """Return everything but what each step has of its own."""
        return self._moving

    def update_rule(self) -> UpdateRule:
        """θ - α[step, layer] g."""
        if self.rates is None:
            return gradient_descent(self.config.inner_lr)
        rates = self.rates

        def update(weights: Weights, gradients: Weights, step: int) -> Weights:
            pairs = zip(gradients.items(), rates[self._place_of(step)], strict=True)
            return weights | {name: weights[name] - rate * each for (name, each), rate in pairs}

        return update

    def weights_of(self, state: Weights, step: int) -> Weights:
        """Return the state with the normalisation of this step."""
        place = self._place_of(step)
        pairs = zip(self._norms, self.norm_offsets, strict=True)
        return state | {name: state[name] + offsets[place] for name, offsets in pairs}

    def _place_of(self, step: int) -> int:
        return min(step, self.config.inner_steps - 1)

    def training_order(self) -> Order:
        """Return first order until its share of training is over."""
        return Order.FIRST if self._share_done() < self.config.first_order_share else Order.SECOND

    def step_loss_weights(self, steps: int) -> Sequence[float]:
        """Return equal weights that give way to the last step's, which is all after the share of training."""
        share = self.config.multi_step_share
        if self._share_done() >= share:
            return super().step_loss_weights(steps)
        early = max(1 - self._share_done() / share, _LEAST_SHARE) / steps
        return (0.0, *(early,) * (steps - 1), 1 - early * (steps - 1))

    def after_outer_step(self, step: OuterStep) -> None:
        """Count the step."""
        super().after_outer_step(step)
        self.steps_done += 1

    def _share_done(self) -> float:
        return int(self.steps_done) / max(self.planned_iterations, 1)

    def learned(self, tasks: Iterable[Episode] = ()) -> tuple[LearnedTable, ...]:  # noqa: ARG002
        """Return the rate of each layer in each step."""
        if self.rates is None:
            return ()
        columns = tuple(f"step {number}" for number in range(1, len(self.rates) + 1))
        values = tuple(map(tuple, self.rates.detach().T.tolist()))
        axes = ("inner step", "learning rate")
        return (LearnedTable("Learned rates", self._moving, columns, values, axes=axes),)


def _norms_of(network: Network) -> tuple[str, ...]:
    """Return the names of the scales and shifts of its normalisation."""
    layers = [(path, layer) for path, layer in network.named_modules() if isinstance(layer, TaskBatchNorm)]
    return tuple(f"{path}.{name}" for path, layer in layers for name, _ in layer.named_parameters())
