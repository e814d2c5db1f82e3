"""Accuracy of a learner over episodes of one part, before and after adaptation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.algorithms.base import MetaLearner, accuracy_of
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import Executor
from metastudio.images.problems import Cancelled
from metastudio.runs.statistics import mean_ci95


@dataclass(frozen=True)
class EpisodeScore:
    """One episode: loss and accuracy of its queries after adaptation; `accuracy_before` where an inner loop exists."""

    loss: float
    accuracy: float
    accuracy_before: float | None


@dataclass(frozen=True)
class Score:
    """Means over episodes; `ci95` are half widths. Transductive: queries saw each other through the statistics.

    `accuracies` are those of the single episodes, in their order.
    """

    accuracy: float
    ci95: float | None
    accuracy_before: float | None
    ci95_before: float | None
    loss: float
    episodes: int
    statistics: Statistics
    accuracies: tuple[float, ...] = ()

    @property
    def is_transductive(self) -> bool:
        """Whether an answer may depend on the other queries."""
        return self.statistics == "batch"


def score_episode(learner: MetaLearner, episode: Episode, statistics: Statistics) -> EpisodeScore:
    """Adapt to an episode and judge its queries; the learner stays as it is."""
    logits = learner.adapt(episode.support, statistics=statistics).logits(episode.query.images)
    before = None
    if learner.has_inner_loop:
        start = learner.adapt(episode.support, steps=0, statistics=statistics)
        before = accuracy_of(start.logits(episode.query.images), episode.query.labels)
    return EpisodeScore(
        float(F.cross_entropy(logits, episode.query.labels)), accuracy_of(logits, episode.query.labels), before
    )


def evaluate(
    learner: MetaLearner,
    source: EpisodesByClass,
    part: Part,
    spec: EpisodeSpec,
    *,
    episodes: int,
    statistics: Statistics = "support",
    executor: Executor,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Score:
    """Return the score over episodes 0 … `episodes` - 1 of a part: the same ones for every method that is asked.

    Raises:
        DataError: if the part cannot give such episodes.
        Cancelled: if `should_stop`, asked after every episode but the last, says so.
    """

    def score(number: int) -> EpisodeScore:
        return score_episode(learner, source.episode(part, number, spec).to(device), statistics)

    scores: list[EpisodeScore] = []
    with closing(_in_order(executor, score, episodes)) as judged:  # closed, it begins no further episode
        for each in judged:
            scores.append(each)
            if on_progress is not None:
                on_progress(len(scores))
            if len(scores) < episodes and should_stop():
                raise Cancelled
    accuracies = tuple(each.accuracy for each in scores)
    accuracy, ci95 = mean_ci95(accuracies)
    befores = [each.accuracy_before for each in scores if each.accuracy_before is not None]
    before, ci95_before = mean_ci95(befores) if befores else (None, None)
    loss, _ = mean_ci95([each.loss for each in scores])
    return Score(accuracy, ci95, before, ci95_before, loss, len(scores), statistics, accuracies)


def _in_order(
    executor: Executor, score: Callable[[int], EpisodeScore], episodes: int
) -> Generator[EpisodeScore, None, None]:
    yield from executor.map(score, range(episodes))
