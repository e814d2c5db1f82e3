"""Prototypical Networks.

Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NeurIPS 2017, arXiv:1703.05175.

The mean feature of each class's support images is its prototype; a query's logits are the negative squared Euclidean
distances to the prototypes.

How we differ: normalisation takes its statistics from the support set by default, so that queries do not see each
other. Squared distances of more than 64 features, the width of the paper's Omniglot network, are multiplied by 64 / D,
in training and in prediction: a sum over 1,600 features is near 1,000 and drowns its own last digits.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.metric import PrototypicalConfig
from metastudio.engine.algorithms.adapted_network import frozen_store, settled_moments
from metastudio.engine.algorithms.base import Classifier, MetaLearner, TaskResult, accuracy_of, n_way_of
from metastudio.engine.algorithms.judged import judge
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.backbones.normalization import BatchMoments, FirstImagesMoments, Moments, RecordedMoments
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.tasks.episode import Episode, LabelledImages

UNSCALED_FEATURE_WIDTH = 64
"""D of the paper's Omniglot network; up to it, logits are the paper's."""


def distance_scale(feature_width: int) -> float:
    """Return what squared distances of D features are multiplied by: as large as if 64 of them were summed."""
    return min(1.0, UNSCALED_FEATURE_WIDTH / feature_width)


def negative_squared_distances(features: Tensor, prototypes: Tensor) -> Tensor:
    """Return logits (B, N) of features (B, D) and prototypes (N, D).

    Equation (2), d the squared Euclidean distance, scaled where features are wide.
    """
    cross = features @ prototypes.T  # (B, N)
    negative = 2 * cross - features.pow(2).sum(1, keepdim=True) - prototypes.pow(2).sum(1)
    return distance_scale(features.shape[1]) * negative


def relative_logits(features: Tensor, prototypes: Tensor) -> Tensor:
    """Return the same logits (B, N) less what all classes of a picture share: the linear form of section 2.4.

    They give the same probabilities, and an export can reproduce them: squared distances of wide features are so large
    that their last digits are noise.
    """
    centre = prototypes.mean(dim=0)
    directions = prototypes - centre  # (N, D)
    linear = 2 * (features - centre) @ directions.T - directions.pow(2).sum(1)
    return distance_scale(features.shape[1]) * linear


class PrototypeClassifier(Classifier):
    """Answers with the nearest prototype (N, D)."""

    def __init__(self, backbone: nn.Module, prototypes: Tensor, moments: Moments) -> None:
        self.backbone = backbone
        self.prototypes = prototypes
        self.moments = moments
        self.n_way = len(prototypes)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (B, N) of images (B, C, H, W)."""
        return relative_logits(self.backbone(images, self.moments), self.prototypes)

    def as_module(self) -> nn.Module:
        """Return a network of its own that holds the prototypes."""
        module = _PrototypeNetwork(copy.deepcopy(self.backbone), self.prototypes, self.moments)
        return module.eval().requires_grad_(requires_grad=False)


class _PrototypeNetwork(nn.Module):
    """Images (B, C, H, W) to logits (B, N), each image alone."""

    prototypes: Tensor

    def __init__(self, backbone: nn.Module, prototypes: Tensor, moments: Moments) -> None:
        super().__init__()
        self.backbone = backbone
        self.moments = frozen_store(moments)
        self.register_buffer("prototypes", prototypes.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        return relative_logits(self.backbone(images, self.moments.frozen()), self.prototypes)


class Prototypical(MetaLearner):
    """Learns features in which class means tell classes apart."""

    has_inner_loop = False

    def __init__(self, config: PrototypicalConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:  # noqa: ARG002
        super().__init__()
        self.config = config
        self.statistics = statistics
        self.backbone = backbone

    @torch.no_grad()
    def adapt(
        self,
        support: LabelledImages,
        *,
        steps: int | None = None,  # noqa: ARG002
        statistics: Statistics = "support",
        query: LabelledImages | None = None,
        trace: InnerLosses | None = None,
    ) -> PrototypeClassifier:
        """Return the nearest-prototype classifier; there are no steps, so a trace holds one point."""
        moments = settled_moments(self.backbone, statistics, lambda moments: self.backbone(support.images, moments))
        features = self.backbone(support.images, moments)  # (S, D)
        classifier = PrototypeClassifier(
            self.backbone, prototypes_of(features, support.labels, n_way_of(support)), moments
        )
        if trace is not None:
            judge(classifier, support, query, trace)
        return classifier

    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) whose class means are the prototypes."""
        features: Tensor = self.backbone(images, moments)
        return features

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the cross-entropy of the queries' distances; Algorithm 1."""
        support, query = episode.support, episode.query
        both = torch.cat([support.images, query.images])  # (S + M, C, H, W)
        source = FirstImagesMoments(len(support)) if self.statistics == "support" else BatchMoments()
        recorded = RecordedMoments(source)
        features = self.backbone(both, recorded)  # (S + M, D)
        prototypes = prototypes_of(features[: len(support)], support.labels, episode.n_way)
        logits = negative_squared_distances(features[len(support) :], prototypes)  # (M, N)
        loss = F.cross_entropy(logits, query.labels)
        moments = recorded.moments if self.statistics == "running" else None
        return TaskResult(loss, accuracy_of(logits, query.labels), moments=moments)
