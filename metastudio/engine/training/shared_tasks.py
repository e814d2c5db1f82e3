"""The tasks of a meta-batch dealt out among the processes that `torchrun` started.

Every process ends up with the gradient of every task and adds them up in task order: the same bits in all of them, and
in one process alone. So the outer step that each takes is the same, and nobody's weights need to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Self, TypeVar

from metastudio.engine.algorithms.base import OuterStep, TaskLoss
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import Executor
from metastudio.engine.training.gradient_rows import Told, empty_rows, put, taken
from metastudio.engine.training.ranks import Ranks
from metastudio.engine.training.task_gradient import TaskGradient, mean_of
from metastudio.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")


class SharedTasks(AbstractContextManager["SharedTasks"]):
    """Process r of R takes tasks r, r + R, …, and computes them in the way that it has of its own."""

    def __init__(self, own: Executor, ranks: Ranks) -> None:
        """Make an executor.

        Args:
            own: Computes this process's share.
            ranks: The processes, which have met.
        """
        self.own = own
        self.ranks = ranks
        self.name = own.name
        self.threads = own.threads
        self.processes = ranks.count

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers of the processes beside this one that it started itself."""
        return self.own.pids

    def __enter__(self) -> Self:
        self.own.__enter__()
        self._round = self.processes * max(self.ranks.each(lambda: self.threads))
        return self

    def __exit__(self, *error: object) -> None:
        self.own.__exit__(*error)  # type: ignore[arg-type]

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items, in every process; they are computed in rounds.

        Raises:
            Exception: what `function` raises in one process, in all of them.
        """
        todo = list(items)
        for first in range(0, len(todo), self._round):
            items_now = todo[first : first + self._round]
            told = self.ranks.each(lambda now=items_now: list(self.own.map(function, self._share(now))))  # type: ignore[misc]
            yield from (told[number % self.processes][number // self.processes] for number in range(len(items_now)))

    def mean_gradient(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> OuterStep:
        """Return the mean gradient of the episodes, added up in their order.

        Raises:
            NumericError: if a loss or gradient is not a number, in every process.
            Exception: what one process raises in computing its share, in all of them.
        """
        return mean_of(self.gradients(task_loss, episodes, parameters), episodes, parameters)

    def gradients(self, task_loss: TaskLoss, episodes: Sequence[Episode], parameters: Weights) -> list[TaskGradient]:
        """Return the gradient of every episode, in their order."""
        rows = empty_rows(-(-len(episodes) // self.processes), parameters)  # (T, P)

        def computed() -> tuple[tuple[Told, ...], tuple[tuple[str, ...], ...]]:
            done = self.own.gradients(task_loss, self._share(episodes), parameters)
            told = tuple(put(each, row, parameters) for each, row in zip(done, rows, strict=False))
            return told, tuple(episode.classes for episode in episodes)

        heard = self.ranks.each(computed)
        _require_same_tasks([classes for _, classes in heard])
        everyones = self.ranks.gathered(rows)  # (R, T, P)
        return [
            taken(heard[rank][0][place], everyones[rank, place], parameters)
            for place, rank in (divmod(number, self.processes) for number in range(len(episodes)))
        ]

    def _share(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[self.ranks.rank :: self.processes]


def _require_same_tasks(classes: Sequence[tuple[tuple[str, ...], ...]]) -> None:
    """Refuse to add up gradients of different tasks; `classes` are those of every task, by process."""
    for rank, theirs in enumerate(classes):
        if theirs != classes[0]:
            raise ConfigurationError(
                "Process {rank} works on other tasks than the first one.",
                rank=rank,
                todo="Start all processes with the same program, run folder and images, on computers of one kind.",
            )
