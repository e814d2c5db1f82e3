"""The outer loop: a generator of events that leaves checkpoints behind. It knows no window and no terminal."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from metastudio.catalog.data_spec import Part
from metastudio.catalog.entry import find
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.algorithms.base import MetaLearner, OuterStep
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.tasks.augmentation import Augmenter
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.capacity import convolution_flops, task_flops
from metastudio.engine.training.checkpoint import Progress, checkpoint_files, load_checkpoint, take_over
from metastudio.engine.training.episodes_ahead import EpisodesAhead
from metastudio.engine.training.executor import Executor
from metastudio.engine.training.gradient_watch import GradientWatch
from metastudio.engine.training.schedules import outer_lr
from metastudio.engine.training.task_gradient import BrokenTasksError
from metastudio.engine.training.tracing import TraceBudget, inner_traces
from metastudio.errors import NumericError, ResourceError
from metastudio.images.problems import Cancelled
from metastudio.runs import events
from metastudio.runs.control import Wanted
from metastudio.runs.preflight import train_spec
from metastudio.runs.statistics import mean_ci95

_CAPACITY_AFTER_S = 10.0
"""Measuring it takes a second or two: not worth it for jobs that end by then."""
_SHOWN_TASKS = 24
"""Tasks of meta-val that a method may show what it makes of."""

SaveFiles = Callable[[int, dict[str, bytes], bool], Path]
"""(iteration, files by name, whether it is the best) → where they lie."""


class Trainer:
    """Trains a learner on a source of episodes.

    Everything random is a function of the experiment's seed and the iteration, so a trainer that took up a checkpoint
    goes on exactly as an undisturbed one.
    """

    def __init__(
        self,
        experiment: ExperimentConfig,
        learner: MetaLearner,
        source: EpisodesByClass,
        *,
        executor: Executor,
        device: torch.device | str = "cpu",
        save: SaveFiles,
        wanted: Callable[[], Wanted] = lambda: Wanted.RUN,
        is_watched: bool = True,
    ) -> None:
        """Make a trainer.

        Args:
            experiment: What is trained.
            learner: Its weights; moved to the device.
            source: Gives the tasks.
            executor: Computes them.
            device: Where.
            save: Keeps a checkpoint.
            wanted: Asked after every outer step and judged episode, and before the first step of what goes on.
            is_watched: Whether somebody sees the events; else nothing is computed for them alone.
        """
        self.experiment = experiment
        self.training = experiment.training
        self.source = source
        self.executor = executor
        self.device = torch.device(device)
        self.learner = learner.to(self.device)
        self.learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # up to a quarter faster
        self.save = save
        self.wanted = wanted
        self.is_watched = is_watched
        self.progress = Progress()
        self._entry = find(ALGORITHMS, experiment.algorithm.name, "algorithm")
        kind = torch.optim.Adam if self.training.optimizer == "adam" else torch.optim.SGD
        has_fused = self.device.type in {"cpu", "cuda"}
        self.optimizer = kind(learner.parameters(), lr=self.training.outer_lr, fused=has_fused)
        self._augmenter = _augmenter_of(experiment)
        self._traces = TraceBudget()
        self._ahead = EpisodesAhead(self._drawn, lambda: self.last_iteration)
        self._saved: Progress | None = None
        self._heard = Wanted.RUN
        self._elapsed_before_s = 0.0
        self._knows_capacity = False
        self._gradient_watch = GradientWatch(self.training.gradient_clip)
        self._dropped_tasks = 0

    @property
    def last_iteration(self) -> int:
        """The iteration that training ends with: the experiment's, or an earlier one if finishing was wanted."""
        return self.progress.ends_at or self.training.iterations

    def resume(self, checkpoint: Path) -> None:
        """Take up a checkpoint.

        Raises:
            IntegrityError: if it is altered, or of another network.
        """
        self.progress = load_checkpoint(checkpoint, self.learner, self.optimizer)
        self._saved = self.progress
        self._elapsed_before_s = self.progress.elapsed_s

    def files(self) -> dict[str, bytes]:
        """Return the contents of a checkpoint by file name."""
        return checkpoint_files(self.learner, self.optimizer, self.progress)

    def follow(self, files: Mapping[str, bytes]) -> None:
        """Stand where the trainer of another process of the run stands, whose files these are."""
        self.progress = take_over(files, self.learner, self.optimizer)
        self._saved = self.progress if self.progress.iteration else None
        self._elapsed_before_s = self.progress.elapsed_s

    def run(self) -> Iterator[events.Event]:
        """Train to the last iteration, or until something else is wanted; the last event is `Finished`.

        A validation that a pause cuts short is dropped; who takes up the checkpoint makes it anew.

        Raises:
            NumericError: if a loss is not a number; the step was not applied.
            ResourceError: if a checkpoint cannot be written; the ones before are whole.
        """
        with self._ahead:
            yield from self._run()

    def _run(self) -> Iterator[events.Event]:
        try:
            yield from self._validated_where_due()  # where a pause had cut it short
            if self.progress.iteration:  # it may be taken up only to be finished
                yield from self._heed()
            while self.progress.iteration < self.last_iteration:
                yield from self._iterate(self.progress.iteration + 1)
                yield from self._heed()
        except Cancelled:
            yield from self._checkpoint(is_best=False)  # of what is discarded too: it may be taken back
            yield self._finished("discarded" if self._heard is Wanted.DISCARD else "paused")
        except ResourceError:  # the last step was not applied: what there is can be gone on with
            with contextlib.suppress(ResourceError):  # it may be the disk that is full, and that is what is said
                yield from self._checkpoint(is_best=False)
            raise
        else:
            yield from self._checkpoint(is_best=False)
            yield self._finished("finished")

    def _heed(self) -> Iterator[events.Event]:
        """Do what is wanted between two iterations.

        Raises:
            Cancelled: where that is to leave.
        """
        if self._is_leaving():
            raise Cancelled
        if self._heard is Wanted.FINISH:
            self.progress = replace(self.progress, ends_at=self.progress.iteration)
            yield from self._validated_where_due()

    def _is_leaving(self) -> bool:
        """Hear what is wanted, and return whether it is to leave without ending."""
        self._heard = self.wanted()
        return self._heard in {Wanted.PAUSE, Wanted.DISCARD}

    def _iterate(self, iteration: int) -> Iterator[events.Event]:
        began = time.monotonic()
        episodes = self._ahead.of(iteration)
        traced = list(self._traced(iteration, episodes))
        yield from (trace for trace in traced if trace.support_losses[1:])
        lr = outer_lr(self.training, iteration) * self.learner.outer_lr_factor()
        step_began = time.monotonic()
        step, norm = self._step(episodes, lr, iteration)
        dropped = len(episodes) - len(step.losses)
        taken_s = time.monotonic() - step_began
        self.progress = replace(
            self.progress, iteration=iteration, elapsed_s=self.progress.elapsed_s + time.monotonic() - began
        )
        befores = [trace.query_losses[0] for trace in traced if trace.query_losses]
        yield events.OuterStep(
            iteration=iteration,
            loss=mean_ci95(step.losses)[0],
            accuracy=mean_ci95(step.accuracies)[0],
            loss_before=mean_ci95(befores)[0] if befores and self.learner.has_inner_loop else None,
            accuracy_before=self._accuracy_before,
            gradient_norm=norm,
            lr=lr,
            tasks_per_s=len(episodes) / max(taken_s, 1e-9),
            memory_bytes=self._memory_bytes(),
            elapsed_s=self.progress.elapsed_s,
            dropped_tasks=dropped,
        )
        if dropped:
            yield self._dropped(dropped, iteration)
        if (notice := self._gradient_watch.notice(iteration, norm)) is not None:
            yield notice
        yield from self._capacity_where_due(episodes[0].prepared())
        yield from self._validated_where_due()
        if iteration % self.training.checkpoint_every == 0:
            yield from self._checkpoint(is_best=False)

    def _drawn(self, iteration: int) -> list[Episode]:
        """Return the episodes of an iteration: numbers follow one another through the whole training.

        Their pictures are augmented here where another device trains meanwhile, and by who computes a task where the
        processor does: there is no core that would have time for it.
        """
        first = (iteration - 1) * self.training.meta_batch_size
        numbers = range(first, first + self.training.meta_batch_size)
        if self._entry.capabilities.is_episodic:
            episodes = self.source.episodes(Part.META_TRAIN, numbers, train_spec(self.experiment))
        else:
            batch_size = self.experiment.algorithm.batch_size
            episodes = [self.source.labelled_batch(number, batch_size) for number in numbers]
        if self._augmenter is not None:
            augment = self._augmenter.later if self.device.type == "cpu" else self._augmenter.changed
            episodes = augment(episodes, numbers)
        return [episode.to(self.device) for episode in episodes]

    def _traced(self, iteration: int, episodes: list[Episode]) -> Iterator[events.InnerTrace]:
        """Yield the traces of an iteration, before its step; none where it is not traced."""
        self._accuracy_before: float | None = None
        if not self.is_watched:
            return
        spec = self.experiment.episodes.for_test()
        is_episodic = self._entry.capabilities.is_episodic
        if not is_episodic and not self.source.can_give(Part.META_VAL, spec):
            return
        trained_s = self.progress.elapsed_s - self._elapsed_before_s
        if not self._traces.allows(iteration, self.training.iterations, trained_s):
            return
        with self._traces.spending():
            if not is_episodic:
                episodes = [self.source.episode(Part.META_VAL, iteration, spec).to(self.device)]
            traces = inner_traces(self.learner, episodes)
        if self.learner.has_inner_loop:
            self._accuracy_before = mean_ci95([trace.query_accuracies[0] for trace in traces])[0]
        for task, trace in enumerate(traces):
            yield events.InnerTrace(
                iteration=iteration,
                task=task,
                support_losses=tuple(trace.support_losses),
                query_losses=tuple(trace.query_losses),
            )

    def _step(self, episodes: list[Episode], lr: float, iteration: int) -> tuple[OuterStep, float]:
        """Apply one outer step; return it with the length of its gradient before clipping.

        Raises:
            NumericError: if a loss is not a number, and no task or too many would have to be dropped.
            ResourceError: if the device's memory is full, twice; the step was not applied.
        """
        try:
            step = self._outer_step(episodes)
        except NumericError as error:
            error.where = f"iteration {iteration}, {error.where}"
            raise
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        parameters = dict(self.learner.named_parameters())
        for name, gradient in step.gradients.items():
            parameters[name].grad = gradient
        clip = self.training.gradient_clip or float("inf")
        norm = float(torch.nn.utils.clip_grad_norm_(parameters.values(), clip))
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.learner.after_outer_step(step)
        return step, norm

    def _outer_step(self, episodes: list[Episode]) -> OuterStep:
        """Compute an outer step, again without the tasks that are no numbers where the experiment lets them be dropped.

        A device whose memory is full is tried once more after its cache was freed: tasks come one after another, so
        that fewer of them would need no less.
        """
        try:
            return self.learner.outer_step(episodes, self.executor)
        except BrokenTasksError as error:
            if not 0 < len(error.rows) <= self.training.drop_tasks * len(episodes):
                raise
            kept = [each for row, each in enumerate(episodes) if row not in error.rows]
            return self.learner.outer_step(kept, self.executor)
        except torch.OutOfMemoryError:
            pass
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        try:
            return self.learner.outer_step(episodes, self.executor)
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                "The memory of '{device}' is full.",
                device=str(self.device),
                why=str(error).partition("\n")[0],
                todo="End what else computes there and resume; or start again with fewer filters or smaller images.",
            ) from error

    def _dropped(self, count: int, iteration: int) -> events.Notice:
        self._dropped_tasks += count
        text = f"Tasks of iteration {iteration} left out because they gave no number: {count}"
        return events.Notice(
            code="dropped-tasks",
            text=f"{text}; since the start of this stay: {self._dropped_tasks}.",
            severity="warning",
        )

    def _capacity_where_due(self, task: Episode) -> Iterator[events.Event]:
        """Measure once a stay what a task takes and what the machine could do."""
        stay_s = self.progress.elapsed_s - self._elapsed_before_s
        if self._knows_capacity or not self.is_watched or stay_s < _CAPACITY_AFTER_S:
            return
        self._knows_capacity = True
        yield events.Capacity(
            task_flops=task_flops(self.learner, task),
            machine_flops=convolution_flops(self.device, self.executor.threads) * self.executor.processes,
        )

    def _validated_where_due(self) -> Iterator[events.Event]:
        """Measure on meta-val where it is time, and keep the checkpoint if it is the best.

        Nothing where there are too few classes.

        Raises:
            Cancelled: if leaving is wanted meanwhile; nothing was measured.
        """
        iteration = self.progress.iteration
        is_due = iteration % self.training.validate_every == 0 or iteration >= self.last_iteration
        spec = self.experiment.episodes.for_test()
        if (
            not is_due
            or iteration == self.progress.validated_iteration
            or self.source.class_count(Part.META_VAL) < spec.n_way
        ):
            return
        began = time.monotonic()
        score = evaluate(
            self.learner,
            self.source,
            Part.META_VAL,
            spec,
            episodes=self.training.validation_episodes,
            statistics=self.experiment.evaluation.statistics[0],
            executor=self.executor,
            device=self.device,
            should_stop=self._is_leaving,
        )
        is_best = self.progress.best_accuracy is None or score.accuracy > self.progress.best_accuracy
        self.progress = replace(
            self.progress,
            elapsed_s=self.progress.elapsed_s + time.monotonic() - began,
            validated_iteration=iteration,
        )
        if is_best:
            self.progress = replace(
                self.progress,
                best_iteration=self.progress.iteration,
                best_accuracy=score.accuracy,
                best_ci95=score.ci95,
            )
        yield events.Validated(
            iteration=self.progress.iteration,
            accuracy=score.accuracy,
            ci95=score.ci95,
            accuracy_before=score.accuracy_before,
            ci95_before=score.ci95_before,
            loss=score.loss,
            episodes=score.episodes,
            is_best=is_best,
        )
        if is_best:
            yield from self._checkpoint(is_best=True)
        if not self.is_watched:
            return
        tasks = (self.source.episode(Part.META_VAL, number, spec).to(self.device) for number in range(_SHOWN_TASKS))
        for table in self.learner.learned(tasks):
            yield events.Learned(iteration=iteration, **vars(table))

    def _checkpoint(self, *, is_best: bool) -> Iterator[events.Event]:
        if self._saved == self.progress and not is_best:
            return
        path = self.save(self.progress.iteration, self.files(), is_best)
        self._saved = self.progress
        yield events.CheckpointSaved(iteration=self.progress.iteration, path=path.name, is_best=is_best)

    def _finished(self, outcome: str) -> events.Finished:
        return events.Finished.model_validate(
            {
                "outcome": outcome,
                "iteration": self.progress.iteration,
                "best_accuracy": self.progress.best_accuracy,
                "best_ci95": self.progress.best_ci95,
            }
        )

    def _memory_bytes(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        own = sum(int(psutil.Process(pid).memory_info().rss) for pid in (os.getpid(), *self.executor.pids))
        return own * self.executor.processes  # which are alike


def _augmenter_of(experiment: ExperimentConfig) -> Augmenter | None:
    """Return what changes training pictures, None where nothing does."""
    if not experiment.augmentation.effective(experiment.data.preprocessing):
        return None
    return Augmenter(experiment.augmentation, experiment.data.preprocessing, seed=experiment.seed)
