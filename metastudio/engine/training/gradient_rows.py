"""Gradients of tasks as rows of numbers, and the little beside them: what one process hands to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from metastudio.engine.algorithms.base import TaskResult
from metastudio.engine.backbones.network import Weights
from metastudio.engine.training.task_gradient import TaskGradient


class Told(NamedTuple):
    """What is said of one task; its gradient lies in a row.

    Attributes:
        loss: Of the queries.
        accuracy: Of the queries, in [0, 1].
        used: Whether the loss depends on a parameter, for each of them.
        moments: Recorded statistics as plain arrays, where there are any.
    """

    loss: float
    accuracy: float
    used: tuple[bool, ...]
    moments: dict[str, tuple[Any, Any]] | None


def empty_rows(count: int, parameters: Weights) -> Tensor:
    """Return room for `count` gradients of all parameters, (count, P), where they lie."""
    like = next(iter(parameters.values()))
    width = sum(value.numel() for value in parameters.values())
    return torch.empty(count, width, dtype=like.dtype, device=like.device)


def put(done: TaskGradient, row: Tensor, parameters: Weights) -> Told:
    """Write a task's gradient into a row (P,), and return the rest of it."""
    loss, result, gradients = done
    for view, gradient in zip(_views(row, list(parameters.values())), gradients, strict=True):
        if gradient is not None:
            view.copy_(gradient)
    return Told(loss, result.accuracy, tuple(each is not None for each in gradients), _as_arrays(result.moments))


def taken(told: Told, row: Tensor, parameters: Weights) -> TaskGradient:
    """Return the task whose gradient lies in a row (P,), which must stay as it is as long as that is used."""
    views = _views(row, list(parameters.values()))
    gradients = [view if used else None for view, used in zip(views, told.used, strict=True)]
    moments = None
    if told.moments is not None:
        moments = {
            name: (torch.from_numpy(mean).to(row.device), torch.from_numpy(variance).to(row.device))
            for name, (mean, variance) in told.moments.items()
        }
    return told.loss, TaskResult(torch.tensor(told.loss), told.accuracy, moments=moments), gradients


def _as_arrays(moments: Mapping[str, tuple[Tensor, Tensor]] | None) -> dict[str, tuple[Any, Any]] | None:
    if moments is None:
        return None
    return {name: (mean.detach().cpu().numpy(), var.detach().cpu().numpy()) for name, (mean, var) in moments.items()}


def _views(row: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return views of a row (P,), one a tensor, laid out in memory as those tensors are."""
    views, start = [], 0
    for value in like:
        views.append(
            row[start : start + value.numel()].as_strided(value.shape, value.stride(), row.storage_offset() + start)
        )
        start += value.numel()
    return views
