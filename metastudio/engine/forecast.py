"""How long an experiment will take and how much memory, from a trial of a few seconds with pictures of noise.

Meant for a process of its own that did nothing else before: its memory is that of a worker.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import torch

from metastudio.catalog.data_spec import Part
from metastudio.catalog.device_name import parse_device
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.engine.devices import resolve_device
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.executor import PROCESSES_AFTER_S, OneByOne, SideBySide, chosen_executor
from metastudio.engine.training.trainer import Trainer
from metastudio.images.image_folder import ImageIndex
from metastudio.runs.forecast import Forecast
from metastudio.runs.preflight import train_class_count

_TRIAL_S = 2.0
_LEAST_STEPS = 2
_TRACING = 1.02
"""Traces take 2 % of training at most."""
_PROCESS_SHARE = 0.7
"""What a process that computes tasks holds, as a share of the worker's own: torch, and its tasks, but no pictures."""


class _Noise:
    """A source of episodes of noise, in the shapes of an experiment; nothing of it is validated."""

    def __init__(self, experiment: ExperimentConfig, train_classes: int) -> None:
        preprocessing = experiment.data.preprocessing
        self._shape = (preprocessing.image_size, preprocessing.image_size, preprocessing.channels)
        self._train_classes = train_classes
        self._random = torch.Generator().manual_seed(0)

    def class_count(self, part: Part) -> int:
        return 0 if part is Part.META_VAL else self._train_classes

    def can_give(self, part: Part, spec: EpisodeSpec) -> bool:  # noqa: ARG002
        return True

    def episode(self, part: Part, number: int, spec: EpisodeSpec) -> Episode:  # noqa: ARG002
        support, query = self._labelled(spec.n_way, spec.n_shot), self._labelled(spec.n_way, spec.n_query)
        return Episode(support, query, tuple(map(str, range(spec.n_way))))

    def episodes(self, part: Part, numbers: Sequence[int], spec: EpisodeSpec) -> list[Episode]:
        return [self.episode(part, number, spec) for number in numbers]

    def labelled_batch(self, number: int, batch_size: int) -> Episode:  # noqa: ARG002
        labels = torch.randint(self._train_classes, (batch_size,), generator=self._random)
        query = LabelledImages(self._images(batch_size), labels)
        return Episode(LabelledImages(query.images[:0], labels[:0]), query, ())

    def _labelled(self, n_way: int, count: int) -> LabelledImages:
        return LabelledImages(self._images(n_way * count), torch.arange(n_way).repeat_interleave(count))

    def _images(self, count: int) -> torch.Tensor:
        return torch.rand(count, *self._shape, generator=self._random).permute(0, 3, 1, 2)


def forecast(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> Forecast:
    """Try some outer steps and some judged episodes, and extrapolate.

    Args:
        experiment: What would be trained; `preflight` has nothing against it.
        index: Its pictures.
        parts: The part of each class.

    Raises:
        ConfigurationError: if learner or device cannot be made.
        NumericError: if already the trial gives something that is not a number.
    """
    training = experiment.training
    device = resolve_device(experiment.device).device
    wanted = parse_device(experiment.device)
    processes = wanted.processes if wanted is not None else 1  # this trial is one of them, with the machine to itself
    share = -(-training.meta_batch_size // processes)
    name, threads = chosen_executor(device, share, processes=processes)
    tried_tasks = min(share, 2 * threads)
    never = {"validate_every": 10**9, "checkpoint_every": 10**9, "iterations": 10**9, "meta_batch_size": tried_tasks}
    trial = experiment.model_copy(update={"training": training.model_copy(update=never)})
    train_classes = train_class_count(experiment, index, parts)
    source = _Noise(experiment, train_classes)
    learner = build_learner(experiment, train_classes=train_classes)
    with SideBySide(threads) if name == SideBySide.name else OneByOne(threads) as executor:
        trainer = Trainer(trial, learner, source, executor=executor, device=device, save=lambda *_: Path())  # type: ignore[arg-type]
        rate = _tasks_per_s(trainer)
        began = time.perf_counter()
        judged = 2 * threads
        evaluate(
            learner,
            source,  # type: ignore[arg-type]
            Part.META_TEST,
            experiment.episodes.for_test(),
            episodes=judged,
            statistics=experiment.evaluation.statistics[0],
            executor=executor,
            device=device,
        )
        judged_s = (time.perf_counter() - began) / judged / processes
    training_s = _TRACING * training.iterations * share / rate
    judging_s = judged_s * _judged_episodes(experiment, parts)
    uses_processes = name == SideBySide.name and training_s > PROCESSES_AFTER_S
    memory = _memory_bytes(device, threads if uses_processes else 0, _picture_bytes(experiment, index), processes)
    rate *= training.meta_batch_size / share
    shown = str(device) if processes == 1 else f"{device.type}*{processes}"
    return Forecast(training_s + judging_s, memory, rate, shown)


def _tasks_per_s(trainer: Trainer) -> float:
    """Return the pace of the trial's steps, the first left out, which compiles and fills caches."""
    rates: list[float] = []
    began = math.inf
    for event in trainer.run():
        if event.kind != "outer_step":
            continue
        if began == math.inf:
            began = time.perf_counter()
            continue
        rates.append(event.tasks_per_s)
        if len(rates) >= _LEAST_STEPS and time.perf_counter() - began > _TRIAL_S:
            break
    return statistics.median(rates)


def _judged_episodes(experiment: ExperimentConfig, parts: Mapping[str, Part]) -> int:
    training, evaluation = experiment.training, experiment.evaluation
    can_validate = list(parts.values()).count(Part.META_VAL) >= experiment.episodes.for_test().n_way
    validations = math.ceil(training.iterations / training.validate_every) if can_validate else 0
    tested = evaluation.episodes * len(evaluation.statistics) if evaluation.after_training else 0
    return validations * training.validation_episodes + tested


def _picture_bytes(experiment: ExperimentConfig, index: ImageIndex) -> int:
    """Return the size of the decoded pictures, which are mapped into memory."""
    preprocessing = experiment.data.preprocessing
    return index.file_count * preprocessing.channels * preprocessing.image_size**2


def _memory_bytes(device: torch.device, task_processes: int, picture_bytes: int, workers: int) -> int:
    """Return what all workers hold together; on graphics processors, what each holds of its own one."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    worker = int(psutil.Process().memory_info().rss)
    return round(worker * workers * (1 + _PROCESS_SHARE * task_processes)) + picture_bytes
