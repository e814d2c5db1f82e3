"""Ways of computing the tasks of a meta-batch; all give the same gradient, added up in task order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from metastudio.engine.algorithms.base import Executor, OuterStep, TaskLoss, TaskResult
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode
from metastudio.errors import NumericError

_TaskGradient = tuple[float, TaskResult, list[Tensor | None]]


class OneByOne:
    """One task after another, each with a backward pass of its own, so that no graph outlives its task."""

    name = "one_by_one"

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes."""
        return _mean([_task_gradient(task_loss, episode, parameters) for episode in episodes], episodes, parameters)


class SideBySide:
    """Tasks on several threads, one operation thread each: faster than threads inside small operations.

    Each task's gradient comes back by itself and they are added up in task order, so that the sum is the same bit for bit
    however the threads were scheduled.
    """

    name = "side_by_side"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes."""
        with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            done = list(pool.map(lambda episode: _task_gradient(task_loss, episode, parameters), episodes))
        return _mean(done, episodes, parameters)


def executor_named(name: str, threads: int) -> Executor:
    """Return the executor that a run has stored."""
    return SideBySide(threads) if name == SideBySide.name else OneByOne()


@contextmanager
def operation_threads(count: int) -> Iterator[None]:
    """Let operations use `count` threads while inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _task_gradient(task_loss: TaskLoss, episode: Episode, parameters: Weights) -> _TaskGradient:
    with torch.enable_grad():
        result = task_loss(episode)
        loss = float(result.loss.detach())
        if result.gradient is not None:
            gradients: list[Tensor | None] = [result.gradient.get(name) for name in parameters]
        else:
            gradients = list(torch.autograd.grad(result.loss, list(parameters.values()), allow_unused=True))
    result.loss = result.loss.detach()  # lets go of the graph
    return loss, result, gradients


def _mean(done: Sequence[_TaskGradient], episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for (loss, _, gradients), episode in zip(done, episodes, strict=True):
        finite = all(bool(torch.isfinite(gradient).all()) for gradient in gradients if gradient is not None)
        if not (finite and torch.isfinite(torch.tensor(loss))):
            raise NumericError(
                "The loss of a task is not a number.",
                where=f"task with classes {', '.join(episode.classes[:5])}",
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
