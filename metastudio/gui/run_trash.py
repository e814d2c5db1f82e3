"""The trash of a project's runs, with an offer to take back what went there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from metastudio.errors import MetaStudioError
from metastudio.gui.widgets.toast import UNDO_SHOWN_MS
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_trash import restore, trash

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio


def trash_with_undo(studio: Studio, runs: Sequence[RunFolder], *, place: int | None = None) -> None:
    """Move runs into the trash, and offer to take that back.

    Args:
        studio: Says it, and has the queue.
        runs: What goes.
        place: Where in the queue they come back; None where they were not in it.
    """
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
                run = restore(path)
                if place is not None:
                    studio.jobs.take_back(run, place)
        except MetaStudioError as error:
            studio.messages.show_error(error)
        studio.runs_changed.emit()

    text = QCoreApplication.translate("RunTrash", "{count} runs are in the trash.").format(count=len(trashed))
    if len(trashed) == 1:
        text = QCoreApplication.translate("RunTrash", "{name} is in the trash.").format(name=trashed[0].name)
    undo = QCoreApplication.translate("RunTrash", "Undo")
    studio.toast(text, action_text=undo, action=take_back, shown_ms=UNDO_SHOWN_MS)
