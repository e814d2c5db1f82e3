"""From a run and a target task to a classifier of that task, with everything that is known about how it went."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.engine.algorithms.base import Classifier, MetaLearner, accuracy_of
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.learner import load_learner
from metastudio.engine.tasks.target_task import LoadedTarget, load_target
from metastudio.errors import IntegrityError, NumericError
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.events import Adapted
from metastudio.runs.run_folder import FrozenData, RunFolder


@dataclass(frozen=True)
class TrainedLearner:
    """A learner out of a run, with the checkpoint that its weights come from and what it was trained on."""

    run: RunFolder
    experiment: ExperimentConfig
    data: FrozenData
    checkpoint: Path
    learner: MetaLearner


@dataclass(frozen=True, eq=False)
class AdaptedTask:
    """A classifier of a target task.

    Attributes:
        trained: Where it comes from.
        target: The task as the person assembled it.
        loaded: Its pictures, as far as they can be read.
        classifier: Answers each picture alone: its statistics are those of the support pictures.
        trace: Loss and accuracy on the support pictures before the first and after every inner step; empty for methods
            without an inner loop.
        query_accuracy: In [0, 1], of the pictures whose class is known; None where there are none.
        confusion: (N, N) numbers of those pictures, a row for each true class, a column for each answer; empty where
            there are none.
        adapting_s: How long the inner loop took.
    """

    trained: TrainedLearner
    target: TargetTask
    loaded: LoadedTarget
    classifier: Classifier
    trace: InnerLosses
    query_accuracy: float | None
    confusion: tuple[tuple[int, ...], ...]
    adapting_s: float

    @property
    def inner_steps(self) -> int:
        """How many inner steps were taken."""
        return max(0, len(self.trace.support_losses) - 1)

    def event(self) -> Adapted:
        """Return what is told of it."""
        return Adapted(
            target=self.target.name,
            losses=tuple(self.trace.support_losses),
            accuracy=self.query_accuracy,
            queries=0 if self.loaded.query is None else len(self.loaded.query),
            classes=self.loaded.classes,
            confusion=self.confusion,
        )


def trained_learner(run: RunFolder, iteration: int | None = None) -> TrainedLearner:
    """Return the learner of a run's best checkpoint, of its last where none was validated, or of an `iteration`.

    Raises:
        IntegrityError: if there is no checkpoint, or it was altered.
    """
    checkpoint = chosen_checkpoint(run, iteration)
    return TrainedLearner(run, run.experiment(), run.data(), checkpoint, load_learner(run, checkpoint))


def chosen_checkpoint(run: RunFolder, iteration: int | None = None) -> Path:
    """Return the checkpoint that adaptation starts from: that of an iteration, or else the best.

    Raises:
        IntegrityError: if there is none.
    """
    if not run.exists():
        raise IntegrityError("There is no run here.", where=str(run.path), todo="It may have been moved or deleted.")
    if iteration is not None:
        kept = {iteration_of(each): each for each in run.checkpoints()}
        if iteration not in kept:
            raise IntegrityError(
                "There is no checkpoint of iteration {iteration}.",
                iteration=iteration,
                where=str(run.path),
                todo="Kept are: {kept}.",
                kept=", ".join(map(str, kept)) or "none",
            )
        return kept[iteration]
    checkpoint = run.best() or run.last()
    if checkpoint is None:
        raise IntegrityError(
            "This run has no checkpoint yet.", where=str(run.path), todo="Train it until its first checkpoint."
        )
    return checkpoint


def adapt_to_target(trained: TrainedLearner, target: TargetTask, *, steps: int | None = None) -> AdaptedTask:
    """Adapt to a target task, on the CPU.

    Args:
        trained: The learner; it stays bit-identical.
        target: The task.
        steps: Inner steps, as many as the experiment has for new tasks where None.

    Raises:
        DataError: if fewer than two classes have a readable support picture.
        ConfigurationError: if there are more classes than the learner can tell apart.
        NumericError: if the inner loop runs away.
    """
    loaded = load_target(target, trained.experiment.data.preprocessing)
    trace = InnerLosses()
    began = time.monotonic()
    classifier = trained.learner.adapt(loaded.support, steps=steps, trace=trace)
    adapting_s = time.monotonic() - began
    if not all(map(math.isfinite, trace.support_losses)):
        raise NumericError(
            "Adapting to '{target}' ran away: the loss on the support pictures is no longer a number.",
            target=target.name,
            todo="Take fewer inner steps, or train with a lower inner learning rate.",
        )
    accuracy, confusion = _judged(classifier, loaded)
    return AdaptedTask(
        trained=trained,
        target=target,
        loaded=loaded,
        classifier=classifier,
        trace=trace if trained.learner.has_inner_loop else InnerLosses(),
        query_accuracy=accuracy,
        confusion=confusion,
        adapting_s=adapting_s,
    )


def _judged(classifier: Classifier, loaded: LoadedTarget) -> tuple[float | None, tuple[tuple[int, ...], ...]]:
    """Return accuracy and confusion on the queries of known class."""
    query = loaded.query
    if query is None:
        return None, ()
    logits, count = classifier.logits(query.images), len(loaded.classes)
    pairs = query.labels.cpu() * count + logits.argmax(1).cpu()
    confusion = torch.bincount(pairs, minlength=count * count).reshape(count, count)
    return accuracy_of(logits, query.labels), tuple(map(tuple, confusion.tolist()))
