"""The trash of a folder of runs: a folder beside them, from which they come back whole and go on."""

from __future__ import annotations

import os
from pathlib import Path

from metastudio.errors import LockedError, ResourceError
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import hold_worker_lock, is_worker_alive

TRASH_NAME = ".trash"


def discard(run: RunFolder) -> None:
    """Write down that a run nobody works on is not wanted.

    Raises:
        LockedError: if a worker is at work on it.
        ResourceError: if it cannot be written.
    """
    with hold_worker_lock(run):
        run.write_state(run.state().model_copy(update={"state": State.DISCARDED}))


def trash(run: RunFolder) -> Path:
    """Move a run into the trash and return where it lies.

    Raises:
        LockedError: if a worker is at work on it.
        ResourceError: if it cannot be moved.
    """
    if is_worker_alive(run):
        raise LockedError("A worker is at work on this run.", where=str(run.path), todo="Pause or discard it first.")
    return _moved(run.path, run.path.parent / TRASH_NAME / run.name)


def restore(trashed: Path) -> RunFolder:
    """Move a run back out of the trash; what was discarded waits again, or is paused where it has a checkpoint.

    Raises:
        LockedError: if a worker is at work on it.
        ResourceError: if it cannot be moved or written.
    """
    run = RunFolder(_moved(trashed, trashed.parent.parent / trashed.name))
    state = run.state()
    if state.state is State.DISCARDED:
        back = State.PAUSED if run.checkpoints() else State.QUEUED
        with hold_worker_lock(run):
            run.write_state(state.model_copy(update={"state": back, "ended_at": ""}))
    return run


def _moved(source: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            target = target.with_name(f"{target.name}-{os.urandom(2).hex()}")
        source.rename(target)
    except OSError as error:
        raise ResourceError(
            "The run could not be moved.", where=str(source), why=f"The system says: {error.strerror or error}."
        ) from error
    return target
