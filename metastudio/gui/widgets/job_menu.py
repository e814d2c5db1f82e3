"""Everything that can be done with a job, as one menu; what its state does not allow is grey and says why."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from metastudio.gui.widgets.icons import icon
from metastudio.gui.wording import count_text
from metastudio.jobs.job import Job
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.run_commands import Command

KEYS = {
    "pause": "Space",
    "resume": "Space",
    "edit": "Ctrl+E",
    "duplicate": "Ctrl+D",
    "earlier": "Alt+Left",
    "later": "Alt+Right",
    "discard": "Del",
}
"""Keys of the queue's line, which the menu shows."""


class JobMenu(QMenu):
    """The menu of one job; it goes when it closes.

    Signals:
        action_wanted(object, str): the `Job`, and resume, pause, finish, discard, edit, duplicate, change, extend,
            start_from:PATH of a checkpoint, earlier, later, folder or remove.
    """

    action_wanted = Signal(object, str)

    def __init__(self, job: Job, *, is_first: bool, is_last: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job = job
        self.setToolTipsVisible(True)
        self.aboutToHide.connect(self.deleteLater)
        self.triggered.connect(self._on_triggered)
        start = self.tr("Start") if job.is_waiting else self.tr("Resume")
        self._add("resume", start, "mdi6.play", Command.START)
        self._add("pause", self.tr("Pause"), "mdi6.pause", Command.PAUSE)
        self._add("finish", self.tr("Finish now"), "mdi6.flag-checkered", Command.FINISH)
        self.addSeparator()
        self._add("edit", self.tr("Edit…"), "mdi6.pencil-outline", Command.EDIT)
        self._add("duplicate", self.tr("Duplicate"), "mdi6.content-copy", Command.DUPLICATE)
        self._add("change", self.tr("Duplicate with changes…"), "mdi6.content-duplicate", Command.DUPLICATE)
        self._add("extend", self.tr("Extend…"), "mdi6.arrow-expand-right", Command.EXTEND)
        self._add_checkpoints()
        self.addSeparator()
        self._add("earlier", self.tr("Move earlier"), "mdi6.arrow-left", Command.MOVE).setEnabled(not is_first)
        self._add("later", self.tr("Move later"), "mdi6.arrow-right", Command.MOVE).setEnabled(not is_last)
        self._add("folder", self.tr("Open its folder"), "mdi6.folder-outline", None)
        self.addSeparator()
        self._add("remove", self.tr("Take out of the list"), "mdi6.close", Command.REMOVE)
        self._add("discard", self.tr("Discard"), "mdi6.delete-outline", Command.DISCARD)

    def _add(self, key: str, text: str, icon_name: str, command: Command | None) -> QAction:
        why = self._job.why_not(command) if command is not None else None
        action = QAction(icon(icon_name), text, self)
        action.setData(key)
        action.setEnabled(why is None)
        action.setToolTip(str(why) if why is not None else text)
        if key in KEYS and why is None:
            action.setText(f"{text}\t{KEYS[key]}")
        self.addAction(action)
        return action

    def _add_checkpoints(self) -> None:
        """Offer every checkpoint as the start of another job."""
        why = self._job.why_not(Command.START_FROM)
        found = self._job.run.checkpoints() if why is None else []
        menu = QMenu(self.tr("Start another job from a checkpoint"), self)
        menu.setIcon(icon("mdi6.source-branch"))
        best, last = (self._job.run.best(), self._job.run.last()) if found else (None, None)
        for path in reversed(found):
            marks = [self.tr("best")] * (path == best) + [self.tr("last")] * (path == last)
            text = self.tr("iteration {iteration}").format(iteration=count_text(iteration_of(path)))
            action = menu.addAction(f"{text} ({', '.join(marks)})" if marks else text)
            action.setData(f"start_from:{path}")
        menu.setEnabled(bool(found))
        menu.menuAction().setToolTip(str(why or "") or ("" if found else self.tr("It has no checkpoint yet.")))
        self.addMenu(menu)

    @Slot(object)
    def _on_triggered(self, action: QAction) -> None:
        self.action_wanted.emit(self._job, str(action.data()))
