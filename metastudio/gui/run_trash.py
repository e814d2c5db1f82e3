"""The trash of a project's runs: a folder beside them, from which they come back whole."""

from __future__ import annotations

import os
from pathlib import Path

from metastudio.errors import LockedError, ResourceError
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.worker_lock import is_worker_alive

TRASH_NAME = ".trash"


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
    """Move a run back out of the trash.

    Raises:
        ResourceError: if it cannot be moved.
    """
    return RunFolder(_moved(trashed, trashed.parent.parent / trashed.name))


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
