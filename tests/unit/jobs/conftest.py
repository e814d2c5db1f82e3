"""Small images, runs that wait, and a queue that is shut down after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting_runs import make_glyphs, tiny_experiment, waiting_run

from metastudio.jobs.job_queue import JobQueue
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.worker_lock import is_worker_alive, lock_holder

MakeRun = Callable[..., RunFolder]


@pytest.fixture(scope="session")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.fixture
def make_run(glyphs: Path, tmp_path: Path) -> MakeRun:
    def make(*, iterations: int = 6, **changes: Any) -> RunFolder:
        return waiting_run(tmp_path / "runs", tiny_experiment(glyphs, iterations=iterations, **changes))

    return make


@pytest.fixture
def queue(qapp, tmp_path: Path) -> Iterator[JobQueue]:
    made = JobQueue()
    yield made
    for job in made.working:
        made.force(job)
    made.shut_down()


def is_gone(run: RunFolder) -> bool:
    """Return whether no worker is at work on a run."""
    return not is_worker_alive(run) and lock_holder(run) is None
