"""Which colour a run has wherever its curves are seen: the same while it is seen, and when it is seen again."""

from __future__ import annotations

from collections.abc import Sequence

from metastudio.gui.theme import OKABE_ITO
from metastudio.runs.run_folder import RunFolder


class RunColours:
    """Numbers runs, for `theme.series_colour` and `theme.series_dash`.

    A run keeps its number for good; only where another that is seen has taken it meanwhile it gets a free one.
    """

    def __init__(self) -> None:
        self._numbers: dict[RunFolder, int] = {}

    def of(self, runs: Sequence[RunFolder], known: Sequence[RunFolder]) -> dict[RunFolder, int]:
        """Return the numbers of the runs that are seen together, all different.

        Args:
            runs: In the order in which they were chosen.
            known: All runs, oldest first: where a run stands among them decides what it is given at first, so that it
                is the same after a restart.
        """
        found: dict[RunFolder, int] = {}
        for run in sorted(runs, key=lambda each: each not in self._numbers):
            wanted = self._numbers.get(run)
            if wanted is None:
                wanted = known.index(run) % len(OKABE_ITO) if run in known else 0
            if wanted in found.values():
                wanted = next(number for number in range(len(runs) + 1) if number not in found.values())
            found[run] = self._numbers[run] = wanted
        return {run: found[run] for run in runs}
