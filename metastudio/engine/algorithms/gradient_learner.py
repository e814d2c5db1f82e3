"""What all methods with an inner loop share: their choices, put together.

A method says where the inner loop starts (`initial_state`), what of that moves (`adapted`), what a step lowers
(`support_loss`), by which rule (`update_rule`), how many steps, of which order, what the network makes of the state
(`weights_of`), and how much the query loss after each step counts (`step_loss_weights`). Everything else is here:
adapting, judging, the training loss.

The *state* of an inner loop is a dict of tensors. For MAML it is the network's weights; for others a latent code, or
context values, from which `weights_of` makes the weights that the network is called with. Where no inner step changes
the body, the state may hold the support features beside them (`with_features`), which are then computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.config import GradientConfig, SecondOrderConfig
from metastudio.engine.algorithms.adapted_network import AdaptedNetwork, settled_moments
from metastudio.engine.algorithms.base import MetaLearner, TaskResult, accuracy_of, n_way_of
from metastudio.engine.algorithms.judged import judged
from metastudio.engine.backbones.network import HEAD, Network, Weights
from metastudio.engine.backbones.normalization import BatchMoments, FirstImagesMoments, Moments, RecordedMoments
from metastudio.engine.inner_loop import InnerLosses, Order, UpdateRule, Watcher, descend, gradient_descent
from metastudio.engine.tasks.episode import Episode, LabelledImages

RECOMPUTE_FROM_STEPS = 6
FEATURES = "support features"
"""Where a state keeps the features (S, D) of the support images."""


class GradientLearner(MetaLearner):
    """A method with an inner loop, told by the choices that its subclass makes."""

    order = Order.SECOND

    def __init__(self, config: GradientConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__()
        self.config = config
        self.statistics = statistics
        self.network = Network(backbone, n_way)
        self.max_n_way = n_way
        self.training_steps = config.inner_steps

    # --- what a method chooses ---

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return where the inner loop of a task starts; gradients flow back through it to the meta-parameters."""
        return self.network.weights(n_way_of(support))

    def adapted(self, state: Weights) -> Sequence[str]:
        """Return the names of what moves; by default everything."""
        return tuple(state)

    def update_rule(self) -> UpdateRule:
        """Return the rule of an inner step, fresh for a task."""
        return gradient_descent(self.config.inner_lr)

    def weights_of(self, state: Weights, step: int) -> Weights:  # noqa: ARG002
        """Return what the network is called with in this state, after `step` inner steps."""
        return {name: value for name, value in state.items() if name != FEATURES}

    def support_loss(self, support: LabelledImages, state: Weights, step: int) -> Tensor:
        """Return what an inner step lowers: by default the cross-entropy of the support images in this state."""
        weights = self.weights_of(state, step)
        if FEATURES in state:
            logits = F.linear(state[FEATURES], weights[f"{HEAD}weight"], weights[f"{HEAD}bias"])  # (S, N)
        else:
            logits = self.network.with_weights(weights, support.images, BatchMoments())
        return F.cross_entropy(logits, support.labels)

    def step_loss_weights(self, steps: int) -> Sequence[float]:
        """Return how much the query loss before the first and after each step counts, `steps` + 1 numbers."""
        return (0.0,) * steps + (1.0,)

    def training_start(self, support: LabelledImages) -> Weights:
        """Return where the inner loop starts in training; elsewhere than for a new task where training draws it."""
        return self.initial_state(support)

    def training_order(self) -> Order:
        """Return the order of the outer gradient now."""
        return self.order

    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) with the weights that tasks start from."""
        return self.network.features_with(self.network.weights(), images, moments)

    # --- what follows from it ---

    def with_features(self, state: Weights, support: LabelledImages) -> Weights:
        """Return the state with the support features beside it, for inner steps that leave the body alone."""
        body = {name: value for name, value in state.items() if not name.startswith(HEAD)}
        return state | {FEATURES: self.network.features_with(body, support.images, BatchMoments())}

    def descend(
        self,
        support: LabelledImages,
        steps: int,
        order: Order,
        *,
        start: Callable[[LabelledImages], Weights] | None = None,
        watch: Watcher | None = None,
        visit: Watcher | None = None,
    ) -> Weights:
        """Return the state after `steps` inner steps on the support loss; see `inner_loop.descend`.

        Where `start` is None, they begin at the initial state of a new task.
        """
        self.check_n_way(n_way_of(support))
        state = (start or self.initial_state)(support)
        return descend(
            partial(self.support_loss, support),
            state,
            adapted=self.adapted(state),
            update=self.update_rule(),
            steps=steps,
            order=order,
            recompute_for=tuple(self.parameters()) if self._recomputes(steps, order) else None,
            watch=watch,
            visit=visit,
        )

    def _recomputes(self, steps: int, order: Order) -> bool:
        if order is Order.FIRST or not isinstance(self.config, SecondOrderConfig):
            return False
        wanted = self.config.inner_graph
        return wanted == "recompute" or (wanted == "auto" and steps >= RECOMPUTE_FROM_STEPS)

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
        steps = self.config.test_inner_steps if steps is None else steps
        classifier = partial(self._classifier, support, statistics)
        watch = None if trace is None else judged(classifier, support, query, trace)
        with torch.enable_grad():
            state = self.descend(support, steps, Order.FIRST, watch=watch)
        return classifier(state, steps)

    def _classifier(self, support: LabelledImages, statistics: Statistics, state: Weights, step: int) -> AdaptedNetwork:
        with torch.no_grad():
            weights = self.weights_of(state, step)
        moments = settled_moments(
            self.network, statistics, lambda moments: self.network.with_weights(weights, support.images, moments)
        )
        return AdaptedNetwork(self.network, weights, moments, n_way_of(support))

    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the query loss after the inner loop; where losses of earlier steps count, their weighted sum."""
        steps = self.config.inner_steps
        importance = self.step_loss_weights(steps)
        losses: list[Tensor] = []

        def judge_on_the_way(state: Weights, step: int) -> None:
            if importance[step] and step < steps:
                losses.append(importance[step] * self.query_loss(episode, state, step).loss)

        state = self.descend(
            episode.support, steps, self.training_order(), start=self.training_start, visit=judge_on_the_way
        )
        result = self.query_loss(episode, state, steps)
        if losses or importance[steps] != 1:
            result.loss = torch.stack([*losses, importance[steps] * result.loss]).sum()
        return result

    def query_loss(self, episode: Episode, state: Weights, step: int) -> TaskResult:
        """Return loss and accuracy of the queries in one state of the inner loop."""
        support, query = episode.support, episode.query
        weights = self.weights_of(state, step)
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


class AnyWayLearner(GradientLearner):
    """A method that makes a head for each task: any number of classes, in any order.

    The network's own head is one row, for those who give it to every class.
    """

    def __init__(self, config: GradientConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:  # noqa: ARG002
        super().__init__(config, backbone, n_way=1, statistics=statistics)
        self.max_n_way = None

    def unused_parameters(self) -> tuple[str, ...]:
        """Return the network's own row."""
        return (f"network.{HEAD}weight", f"network.{HEAD}bias")

    def body(self) -> Weights:
        """Return the weights without the head."""
        return {name: value for name, value in self.network.weights().items() if not name.startswith(HEAD)}
