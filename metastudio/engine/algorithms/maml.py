"""MAML and first-order MAML.

Finn, Abbeel, Levine: Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, ICML 2017, arXiv:1703.03400.

Learn initial weights θ such that a few gradient steps on a task's support loss, θ' = θ - α ∇L_support(θ), give a low
query loss L_query(θ'). The outer gradient is taken with respect to θ: through the inner steps (MAML), or as if they had
been constants (first order).

How we differ: normalisation takes its statistics from the support set by default, so that queries do not see each other
(the paper's numbers are transductive); each episode permutes its labels.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient import GradientConfig
from metastudio.engine.algorithms.adapted_network import AdaptedNetwork, settled_moments
from metastudio.engine.algorithms.base import MetaLearner, TaskResult, accuracy_of, n_way_of
from metastudio.engine.algorithms.judged import judged
from metastudio.engine.backbones.network import Network, Weights
from metastudio.engine.backbones.normalization import BatchMoments, FirstImagesMoments, RecordedMoments
from metastudio.engine.inner_loop import InnerLosses, Order, Watcher, descend, gradient_descent
from metastudio.engine.tasks.episode import Episode, LabelledImages


class MAML(MetaLearner):
    """Full second order: the outer gradient goes through every inner step."""

    order = Order.SECOND

    def __init__(self, config: GradientConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__()
        self.config = config
        self.statistics = statistics
        self.network = Network(backbone, n_way)
        self.max_n_way = n_way
        self.training_steps = config.inner_steps

    def _fast_weights(self, support: LabelledImages, steps: int, order: Order, watch: Watcher | None = None) -> Weights:
        """θ → θ': every parameter, plain gradient descent, on the support loss."""
        n_way = n_way_of(support)
        self.check_n_way(n_way)
        initial = self.network.weights(n_way)

        def support_loss(weights: Weights, step: int) -> Tensor:  # noqa: ARG001
            logits = self.network.with_weights(weights, support.images, BatchMoments())
            return F.cross_entropy(logits, support.labels)

        return descend(
            support_loss,
            initial,
            adapted=tuple(initial),
            update=gradient_descent(self.config.inner_lr),
            steps=steps,
            order=order,
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
        watch = None if trace is None else judged(classifier, support, query, trace)
        with torch.enable_grad():
            weights = self._fast_weights(
                support, self.config.test_inner_steps if steps is None else steps, Order.FIRST, watch
            )
        return classifier(weights)

    def _classifier(self, support: LabelledImages, statistics: Statistics, weights: Weights) -> AdaptedNetwork:
        moments = settled_moments(
            self.network, statistics, lambda moments: self.network.with_weights(weights, support.images, moments)
        )
        return AdaptedNetwork(self.network, weights, moments, n_way_of(support))

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the query loss at θ'."""
        support, query = episode.support, episode.query
        weights = self._fast_weights(support, self.config.inner_steps, self.order)
        if self.statistics == "support":  # one pass over both: the first S images give the statistics of all
            both = torch.cat([support.images, query.images])  # (S + M, C, H, W)
            logits = self.network.with_weights(weights, both, FirstImagesMoments(len(support)))[len(support) :]
            moments = None
        else:
            recorded = RecordedMoments(BatchMoments())
            logits = self.network.with_weights(weights, query.images, recorded)
            moments = recorded.moments if self.statistics == "running" else None
        loss = F.cross_entropy(logits, query.labels)
        return TaskResult(loss, accuracy_of(logits, query.labels), moments=moments)


class FOMAML(MAML):
    """First order: the query gradient at the adapted weights, as if they had been the initial ones."""

    order = Order.FIRST
