"""The episodes of the iterations that come, drawn on a thread beside the steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Self

from metastudio.engine.tasks.episode import Episode

_AT_ONCE = 8
"""Iterations drawn one right after another, now and then: the thread finds its code and data in the caches, which
tasks that compute beside it empty, and gets in the way of fewer steps."""
_MOST_VALUES = 8_000_000
"""Numbers of pictures that wait to be trained on; where two iterations have more, only the next is drawn ahead."""


class EpisodesAhead(AbstractContextManager["EpisodesAhead"]):
    """Draws iterations in their order, and has the next ones ready. Left as a context, it ends its thread."""

    def __init__(self, draw: Callable[[int], list[Episode]], last: Callable[[], int]) -> None:
        """Make it; nothing is drawn yet.

        Args:
            draw: Returns the episodes of an iteration.
            last: Returns the number of the last iteration.
        """
        self._draw = draw
        self._last = last
        self._ahead: deque[tuple[int, Future[list[Episode]]]] = deque()

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, "episodes")
        return self

    def __exit__(self, *exc: object) -> None:
        self.forget()
        self._thread.shutdown()

    def forget(self) -> None:
        """Draw anew what comes next."""
        for _, future in self._ahead:
            future.cancel()
        self._ahead.clear()

    def of(self, iteration: int) -> list[Episode]:
        """Return the episodes of an iteration, and see to it that those of the next are drawn meanwhile.

        Raises:
            DataError: if they cannot be drawn; those of the next raise when it is their turn.
        """
        if self._ahead and self._ahead[0][0] != iteration:
            self.forget()
        episodes = self._ahead.popleft()[1].result() if self._ahead else self._draw(iteration)
        if len(self._ahead) <= 1:
            first = self._ahead[-1][0] + 1 if self._ahead else iteration + 1
            for number in range(first, min(first + _worth_drawing(episodes), self._last() + 1)):
                self._ahead.append((number, self._thread.submit(self._draw, number)))
        return episodes


def _worth_drawing(episodes: list[Episode]) -> int:
    """Return how many iterations like this one are drawn at once."""
    values = sum(part.images.numel() for episode in episodes for part in (episode.support, episode.query))
    return max(1, min(_AT_ONCE, _MOST_VALUES // max(1, values) - 1))  # one may be left of those before
