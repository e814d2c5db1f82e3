"""Compares two runs on the same episodes: `metastudio compare` in a process of its own, or what is kept of it."""

from __future__ import annotations

from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.gui.documents.side_process import said_by
from metastudio.jobs.worker_command import compare_command
from metastudio.runs.episode_scores import PairedDifference
from metastudio.runs.run_folder import RunFolder

EPISODES = 600
_ABOUT_THE_RUNS = ("first", "second", "is_tie")


def compared(first: RunFolder, second: RunFolder, tell: Progress, should_stop: ShouldStop) -> PairedDifference:
    """Return how two runs differ on the meta-test episodes of the first.

    Raises:
        MetaStudioError: what the process met.
        Cancelled: if `should_stop` says so; the process is ended.
    """
    command = compare_command(first.path, second.path, EPISODES)
    todo = "Try again when less is running, or `metastudio compare` in a terminal."
    said = said_by(command, "compared", tell, should_stop, todo=todo)
    return PairedDifference(**{key: value for key, value in said.items() if key not in _ABOUT_THE_RUNS})
