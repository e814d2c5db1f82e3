"""ProtoMAML and UNICORN-MAML.

Triantafillou et al.: Meta-Dataset: A Dataset of Datasets for Learning to Learn from Few Examples, ICLR 2020,
arXiv:1903.03096. Ye, Chao: How to Train Your MAML to Excel in Few-Shot Classification, ICLR 2022, arXiv:2106.16245.

MAML whose head does not depend on the order of the classes, so that a task may have any number of them. ProtoMAML
starts the head of a task at its prototypes c, as the linear form of the squared distance: w = 2 c, b = -|c|² (section
3); the gradient goes through the prototypes. UNICORN-MAML starts every class at one learned vector (section 5).

How we differ: prototypes come from features that are normalised by the support set, as everything here. The distance
is multiplied by a learned number over D. Without it, and with one shot, a support image lies on its own prototype and
far from the others in D dimensions, the support loss is zero to the last digit, and no inner step moves. UNICORN-MAML's
bias starts at zero. Softmax does not see what all classes share, so the shared vector changes no answer and no step,
and its outer gradient is zero: what is learned is a body for a head that starts alike for every class. The first inner
step moves the head alone.
"""

from __future__ import annotations

import torch
from torch import nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.proto_maml import ProtoMAMLConfig
from metastudio.engine.algorithms.base import n_way_of
from metastudio.engine.algorithms.gradient_learner import AnyWayLearner
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.backbones.normalization import BatchMoments
from metastudio.engine.tasks.episode import LabelledImages


class ProtoMAML(AnyWayLearner):
    """The head starts at the prototypes; the network's own row is never used."""

    def __init__(self, config: ProtoMAMLConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.steepness = nn.Parameter(torch.tensor(config.steepness))

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the body, and w = 2 s c, b = -s |c|², with s the steepness over D."""
        features = self.network.features_with(self.body(), support.images, BatchMoments())  # (S, D)
        prototypes = prototypes_of(features, support.labels, n_way_of(support))  # (N, D)
        scale = self.steepness / prototypes.shape[1]
        head = {f"{HEAD}weight": 2 * scale * prototypes, f"{HEAD}bias": -scale * prototypes.pow(2).sum(dim=1)}
        return self.body() | head


class UnicornMAML(AnyWayLearner):
    """Every class starts at the network's own row."""

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the body, and the one row for each class."""
        n_way, head = n_way_of(support), self.network.head
        return self.body() | {
            f"{HEAD}weight": head.weight.expand(n_way, -1),
            f"{HEAD}bias": head.bias.new_zeros(n_way, requires_grad=True),
        }
