"""Which iterations are traced: the first, the last, and as many between as cost at most 2 % of training time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.tasks.episode import Episode

SHARE = 0.02
MOST_TASKS = 8


@dataclass
class TraceBudget:
    """Counts what tracing has cost, in seconds."""

    spent_s: float = 0.0
    last_s: float = 0.0

    def allows(self, iteration: int, iterations: int, trained_s: float) -> bool:
        """Return whether `iteration` is traced, after `trained_s` seconds of training in this stay."""
        if iteration in {1, iterations}:
            return True
        return self.spent_s + self.last_s <= SHARE * trained_s

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time inside."""
        began = time.monotonic()
        yield
        self.last_s = time.monotonic() - began
        self.spent_s += self.last_s


def inner_traces(learner: MetaLearner, episodes: Sequence[Episode]) -> list[InnerLosses]:
    """Return how the inner loops of at most eight episodes go."""
    return [learner.inner_trace(episode.prepared()) for episode in episodes[:MOST_TASKS]]
