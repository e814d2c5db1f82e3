"""Meta-SGD.

Li, Zhou, Chen, Li: Meta-SGD: Learning to Learn Quickly for Few-Shot Learning, 2017, arXiv:1707.09835.

θ' = θ - α ∘ ∇L_support(θ), equation (3): α has a number for each weight, sign included, and is learned with θ by the
gradient of the query loss.

How we differ: any number of inner steps, all with the same α; by default the first α is one number for all weights, so
that training starts where MAML's does.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.meta_sgd import MetaSGDConfig
from metastudio.engine.algorithms.base import LearnedTable
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.inner_loop import UpdateRule
from metastudio.engine.tasks.episode import Episode

_LOWEST_SHARE = 0.05
_BINS = 20


class MetaSGD(GradientLearner):
    """A learned rate for every weight."""

    def __init__(self, config: MetaSGDConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self._names = tuple(name for name, _ in self.network.named_parameters())
        self.rates = nn.ParameterList()
        for value in self.network.parameters():
            rates = torch.full_like(value, config.inner_lr)
            if config.random_rates:
                rates *= torch.empty_like(value).uniform_(_LOWEST_SHARE, 1)
            self.rates.append(nn.Parameter(rates))

    def update_rule(self) -> UpdateRule:
        """θ - α ∘ g; a head cut to fewer classes takes the first rows of its rates."""
        rates = dict(zip(self._names, self.rates, strict=True))

        def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
            return weights | {name: weights[name] - rates[name][: len(each)] * each for name, each in gradients.items()}

        return update

    def learned(self, tasks: Iterable[Episode] = ()) -> tuple[LearnedTable, ...]:  # noqa: ARG002
        """Return how many rates of each layer lie in each of equally wide bins over all of them."""
        rates = [value.detach().flatten().double().cpu().numpy() for value in self.rates]
        edges = np.histogram_bin_edges(np.concatenate(rates), bins=_BINS)
        counts = tuple(tuple(map(float, np.histogram(each, bins=edges)[0])) for each in rates)
        columns = tuple(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges))
        middles = tuple(map(float, (edges[:-1] + edges[1:]) / 2))
        return (
            LearnedTable(
                "Learned rates",
                self._names,
                columns,
                counts,
                shape="bars",
                places=middles,
                axes=("inner learning rate", "weights"),
            ),
        )
