"""The two contracts of every method: a learner adapts, a classifier answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.backbones.network import Weights
from metastudio.engine.backbones.normalization import MeanAndVariance, Moments, update_running_moments
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.errors import ConfigurationError


class Classifier(ABC):
    """What adaptation gives: it can predict, be saved and be exported."""

    n_way: int

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (B, N) of images (B, C, H, W)."""

    @abstractmethod
    def as_module(self) -> nn.Module:
        """Return a network of its own, images (B, C, H, W) to logits (B, N), that answers each image alone.

        Raises:
            ConfigurationError: if it was adapted with `batch` statistics, whose answers depend on their neighbours.
        """


@dataclass
class TaskResult:
    """What one task says to the outer loop: a loss to be differentiated, or a gradient outright.

    Attributes:
        loss: Scalar query loss after adaptation.
        accuracy: Of the queries after adaptation, in [0, 1].
        gradient: By parameter name, where the method gives it outright (Reptile); else None.
        moments: Recorded normalisation statistics, where the outer step shall update running ones.
    """

    loss: Tensor
    accuracy: float
    gradient: Weights | None = None
    moments: Mapping[str, MeanAndVariance] | None = None


@dataclass
class OuterStep:
    """The mean over a meta-batch.

    Attributes:
        gradients: Mean gradient by parameter name.
        losses: (E,) query loss of each task.
        accuracies: (E,) query accuracy of each task.
        moments: Recorded statistics of each task, where there are any.
    """

    gradients: Weights
    losses: list[float]
    accuracies: list[float]
    moments: list[Mapping[str, MeanAndVariance]] = field(default_factory=list)


@dataclass(frozen=True)
class LearnedTable:
    """Numbers that a method learns beside the weights, for people to look at.

    Attributes:
        title: What they are.
        rows: What each row is of.
        columns: What each column is of.
        values: One row of numbers for each of `rows`, one number for each of `columns`.
        shape: How they are drawn: a line for each row over the columns; bars for how many rows' numbers lie in each
            column; a point for each row, whose two columns are its place; the history of each row's only number.
        places: Where each column lies on the axis, for lines and bars; its number, counted from 1, where empty.
        axes: What the axes are, x and y.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    shape: Literal["lines", "bars", "points", "history"] = "lines"
    places: tuple[float, ...] = ()
    axes: tuple[str, str] = ("", "")


class TaskLoss(Protocol):
    """Computes one task, as `MetaLearner.task_loss` does."""

    def __call__(self, episode: Episode) -> TaskResult:
        """Return the result of one episode."""


class MeanGradient(Protocol):
    """A way of computing the tasks of a meta-batch: one after another, side by side, shared among processes."""

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes, added up in their order."""


class MetaLearner(nn.Module, ABC):
    """Owns the meta-parameters; knows how to adapt to a task and how good that was."""

    max_n_way: int | None = None
    """Most classes a new task may have; None for any number."""

    has_inner_loop = True
    """Whether adaptation goes by steps, so that there is a before."""

    planned_iterations: int = 0
    """Outer steps that training will take, for what changes on the way."""

    training_steps: int | None = None
    """Inner steps in training, for its traces; None where they are those of a new task."""

    @abstractmethod
    def adapt(
        self,
        support: LabelledImages,
        *,
        steps: int | None = None,
        statistics: Statistics = "support",
        query: LabelledImages | None = None,
        trace: InnerLosses | None = None,
    ) -> Classifier:
        """Return a classifier of the N classes that the labels name. Pure: the learner stays bit-identical.

        Args:
            support: S labelled images.
            steps: Inner steps, as many as the configuration has for new tasks where None.
            statistics: Where the classifier's normalisation takes its statistics from when it predicts.
            query: Judged at every step where `trace` is given.
            trace: Filled with losses before the first and after every step.

        Raises:
            ConfigurationError: if there are more classes than the learner can tell apart.
        """

    @abstractmethod
    def task_loss(self, episode: Episode) -> TaskResult:
        """Return the training loss of one episode, differentiable with respect to the meta-parameters."""

    @abstractmethod
    def features(self, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) of images (B, C, H, W) that a head or a comparison works with, before adapting."""

    def outer_step(self, episodes: Sequence[Episode], executor: MeanGradient) -> OuterStep:
        """Return the mean gradient over the episodes; methods that see tasks jointly override this."""
        return executor.mean_gradient(self.task_loss, episodes, dict(self.named_parameters()))

    def unused_parameters(self) -> tuple[str, ...]:
        """Return the names of parameters that this method never uses, such as a head that each task makes anew."""
        return ()

    def outer_lr_factor(self) -> float:
        """Return what the outer learning rate of the schedule is multiplied by."""
        return 1.0

    def learned(self, tasks: Iterable[Episode] = ()) -> tuple[LearnedTable, ...]:  # noqa: ARG002
        """Return what of the learned numbers is worth a look; most methods have none but weights.

        Args:
            tasks: Some tasks never trained on, for methods that learn something about each task; drawn when asked for.
        """
        return ()

    def after_outer_step(self, step: OuterStep) -> None:
        """Take note of an applied outer step, with what gradients do not move: the running statistics.

        Whatever it changes lies in buffers and parameters and is changed in place: so checkpoints hold it, and the
        processes that compute tasks see it.
        """
        update_running_moments(self, step.moments)

    def inner_trace(self, episode: Episode) -> InnerLosses:
        """Return how the inner loop of an episode goes, with queries judged at every step; changes nothing."""
        trace = InnerLosses()
        self.adapt(episode.support, steps=self.training_steps, query=episode.query, trace=trace)
        return trace

    def check_n_way(self, n_way: int) -> None:
        """Refuse a task with more classes than this learner can tell apart.

        Raises:
            ConfigurationError: naming both numbers and the methods that take any number.
        """
        if self.max_n_way is not None and n_way > self.max_n_way:
            able = [entry.title for entry in ALGORITHMS.values() if entry.capabilities.any_n_way]
            raise ConfigurationError(
                "This task has {n_way} classes, and the model was trained to tell {most} apart.",
                n_way=n_way,
                most=self.max_n_way,
                todo="Take fewer classes, train with more ways, or take a method for any number: {able}.",
                able=", ".join(able),
            )


def n_way_of(support: LabelledImages) -> int:
    """Return N, the number of classes that labels 0 … N-1 name."""
    return int(support.labels.max()) + 1


def accuracy_of(logits: Tensor, labels: Tensor) -> float:
    """Return the share of right answers, in [0, 1], of logits (B, N) for labels (B,)."""
    return float((logits.argmax(dim=1) == labels).to(torch.float64).mean())
