"""Meta-Transfer Learning.

Sun, Liu, Chua, Schiele: Meta-Transfer Learning for Few-Shot Learning, CVPR 2019, arXiv:1812.02391.

A trunk that was trained to name many classes is kept frozen. Learned are a scale for each filter and input channel,
and a shift for each filter (equation 5): few numbers, so that few-shot tasks do not make the trunk forget. The inner
loop moves the head alone (equation 3); scale, shift and the head's start are learned from the query losses (equation
4). Hard tasks, made of the classes that a step answered worst, are trained on beside the others (section 4.3).

How we differ: the shift is added to the bias of the normalisation behind the filter, which would subtract it from the
filter itself; the scale of a whole filter would be normalised away too, so what acts are the scales of its input
channels among one another, as in the authors' code. Hard tasks are put together from the images of the step's own tasks
and not drawn anew, so that they too are a function of the step's tasks and weights alone and a resumed run goes on bit
for bit; the worst class is that of the highest query loss, since accuracies of few queries are often equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.meta_transfer import MetaTransferConfig
from metastudio.engine.algorithms.base import MeanGradient, OuterStep
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.backbones.normalization import Moments, TaskBatchNorm
from metastudio.engine.tasks.episode import Episode, LabelledImages


class MetaTransfer(GradientLearner):
    """A frozen trunk under learned scales (F, C, 1, 1) of its filters and shifts (F,) of its normalisations."""

    config: MetaTransferConfig

    def __init__(self, config: MetaTransferConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.scales, self.shifts = nn.ParameterList(), nn.ParameterList()
        self._scaled, self._shifted = [], []  # names of weights, in the order of the lists
        for name, layer in self.network.named_modules():
            if isinstance(layer, nn.Conv2d):
                self._scaled.append(f"{name}.weight")
                self.scales.append(torch.ones(*layer.weight.shape[:2], 1, 1))
            elif isinstance(layer, TaskBatchNorm):
                self._shifted.append(f"{name}.bias")
                self.shifts.append(torch.zeros_like(layer.bias))
        self.network.freeze_backbone()

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the trunk, scaled and shifted, with the support features, and the head's start."""
        return self.with_features(self._steered(super().initial_state(support)), support)

    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) of the trunk, scaled and shifted."""
        return self.network.features_with(self._steered(self.network.weights()), images, moments)

    def _steered(self, weights: Weights) -> Weights:
        scaled = {name: weights[name] * scale for name, scale in zip(self._scaled, self.scales, strict=True)}
        shifted = {name: weights[name] + shift for name, shift in zip(self._shifted, self.shifts, strict=True)}
        return weights | scaled | shifted

    def adapted(self, state: Weights) -> Sequence[str]:
        """Return the names of the head's weights."""
        return tuple(name for name in state if name.startswith(HEAD))

    def outer_step(self, episodes: Sequence[Episode], executor: MeanGradient) -> OuterStep:
        """Return the mean gradient over the episodes and the hard ones made of them; losses are those of the former."""
        if not self.config.adds_hard_tasks:
            return super().outer_step(episodes, executor)
        step = super().outer_step([*episodes, *self.hard_tasks(episodes)], executor)
        count = len(episodes)
        return replace(step, losses=step.losses[:count], accuracies=step.accuracies[:count])

    def hard_tasks(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Return tasks of N classes each, of the worst class of every episode; none where those are fewer than N."""
        n_way = episodes[0].n_way
        if len(episodes) < n_way:
            return []
        worst: dict[str, tuple[Tensor, Tensor]] = {}
        for episode in (each.prepared() for each in episodes):
            label = self._worst_class(episode)
            support, query = (part.images[part.labels == label] for part in (episode.support, episode.query))
            worst.setdefault(episode.classes[label], (support, query))
        names = list(worst)
        groups = [names[first : first + n_way] for first in range(0, len(names) - n_way + 1, n_way)]
        return [_task_of({name: worst[name] for name in group}, episodes[0].source) for group in groups]

    def _worst_class(self, episode: Episode) -> int:
        """Return the label whose queries have the highest mean loss after adaptation."""
        statistics: Statistics = "batch" if self.statistics == "batch" else "support"
        classifier = self.adapt(episode.support, steps=self.config.inner_steps, statistics=statistics)
        losses = F.cross_entropy(classifier.logits(episode.query.images), episode.query.labels, reduction="none")
        of_class = [losses[episode.query.labels == label].mean() for label in range(episode.n_way)]
        return int(torch.stack(of_class).argmax())


def _task_of(classes: dict[str, tuple[Tensor, Tensor]], source: str) -> Episode:
    """Return the episode of classes, each with its support and query images."""

    def labelled(parts: Sequence[Tensor]) -> LabelledImages:
        counts = torch.tensor([len(part) for part in parts])
        labels = torch.arange(len(parts)).repeat_interleave(counts)
        return LabelledImages(torch.cat(list(parts)), labels.to(parts[0].device))

    support, query = zip(*classes.values(), strict=True)
    return Episode(labelled(support), labelled(query), tuple(classes), source)
