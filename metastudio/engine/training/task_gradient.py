"""The gradient of one task, and the mean over a meta-batch, added up in task order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from metastudio.engine.algorithms.base import OuterStep, TaskLoss, TaskResult
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode
from metastudio.errors import NumericError


class BrokenTasksError(NumericError):
    """The loss or the gradient of some tasks is not a number; `rows` says which of the meta-batch they are."""

    def __init__(self, rows: Sequence[int], episodes: Sequence[Episode]) -> None:
        super().__init__(
            "The loss or the gradient of a task is not a number.",
            where=f"task with classes {', '.join(episodes[rows[0] if rows else 0].classes[:20])}",
            todo="The step was not applied. Lower the inner or the outer learning rate, or clip the gradient.",
        )
        self.rows = tuple(rows)


TaskGradient = tuple[float, TaskResult, list[Tensor | None]]
"""Loss, result, and the gradient with respect to each parameter that the loss depends on."""


def task_gradient(task_loss: TaskLoss, episode: Episode, parameters: Weights) -> TaskGradient:
    """Return loss and gradient of one episode; no graph outlives it."""
    with torch.enable_grad():
        result = task_loss(episode.prepared())
        if result.gradient is not None:
            gradients: list[Tensor | None] = [result.gradient.get(name) for name in parameters]
        else:
            gradients = list(torch.autograd.grad(result.loss, list(parameters.values()), allow_unused=True))
    result.loss = result.loss.detach()  # lets go of the graph
    return float(result.loss), result, gradients


def mean_of(done: Sequence[TaskGradient], episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
    """Return the mean over a meta-batch.

    Raises:
        BrokenTasksError: if a loss or gradient is not a number; it names the classes of the first such task.
    """
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for _, _, gradients in done:
        for name, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                total[name] += gradient
    if not all(math.isfinite(loss) for loss, _, _ in done) or not all(map(_is_finite, total.values())):
        raise BrokenTasksError(_without_number(done), episodes)
    return OuterStep(
        gradients={name: value / len(done) for name, value in total.items()},
        losses=[loss for loss, _, _ in done],
        accuracies=[result.accuracy for _, result, _ in done],
        moments=[result.moments for _, result, _ in done if result.moments is not None],
    )


def _without_number(done: Sequence[TaskGradient]) -> list[int]:
    """Return the rows of the tasks that are not finite; none where only their sum is not."""
    return [
        row
        for row, (loss, _, gradients) in enumerate(done)
        if not math.isfinite(loss) or not all(each is None or _is_finite(each) for each in gradients)
    ]


def _is_finite(gradient: Tensor) -> bool:
    return bool(torch.isfinite(gradient).all())
