"""What a run's events say, as growing arrays for plots and as the newest numbers for headlines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from metastudio.runs.events import (
    Adapted,
    Capacity,
    CheckpointSaved,
    Evaluated,
    Event,
    Exported,
    Failed,
    Finished,
    InnerTrace,
    Learned,
    Notice,
    OuterStep,
    Preparing,
    Started,
    Validated,
)

Floats = NDArray[np.float64]
_FIRST_ROWS = 256
_KEPT_NOTICES = 200


class Series:
    """Rows of numbers that grow at the end and can be cut there; the first column is the iteration."""

    def __init__(self, columns: int) -> None:
        self._rows = np.empty((_FIRST_ROWS, columns))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, *row: float | None) -> None:
        """Add a row; None becomes NaN. An iteration that was there before is told anew, with all that followed it."""
        if self._count and row[0] is not None and row[0] <= self._rows[self._count - 1, 0]:
            self._count = int(np.searchsorted(self._rows[: self._count, 0], row[0]))
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = [np.nan if each is None else each for each in row]
        self._count += 1

    def cut_after(self, iteration: int) -> None:
        """Forget the rows beyond `iteration`."""
        self._count = int(np.searchsorted(self._rows[: self._count, 0], iteration, side="right"))

    def column(self, number: int) -> Floats:
        """Return a view of one column, (rows,)."""
        return self._rows[: self._count, number]


class Curves:
    """The history of one run.

    A run that goes on from a checkpoint repeats the iterations after it: what was known of them is forgotten then.

    Attributes:
        steps: iteration, loss, accuracy, loss before, accuracy before, gradient norm, lr, tasks per second,
            memory in bytes, elapsed seconds of training, wall clock in seconds since 1970.
        validations: iteration, accuracy, ci95, accuracy before, ci95 before, loss, elapsed seconds, wall clock.
        traces: iteration → task → the `InnerTrace`.
        learned: title → what the method learned beside the weights, oldest first.
        has_checkpoint: Whether there is one to go on from.
        capacity: What a task takes and what the machine could do, once that is known.
        best: The best validation so far.
        phase: What is being prepared, or None once training has started.
    """

    def __init__(self) -> None:
        self.steps = Series(11)
        self.validations = Series(8)
        self.traces: dict[int, dict[int, InnerTrace]] = {}
        self.learned: dict[str, list[Learned]] = {}
        self.has_checkpoint = False
        self.capacity: Capacity | None = None
        self.best: Validated | None = None
        self.started: Started | None = None
        self.last_step: OuterStep | None = None
        self.phase: Preparing | None = None
        self.failure: Failed | None = None
        self.finished: Finished | None = None
        self.evaluations: list[Evaluated] = []
        self.adapted: list[Adapted] = []
        self.exported: list[Exported] = []
        self.notices: list[Notice] = []

    def add(self, events: Iterable[Event]) -> None:
        """Take up more events, in their order."""
        for event in events:
            self._add(event)

    def traced_iterations(self) -> list[int]:
        """Return the iterations with inner losses, ascending."""
        return sorted(self.traces)

    def seconds_left(self) -> float | None:
        """Return how long training will take still, at the pace of this stay; None where unknown, and at its end."""
        if self.started is None or self.last_step is None or self.last_step.iteration >= self.started.iterations:
            return None
        iterations, elapsed = self.steps.column(0), self.steps.column(9)
        first = int(np.searchsorted(iterations, self.started.iteration, side="right"))
        recent = max(first, len(self.steps) - 200)
        if len(self.steps) - recent < 2:
            return None
        done, seconds = iterations[-1] - iterations[recent], elapsed[-1] - elapsed[recent]
        if done <= 0 or seconds <= 0:
            return None
        return float((self.started.iterations - iterations[-1]) * seconds / done)

    def _add(self, event: Event) -> None:  # noqa: PLR0912
        match event:
            case OuterStep():
                self.phase = None
                self.last_step = event
                self.steps.append(
                    event.iteration,
                    event.loss,
                    event.accuracy,
                    event.loss_before,
                    event.accuracy_before,
                    event.gradient_norm,
                    event.lr,
                    event.tasks_per_s,
                    event.memory_bytes,
                    event.elapsed_s,
                    _seconds(event.at),
                )
            case InnerTrace():
                self.traces.setdefault(event.iteration, {})[event.task] = event
            case Capacity():
                self.capacity = event
            case Learned():
                self.learned.setdefault(event.title, []).append(event)
            case Validated():
                self.validations.append(
                    event.iteration,
                    event.accuracy,
                    event.ci95,
                    event.accuracy_before,
                    event.ci95_before,
                    event.loss,
                    float(self.steps.column(9)[-1]) if len(self.steps) else 0.0,
                    _seconds(event.at),
                )
                if event.is_best:
                    self.best = event
            case Started():
                self.phase = None
                self.started = event
                self.failure = self.finished = None
                self.has_checkpoint = self.has_checkpoint or event.iteration > 0
                self._forget_after(event.iteration)
            case CheckpointSaved():
                self.has_checkpoint = True
            case Preparing():
                self.phase = event
            case Failed():
                self.failure = event
            case Finished():
                self.finished = event
            case Evaluated():
                self.evaluations.append(event)
            case Adapted():
                self.adapted.append(event)
            case Exported():
                self.exported.append(event)
            case Notice():
                self.notices = [*self.notices[-_KEPT_NOTICES:], event]
            case _:
                pass

    def _forget_after(self, iteration: int) -> None:
        self.steps.cut_after(iteration)
        self.validations.cut_after(iteration)
        self.traces = {number: tasks for number, tasks in self.traces.items() if number <= iteration}
        kept = (
            (title, [each for each in tables if each.iteration <= iteration]) for title, tables in self.learned.items()
        )
        self.learned = {title: tables for title, tables in kept if tables}
        if self.best is not None and self.best.iteration > iteration:
            self.best = None
        if self.last_step is not None and self.last_step.iteration > iteration:
            self.last_step = None


def _seconds(stamp: str) -> float | None:
    """Return a moment in ISO 8601 as seconds since 1970, or None where it is none."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None
