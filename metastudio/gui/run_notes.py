"""What a person writes about a run, as steps that can be undone: its name, notes and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from metastudio.errors import MetaStudioError
from metastudio.runs.run_folder import Notes, RunFolder

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio


class ChangeNotes(QUndoCommand):
    """Puts other notes in place of a run's."""

    def __init__(self, studio: Studio, run: RunFolder, title: str, after: Notes) -> None:
        super().__init__(title)
        self._studio = studio
        self._run = run
        self._before, self._after = run.notes(), after

    def redo(self) -> None:
        self._write(self._after)

    def undo(self) -> None:
        self._write(self._before)

    def _write(self, notes: Notes) -> None:
        if not self._run.exists():  # it is in the trash: from there it comes back as it went
            return
        try:
            self._run.write_notes(notes)
        except MetaStudioError as error:
            self._studio.messages.show_error(error)
        self._studio.runs_changed.emit()


def rename_run(studio: Studio, run: RunFolder, *, name: str) -> None:
    """Give a run another name."""
    _change(studio, run, _tr("Rename run"), run.notes().model_copy(update={"name": name}))


def write_about_run(studio: Studio, run: RunFolder, *, text: str) -> None:
    """Write other notes about a run."""
    _change(studio, run, _tr("Write notes"), run.notes().model_copy(update={"text": text}))


def tag_run(studio: Studio, run: RunFolder, *, tags: tuple[str, ...]) -> None:
    """Give a run other tags."""
    _change(studio, run, _tr("Tag run"), run.notes().model_copy(update={"tags": tags}))


def _change(studio: Studio, run: RunFolder, title: str, after: Notes) -> None:
    if run.exists() and after != run.notes():
        studio.push(ChangeNotes(studio, run, title, after))


def _tr(text: str) -> str:
    return QCoreApplication.translate("RunNotes", text)
