"""The trash of a project's runs: a folder beside them, from which they come back whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from metastudio.errors import LockedError, MetaStudioError, ResourceError
from metastudio.gui.widgets.toast import UNDO_SHOWN_MS
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.worker_lock import is_worker_alive

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio

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


def trash_with_undo(studio: Studio, runs: Sequence[RunFolder]) -> None:
    """Move runs into the trash, and offer to take that back."""
    trashed: list[Path] = []
    try:
        for run in runs:
            trashed.append(trash(run))
    except MetaStudioError as error:
        studio.messages.show_error(error)
    studio.runs_changed.emit()
    if not trashed:
        return

    def take_back() -> None:
        try:
            for path in trashed:
                restore(path)
        except MetaStudioError as error:
            studio.messages.show_error(error)
        studio.runs_changed.emit()

    text = QCoreApplication.translate("RunTrash", "{count} runs are in the trash.").format(count=len(trashed))
    if len(trashed) == 1:
        text = QCoreApplication.translate("RunTrash", "{name} is in the trash.").format(name=trashed[0].name)
    undo = QCoreApplication.translate("RunTrash", "Undo")
    studio.toast(text, action_text=undo, action=take_back, shown_ms=UNDO_SHOWN_MS)
