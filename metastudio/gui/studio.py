"""What is open in the window: the project, its undo stack, the jobs, the line to torch; every page gets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from metastudio.gui.widgets.toast import SHOWN_MS, UNDO_SHOWN_MS, Toast
from metastudio.jobs.call_thread import CallThread

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.messages import Messages
    from metastudio.gui.project_hold import ProjectHold
    from metastudio.gui.settings import StudioSettings
    from metastudio.gui.theme import Appearance
    from metastudio.jobs.job_queue import JobQueue
    from metastudio.jobs.session_thread import SessionThread
    from metastudio.runs.run_folder import RunFolder


class Studio(QObject):
    """What is open, and the few things that any page may ask of the window.

    Attributes:
        project: The open project, or None before the first one is there.
        undo_stack: Every change of the project goes through it.
        jobs: The queue of runs in work.
        session: The line to `metastudio serve`.
        settings: What is remembered between two starts.
        messages: Where errors are shown.
        appearance: Light or dark, and the size of letters.
        selected_run: The run that Try it and Hand over should begin with, or None.
        hold: What keeps other studios from changing the open project, or says who keeps this one.
        selected_target: Name of the target task that Try it should begin with, or "".

    Signals:
        project_changed(object): another `ProjectDocument` is open, or None.
        page_wanted(str): the page with this key should come to the front.
        run_selected(object): a `RunFolder` was chosen for Try it and Hand over.
        target_selected(str): a target task of the project was chosen, by its name.
        runs_changed(): runs of the project were moved, renamed or taken back.
        toasted(object): a `Toast` should be shown.
    """

    project_changed = Signal(object)
    page_wanted = Signal(str)
    run_selected = Signal(object)
    target_selected = Signal(str)
    runs_changed = Signal()
    toasted = Signal(object)

    jobs: JobQueue
    session: SessionThread

    def __init__(
        self,
        *,
        settings: StudioSettings,
        messages: Messages,
        appearance: Appearance,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.settings = settings
        self.messages = messages
        self.appearance = appearance
        self.undo_stack = QUndoStack(self)
        self.project: ProjectDocument | None = None
        self.selected_run: RunFolder | None = None
        self.selected_target = ""
        self.hold: ProjectHold | None = None
        self._calls: list[CallThread] = []

    def take_up(self, jobs: JobQueue, session: SessionThread) -> None:
        """Take the queue and the line to torch, before a project is opened; they end with the studio."""
        self.jobs = jobs
        self.session = session
        for each in (jobs, session):
            each.setParent(self)

    def open_project(self, document: ProjectDocument) -> None:
        """Make `document` the open project; the one before is saved and let go."""
        before, self.project = self.project, document
        self.undo_stack.clear()
        self.selected_run = None
        self.selected_target = ""
        self.settings.last_project = str(document.folder)
        self.jobs.watch_folder(document.runs_folder, is_read_only=document.project.is_read_only)
        self.project_changed.emit(document)
        if before is not None:
            before.close()
            before.deleteLater()

    def push(self, command: QUndoCommand) -> None:
        """Do a change of the project so that it can be undone."""
        self.undo_stack.push(command)

    def show_page(self, key: str) -> None:
        """Bring a page to the front: images, tasks, learn, jobs, runs, try_it or hand_over."""
        self.page_wanted.emit(key)

    def select_run(self, run: RunFolder, *, page: str = "") -> None:
        """Choose the run that Try it and Hand over work with, and go to a page if one is named."""
        self.selected_run = run
        self.run_selected.emit(run)
        if page:
            self.show_page(page)

    def select_target(self, name: str, *, page: str = "") -> None:
        """Choose the target task that Try it works with, and go to a page if one is named."""
        self.selected_target = name
        self.target_selected.emit(name)
        if page:
            self.show_page(page)

    def toast(
        self,
        text: str,
        *,
        severity: str = "note",
        action_text: str = "",
        action: Callable[[], object] | None = None,
        shown_ms: int = SHOWN_MS,
    ) -> None:
        """Say something short, bottom right; `severity` is note, good, warning or error."""
        self.toasted.emit(Toast(text, severity, action_text, action, shown_ms))

    def toast_step(self, text: str, *, severity: str = "note") -> None:
        """Say what the newest undo step did, and offer to take back exactly that, as long as none lies upon it."""
        step = self.undo_stack.index()

        def take_back() -> None:
            if self.undo_stack.index() == step:
                self.undo_stack.undo()
            elif self.undo_stack.index() > step:
                newer = self.tr("Something was changed since. Undo the newer steps first, with Ctrl+Z.")
                self.toast(newer, severity="warning")

        self.toast(text, severity=severity, action_text=self.tr("Undo"), action=take_back, shown_ms=UNDO_SHOWN_MS)

    @property
    def runs_folder(self) -> Path | None:
        """Where the open project's runs lie."""
        return self.project.runs_folder if self.project else None

    def call_beside(self, call: Callable[[], Any], on_succeeded: Callable[[Any], object]) -> None:
        """Make a call that takes longer than a blink on a thread; its error, if it ends in one, is shown.

        Args:
            call: Touches no widget.
            on_succeeded: A slot of a QObject; gets what the call returned, in the GUI thread.
        """
        thread = CallThread(call, self)
        thread.succeeded.connect(on_succeeded)
        thread.failed.connect(self._on_call_failed)
        thread.finished.connect(self._on_call_finished)
        self._calls.append(thread)
        thread.start()

    def shut_down(self) -> None:
        """Wait for the calls that still run, then end the job threads and the session; nothing is left running."""
        for thread in self._calls:
            thread.wait()
        self._calls.clear()
        self.jobs.shut_down()
        self.session.stop()
        if self.hold is not None:
            self.hold.release()

    @Slot(object)
    def _on_call_failed(self, error: Exception) -> None:
        self.messages.show_error(error)

    @Slot()
    def _on_call_finished(self) -> None:
        for thread in [each for each in self._calls if each.isFinished()]:
            self._calls.remove(thread)
            thread.wait()
            thread.deleteLater()
