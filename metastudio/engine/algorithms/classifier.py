"""The plain classifier: pretraining, and the honest baseline.

Chen, Liu, Kira, Wang, Huang: A Closer Look at Few-shot Classification, ICLR 2019, arXiv:1904.04232 ("Baseline"); with
the nearest centroid as head, Wang, Chao, Weinberger, van der Maaten: SimpleShot, 2019, arXiv:1911.04623.

Train one network to name all meta-train classes, on plain labelled batches. For a new task keep the backbone frozen and
fit a head to the support features.

How we differ: support features are centred on their mean and brought to length 1 before a head is fitted, as SimpleShot
does, for both heads; the linear head starts at zero and takes plain gradient steps.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.transfer import ClassifierConfig
from metastudio.engine.algorithms.adapted_network import frozen_store, settled_moments
from metastudio.engine.algorithms.base import Classifier, MetaLearner, TaskResult, accuracy_of, n_way_of
from metastudio.engine.algorithms.judged import judge
from metastudio.engine.backbones.network import Network, Weights
from metastudio.engine.backbones.normalization import BatchMoments, Moments, RecordedMoments
from metastudio.engine.inner_loop import InnerLosses, Order, descend, gradient_descent
from metastudio.engine.tasks.episode import Episode, LabelledImages


class FeatureHead(nn.Module):
    """Centred, unit-length features (B, D) to logits (B, N) = scale * features @ weight.T + bias."""

    centre: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, centre: Tensor, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, N)."""
        return unit_length(features - self.centre) @ self.weight.T + self.bias


def unit_length(features: Tensor) -> Tensor:
    """Return features (B, D) brought to length 1; written without `F.normalize`, so that every export knows it."""
    return features / (features.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-8)


class HeadClassifier(Classifier):
    """A frozen backbone under a head that was fitted to a task."""

    def __init__(self, backbone: nn.Module, head: FeatureHead, moments: Moments) -> None:
        self.backbone = backbone
        self.head = head
        self.moments = moments
        self.n_way = len(head.weight)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (B, N) of images (B, C, H, W)."""
        logits: Tensor = self.head(self.backbone(images, self.moments))
        return logits

    def as_module(self) -> nn.Module:
        """Return a network of its own that holds the head."""
        module = _HeadNetwork(copy.deepcopy(self.backbone), copy.deepcopy(self.head), self.moments)
        return module.eval().requires_grad_(requires_grad=False)


class _HeadNetwork(nn.Module):
    """Images (B, C, H, W) to logits (B, N), each image alone."""

    def __init__(self, backbone: nn.Module, head: FeatureHead, moments: Moments) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.moments = frozen_store(moments)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images, self.moments.frozen()))
        return logits


class PlainClassifier(MetaLearner):
    """Learns all training classes at once; N of its own head is their number."""

    def __init__(self, config: ClassifierConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__()
        self.config = config
        self.statistics = statistics
        self.network = Network(backbone, n_way)
        self.has_inner_loop = config.head == "linear"

    def adapt(
        self,
        support: LabelledImages,
        *,
        steps: int | None = None,
        statistics: Statistics = "support",
        query: LabelledImages | None = None,
        trace: InnerLosses | None = None,
    ) -> HeadClassifier:
        """Return the frozen backbone under a new head; see `MetaLearner.adapt`."""
        backbone, n_way = self.network.backbone, n_way_of(support)
        moments = settled_moments(backbone, statistics, lambda moments: backbone(support.images, moments))
        with torch.no_grad():
            features = backbone(support.images, moments)  # (S, D)
            centre = features.mean(dim=0)
            unit = unit_length(features - centre)

        def classifier(weights: Weights) -> HeadClassifier:
            head = FeatureHead(centre, weights["weight"].detach(), weights["bias"].detach())
            return HeadClassifier(backbone, head, moments)

        def watch(weights: Weights, step: int) -> None:  # noqa: ARG001
            if trace is not None:
                judge(classifier(weights), support, query, trace)

        if self.config.head == "nearest_centroid":
            nearest = _nearest_centroid(unit, support.labels, n_way)
            watch(nearest, 0)
            return classifier(nearest)

        def support_loss(weights: Weights, step: int) -> Tensor:  # noqa: ARG001
            return F.cross_entropy(unit @ weights["weight"].T + weights["bias"], support.labels)

        with torch.enable_grad():
            zero = {
                "weight": unit.new_zeros(n_way, unit.shape[1]).requires_grad_(),
                "bias": unit.new_zeros(n_way).requires_grad_(),
            }
            fitted = descend(
                support_loss,
                zero,
                adapted=tuple(zero),
                update=gradient_descent(self.config.inner_lr),
                steps=self.config.inner_steps if steps is None else steps,
                order=Order.FIRST,
                watch=watch,
            )
        return classifier(fitted)

    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) of the backbone."""
        return self.network.features_with(self.network.weights(), images, moments)

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the cross-entropy of a labelled batch, which comes as the queries of an episode without support."""
        recorded = RecordedMoments(BatchMoments())
        logits = self.network(episode.query.images, recorded)  # (M, N)
        loss = F.cross_entropy(logits, episode.query.labels)
        moments = recorded.moments if self.statistics == "running" else None
        return TaskResult(loss, accuracy_of(logits, episode.query.labels), moments=moments)


def _nearest_centroid(unit: Tensor, labels: Tensor, n_way: int) -> Weights:
    """Return the linear form of minus the squared distance to the class means (N, D) of unit features (S, D)."""
    membership = F.one_hot(labels, n_way).to(unit.dtype).T  # (N, S)
    means = membership @ unit / membership.sum(dim=1, keepdim=True)
    return {"weight": 2 * means, "bias": -means.pow(2).sum(dim=1)}
