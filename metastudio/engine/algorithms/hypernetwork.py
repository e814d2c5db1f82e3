"""Hypernetwork initialisation: a network reads the support set and writes the head that the inner loop begins with.

Munkhdalai, Yu: Meta Networks, ICML 2017, arXiv:1703.00837. Ha, Dai, Le: HyperNetworks, ICLR 2017, arXiv:1609.09106.

For each class, a small network h looks at the mean feature of its support images and at the mean over all classes, and
gives the class's row of the head, (w, b) = h(c, c̄). Then MAML's inner loop moves head and body.

How we differ: Meta Networks read the gradients of the support loss and add fast weights to slow ones by layers; here,
as in HyperNetworks, what is read is an embedding, and what is written are the weights outright, of the head alone. The
last layer of h starts at zero, so that a fresh one is MAML with a head of zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.hypernetwork import HypernetworkConfig
from metastudio.engine.algorithms.base import n_way_of
from metastudio.engine.algorithms.gradient_learner import AnyWayLearner
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.backbones.normalization import BatchMoments
from metastudio.engine.tasks.episode import LabelledImages


class HeadWriter(nn.Module):
    """h: class means (N, D) to the rows of a head, (N, D) and (N,); the same for every class."""

    def __init__(self, feature_width: int, hidden_width: int) -> None:
        super().__init__()
        self.read = nn.Linear(2 * feature_width, hidden_width)
        self.write = nn.Linear(hidden_width, feature_width + 1)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)

    def forward(self, means: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (N, D) and bias (N,)."""
        seen = torch.cat([means, means.mean(dim=0).expand_as(means)], dim=1)  # (N, 2 D)
        rows = self.write(torch.tanh(self.read(seen)))  # (N, D + 1)
        return rows[:, :-1], rows[:, -1]


class Hypernetwork(AnyWayLearner):
    """MAML whose head is written for each task; the network's own row is never used."""

    def __init__(self, config: HypernetworkConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.writer = HeadWriter(self.network.head.in_features, config.hidden_width)

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the body, and the head that is written for these images."""
        features = self.network.features_with(self.body(), support.images, BatchMoments())  # (S, D)
        weight, bias = self.writer(prototypes_of(features, support.labels, n_way_of(support)))
        return self.body() | {f"{HEAD}weight": weight, f"{HEAD}bias": bias}
