"""Ways of computing the tasks of a meta-batch; all give the same gradient, added up in task order."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from metastudio.engine.algorithms.base import OuterStep, TaskLoss, TaskResult
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode
from metastudio.errors import NumericError

Item = TypeVar("Item")
Result = TypeVar("Result")
_TaskGradient = tuple[float, TaskResult, list[Tensor | None]]


class Executor(AbstractContextManager["Executor"], Protocol):
    """A way of computing many tasks. Left as a context, it ends its threads."""

    name: str
    threads: int

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes, added up in their order."""


class OneByOne:
    """One task after another, each with a backward pass of its own, so that no graph outlives its task."""

    name = "one_by_one"

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

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes."""
        done = [_task_gradient(task_loss, episode, parameters) for episode in episodes]
        return _mean(done, episodes, parameters)


class SideBySide:
    """Tasks on several threads, one operation thread each: faster than threads inside small operations.

    Each task's gradient comes back by itself and they are added up in task order, so that the sum is the same bit for
    bit however the threads were scheduled.
    """

    name = "side_by_side"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def __enter__(self) -> Self:
        self._before = torch.get_num_threads()
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(self.threads, "task", initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._before)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        yield from self._pool.map(function, items)

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes."""
        done = list(self._pool.map(lambda episode: _task_gradient(task_loss, episode, parameters), episodes))
        return _mean(done, episodes, parameters)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen_executor(device: torch.device, meta_batch_size: int) -> tuple[str, int]:
    """Return name and thread count of the executor for a new run; a resumed one takes what it has stored."""
    cores = usable_cores()
    if device.type == "cpu" and cores > 1 and meta_batch_size > 1:
        return SideBySide.name, min(cores, meta_batch_size)
    return OneByOne.name, cores


def executor_named(name: str, threads: int) -> Executor:
    """Return the executor that a run has stored."""
    return SideBySide(threads) if name == SideBySide.name else OneByOne(threads)


def _task_gradient(task_loss: TaskLoss, episode: Episode, parameters: Weights) -> _TaskGradient:
    with torch.enable_grad():
        result = task_loss(episode)
        if result.gradient is not None:
            gradients: list[Tensor | None] = [result.gradient.get(name) for name in parameters]
        else:
            gradients = list(torch.autograd.grad(result.loss, list(parameters.values()), allow_unused=True))
    result.loss = result.loss.detach()  # lets go of the graph
    return float(result.loss), result, gradients


def _mean(done: Sequence[_TaskGradient], episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for (loss, _, gradients), episode in zip(done, episodes, strict=True):
        if not math.isfinite(loss) or not all(_is_finite(gradient) for gradient in gradients):
            raise NumericError(
                "The loss or the gradient of a task is not a number.",
                where=f"task with classes {', '.join(episode.classes[:20])}",
                todo="The step was not applied. Lower the inner or the outer learning rate, or clip the gradient.",
            )
        for name, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                total[name] += gradient
    return OuterStep(
        gradients={name: value / len(done) for name, value in total.items()},
        losses=[loss for loss, _, _ in done],
        accuracies=[result.accuracy for _, result, _ in done],
        moments=[result.moments for _, result, _ in done if result.moments is not None],
    )


def _is_finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(torch.isfinite(gradient).all())
