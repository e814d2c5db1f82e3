"""Ways of computing the tasks of a meta-batch; all give the same gradient, added up in task order."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self, TypeVar

import torch

from metastudio.engine.algorithms.base import MetaLearner, OuterStep, TaskLoss
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.task_gradient import TaskGradient, mean_of, task_gradient
from metastudio.engine.training.task_processes import TaskProcesses

Item = TypeVar("Item")
Result = TypeVar("Result")
PROCESSES_AFTER_S = 15.0
"""A run that has computed for so long is worth the seconds in which processes start."""
_log = logging.getLogger(__name__)


class Executor(AbstractContextManager["Executor"], Protocol):
    """A way of computing many tasks. Left as a context, it ends its threads."""

    name: str
    threads: int

    @property
    def processes(self) -> int:
        """How many processes share the tasks, this one among them, each in this way."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers of the processes beside this one."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""

    def gradients(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> list[TaskGradient]:
        """Return the gradient of each episode, in their order."""

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes, added up in their order."""


class OneByOne:
    """One task after another, each with a backward pass of its own, so that no graph outlives its task."""

    name = "one_by_one"
    processes = 1
    pids: tuple[int, ...] = ()

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def __enter__(self) -> Self:
        self._before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        return self

    def __exit__(self, *exc: object) -> None:
        torch.set_num_threads(self._before)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        yield from map(function, items)

    def gradients(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> list[TaskGradient]:
        """Return the gradient of each episode."""
        return [task_gradient(task_loss, episode, parameters) for episode in episodes]

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes."""
        return mean_of(self.gradients(task_loss, episodes, parameters), episodes, parameters)


class SideBySide:
    """Tasks beside one another, one operation thread each: faster than threads inside small operations.

    They begin on threads. After some seconds, processes are started, and take over when they are ready
    (`TaskProcesses`): they do not wait for one another's interpreter lock. Each task's gradient comes back by itself
    and they are added up in task order, so that the sum is the same bit for bit however the tasks were scheduled.
    """

    name = "side_by_side"
    processes = 1

    def __init__(self, threads: int, *, processes_after_s: float = math.inf) -> None:
        """Make an executor.

        Args:
            threads: Tasks that run at once.
            processes_after_s: Seconds of computing after which processes are started; infinite for threads alone.
        """
        self.threads = threads
        self.processes_after_s = processes_after_s
        self._computed_s = 0.0
        self._processes: TaskProcesses | None = None

    def __enter__(self) -> Self:
        self._before = torch.get_num_threads()
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(self.threads, "task", initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, *exc: object) -> None:
        self._end_processes()
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._before)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers of the processes beside this one."""
        return self._processes.pids if self._processes else ()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        yield from self._pool.map(function, items)

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes.

        Raises:
            NumericError: if a loss or gradient is not a number.
            ResourceError: if a process that computes tasks died.
        """
        return mean_of(self.gradients(task_loss, episodes, parameters), episodes, parameters)

    def gradients(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> list[TaskGradient]:
        """Return the gradient of each episode.

        Raises:
            ResourceError: if a process that computes tasks died.
        """
        if not episodes:
            return []
        began = time.monotonic()
        processes = self._ready_processes(task_loss, len(episodes))
        if processes is not None:
            done = processes.gradients(_method_name(task_loss), episodes, parameters)
        else:
            done = list(self._pool.map(lambda episode: task_gradient(task_loss, episode, parameters), episodes))
        self._computed_s += time.monotonic() - began
        return done

    def _ready_processes(self, task_loss: TaskLoss, rows: int) -> TaskProcesses | None:
        """Return the processes, where they may compute this; start them when it is time."""
        learner = getattr(task_loss, "__self__", None)
        if self._computed_s < self.processes_after_s or not isinstance(learner, MetaLearner):
            return None
        if self._processes is not None and not self._processes.can_serve(learner, rows):
            self._end_processes()
        if self._processes is None:
            if not _has_shared_memory(learner, rows):
                self.processes_after_s = math.inf
                return None
            self._processes = TaskProcesses(learner, self.threads, rows)
        return self._processes if self._processes.are_ready() else None

    def _end_processes(self) -> None:
        if self._processes is not None:
            self._processes.close()
            self._processes = None


def _method_name(task_loss: TaskLoss) -> str:
    name: str = task_loss.__func__.__name__  # type: ignore[attr-defined]
    return name


def _has_shared_memory(learner: MetaLearner, rows: int) -> bool:
    """Return whether weights and a gradient for each task fit into half of the shared memory that is free."""
    numbers = sum(value.numel() * value.element_size() for value in learner.parameters())
    folder = Path("/dev/shm")  # noqa: S108
    if not folder.is_dir():
        return True
    has_room = shutil.disk_usage(folder).free > 2 * numbers * (rows + 1)
    if not has_room:
        _log.warning("Too little shared memory for processes, so tasks stay on threads, which are slower.")
    return has_room


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen_executor(device: torch.device, meta_batch_size: int, *, processes: int = 1) -> tuple[str, int]:
    """Return name and thread count of the executor for a new run; a resumed one takes what it has stored.

    Args:
        device: Where it computes.
        meta_batch_size: Tasks of one process in an outer step.
        processes: How many processes share this computer's cores.
    """
    cores = max(1, usable_cores() // processes)
    if device.type == "cpu" and cores > 1 and meta_batch_size > 1:
        return SideBySide.name, min(cores, meta_batch_size)
    return OneByOne.name, cores


def threads_of_operations(name: str, threads: int) -> int:
    """Return how many threads work inside an operation, which is what last bits depend on."""
    return 1 if name in {SideBySide.name, ""} else threads


def executor_named(name: str, threads: int) -> Executor:
    """Return the executor that a run has stored."""
    return SideBySide(threads, processes_after_s=PROCESSES_AFTER_S) if name == SideBySide.name else OneByOne(threads)
