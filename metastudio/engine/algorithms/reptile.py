"""Reptile.

Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, 2018, arXiv:1803.02999.

Train on one task by mini-batches, then move the initial weights φ a little towards where that ended:
φ ← φ + ε (φ' - φ). So the outer gradient is φ - φ', given outright, and the outer optimiser plain descent with a rate ε
that falls to zero.

How we differ: the mean over a meta-batch of tasks, as the paper's batched version; the training images of a task are
its support set, and its queries only measure.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.reptile import ReptileConfig
from metastudio.engine.algorithms.adapted_network import AdaptedNetwork, settled_moments
from metastudio.engine.algorithms.base import MetaLearner, TaskResult, accuracy_of, n_way_of
from metastudio.engine.algorithms.judged import judged
from metastudio.engine.backbones.network import Network, Weights
from metastudio.engine.backbones.normalization import BatchMoments, Moments
from metastudio.engine.inner_loop import Adam, InnerLosses, Order, Watcher, descend
from metastudio.engine.tasks.episode import Episode, LabelledImages


class Reptile(MetaLearner):
    """Moves the initial weights towards the adapted ones."""

    def __init__(self, config: ReptileConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__()
        self.config = config
        self.statistics = statistics
        self.network = Network(backbone, n_way)
        self.max_n_way = n_way

    def _fast_weights(
        self, support: LabelledImages, steps: int, batch_size: int, watch: Watcher | None = None
    ) -> Weights:
        """φ → φ': Adam with beta1 = 0 on mini-batches that go through the support set again and again."""
        n_way = n_way_of(support)
        self.check_n_way(n_way)
        batches = _mini_batches(support.labels, steps, batch_size)
        initial = {name: value.detach().requires_grad_() for name, value in self.network.weights(n_way).items()}

        def support_loss(weights: Weights, step: int) -> Tensor:
            rows = batches[step]
            logits = self.network.with_weights(weights, support.images[rows], BatchMoments())
            return F.cross_entropy(logits, support.labels[rows])

        with torch.enable_grad():
            return descend(
                support_loss,
                initial,
                adapted=tuple(initial),
                update=Adam(self.config.inner_lr),
                steps=steps,
                order=Order.FIRST,
                watch=watch,
            )

    def adapt(
        self,
        support: LabelledImages,
        *,
        steps: int | None = None,
        statistics: Statistics = "support",
        query: LabelledImages | None = None,
        trace: InnerLosses | None = None,
    ) -> AdaptedNetwork:
        """Return the network with fast weights; see `MetaLearner.adapt`."""
        classifier = partial(self._classifier, support, statistics)
        weights = self._fast_weights(
            support,
            self.config.test_inner_steps if steps is None else steps,
            self.config.test_inner_batch_size,
            None if trace is None else judged(lambda state, _: classifier(state), support, query, trace),
        )
        return classifier(weights)

    def inner_trace(self, episode: Episode) -> InnerLosses:
        """Return how the inner loop of an episode goes in training, whose batches are not those of a new task."""
        trace = InnerLosses()
        classifier = partial(self._classifier, episode.support, self._training_statistics)
        watch = judged(lambda state, _: classifier(state), episode.support, episode.query, trace)
        self._fast_weights(episode.support, self.config.inner_steps, self.config.inner_batch_size, watch)
        return trace

    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) with the initial weights φ."""
        return self.network.features_with(self.network.weights(), images, moments)

    @property
    def _training_statistics(self) -> Statistics:
        return "batch" if self.statistics == "batch" else "support"

    def _classifier(self, support: LabelledImages, statistics: Statistics, weights: Weights) -> AdaptedNetwork:
        moments = settled_moments(
            self.network, statistics, lambda moments: self.network.with_weights(weights, support.images, moments)
        )
        return AdaptedNetwork(self.network, weights, moments, n_way_of(support))

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return φ - φ' as the gradient, and how well φ' answers the queries."""
        weights = self._fast_weights(episode.support, self.config.inner_steps, self.config.inner_batch_size)
        classifier = self._classifier(episode.support, self._training_statistics, weights)
        logits = classifier.logits(episode.query.images)
        moments = dict(classifier.frozen_moments()) if self.statistics == "running" else None
        gradient = {
            f"network.{name}": (initial - weights[name]).detach() for name, initial in self.network.named_parameters()
        }
        loss = F.cross_entropy(logits, episode.query.labels)
        return TaskResult(loss, accuracy_of(logits, episode.query.labels), gradient, moments)


def _mini_batches(labels: Tensor, steps: int, batch_size: int) -> list[Tensor]:
    """Return the rows (≤ batch_size,) of each step: passes over the support set, each in another fixed order.

    The order depends on nothing but the sizes, so that adapting twice gives the same weights bit for bit. Rows are
    dealt class by class first, so that a batch holds as many classes as it can.
    """
    count = len(labels)
    rounds = torch.arange(count)
    for label in range(int(labels.max()) + 1):
        mine = (labels == label).nonzero().flatten()
        rounds[mine] = torch.arange(len(mine))
    batches: list[Tensor] = []
    epoch = 0
    generator = torch.Generator()
    while len(batches) < steps:
        shuffle = torch.randperm(count, generator=generator.manual_seed(epoch))
        rows = shuffle[torch.argsort(rounds[shuffle], stable=True)]  # one of each class, then the next of each …
        batches += list(torch.split(rows, batch_size))
        epoch += 1
    return [rows.to(labels.device) for rows in batches[:steps]]
