"""The target tasks of a project: a list, and an editor in which pictures are dropped into class bins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from metastudio.catalog.experiment import CARD_SUFFIX, TargetClass, TargetTask
from metastudio.errors import Problem, Severity, problem
from metastudio.gui import commands
from metastudio.gui.dialogs.library_dialog import LibraryDialog
from metastudio.gui.documents.task_cards import OpenedCard
from metastudio.gui.models.bin_contents import BinContents
from metastudio.gui.models.card_remainder import CardRemainder
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.card_desk import CardDesk
from metastudio.gui.widgets.class_bin import copied
from metastudio.gui.widgets.drop_files import DroppedFiles, counted_kinds, dropped_files, has_files
from metastudio.gui.widgets.dropped_classes import pictures_in, with_new_classes
from metastudio.gui.widgets.target_editor import TargetEditor
from metastudio.gui.widgets.target_list import TargetList
from metastudio.gui.wording import counted

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument

_LIBRARY_QUERIES = 5


class TargetTasks(QWidget):
    """Lists the target tasks; one of them may be open in the editor.

    Attributes:
        list: The tasks.
        editor: The one that is open.
        desk: Saves and opens task cards.

    Signals:
        trial_wanted(object): the name of a task that the person wants to try.
        told(object, str): news in a sentence, and its severity.
    """

    trial_wanted = Signal(object)
    told = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self._open_position = -1
        self._refused: tuple[Problem, ...] = ()
        self._remainders: dict[str, CardRemainder] = {}
        self.list = TargetList()
        self.list.new_button.clicked.connect(self.add_task)
        self.list.library_button.clicked.connect(self._on_library_wanted)
        self.list.edit_wanted.connect(self.open_task)
        self.list.trial_wanted.connect(self._on_trial_wanted)
        self.list.card_wanted.connect(self.save_card)
        self.list.removal_wanted.connect(self.remove_task)
        self.editor = TargetEditor()
        self.editor.closed.connect(self.close_editor)
        self.editor.renamed.connect(self._on_editor_renamed)
        self.editor.changed.connect(self._on_editor_changed)
        self.editor.refused.connect(self._on_editor_refused)
        self.editor.trial_wanted.connect(self._on_editor_trial_wanted)
        self.editor.library_wanted.connect(self._on_library_wanted)
        self.editor.card_wanted.connect(self._on_editor_card_wanted)
        self.editor.missing.folder_wanted.connect(self._on_folder_wanted)
        self.editor.missing.dismissed.connect(self._on_missing_dismissed)
        self.bins = self.editor.bins
        self.desk = CardDesk(self)
        self.list.card_button.clicked.connect(self.desk.ask_what_to_open)
        self.desk.opened.connect(self._on_desk_opened)
        self.desk.found.connect(self._on_desk_found)
        self.desk.refused.connect(self._on_desk_refused)
        self.desk.told.connect(self.told)
        self.desk.busy_changed.connect(self.editor.missing.set_busy)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self.editor)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self.setAcceptDrops(True)

    def shut_down(self) -> None:
        """End what runs beside the window."""
        self.desk.close()
        self.bins.shut_down()

    # what is shown

    def set_document(self, document: ProjectDocument | None) -> None:
        """Show the tasks of another project."""
        if self._document is not None:
            self._document.targets_changed.disconnect(self._on_targets_changed)
            self._document.problems_changed.disconnect(self._show_problems)
            self._document.index_changed.disconnect(self._on_index_changed)
        self.shut_down()
        self._document = self.desk.document = document
        self._open_position = -1
        self._remainders.clear()
        if document is not None:
            document.targets_changed.connect(self._on_targets_changed)
            document.problems_changed.connect(self._show_problems)
            document.index_changed.connect(self._on_index_changed)
            self.bins.image_folder = document.folder / "dropped images"
        self.list.new_button.setEnabled(document is not None)
        self.list.card_button.setEnabled(document is not None)
        self._on_index_changed()
        self._on_targets_changed()

    @Slot(int)
    def open_task(self, position: int) -> None:
        """Open a task in the editor."""
        self._open_position = position
        self._refused = ()
        self._on_targets_changed()
        self.editor.name.setFocus()

    @Slot()
    def close_editor(self) -> None:
        """Go back to the list."""
        self._open_position = -1
        self._on_targets_changed()
        self.list.new_button.setFocus()

    @property
    def open_task_name(self) -> str:
        """The name of the task in the editor, or nothing."""
        return self._targets()[self._open_position].name if self._open_position >= 0 else ""

    def _targets(self) -> tuple[TargetTask, ...]:
        return self._document.targets if self._document is not None else ()

    @Slot()
    def _on_targets_changed(self) -> None:
        targets = self._targets()
        if self._open_position >= len(targets):
            self._open_position = -1
        self.list.show_tasks(targets)
        if self._open_position >= 0:
            task, card = targets[self._open_position], self.list.cards[self._open_position]
            self.editor.show_task(task, is_ready=card.try_button.isEnabled(), reason=card.try_button.toolTip())
            self.editor.missing.show_missing(self._remainder().rows(), self._remainder().thumbnails)
        self._stack.setCurrentIndex(1 if self._open_position >= 0 else 0)
        self._show_problems()

    @Slot()
    def _on_index_changed(self) -> None:
        has_images = self._document is not None and bool(self._document.used.classes)
        for button in (self.list.library_button, self.editor.library_button):
            button.setEnabled(has_images)

    @Slot()
    def _show_problems(self) -> None:
        problems = self._refused
        if self._document is not None and self._open_position >= 0:
            where = f"targets.{self.open_task_name}"
            problems = (*problems, *(each for each in self._document.problems() if each.where == where))
        self.editor.show_problems(problems)

    def _refuse(self, *problems: Problem) -> None:
        """Show what was not taken, in the editor or, where none is open, on the list."""
        self._refused = problems
        self._show_problems()
        if self._open_position < 0 and problems:
            self.list.hint.setText("\n".join(str(each) for each in problems[:3]))

    # changing the tasks

    @Slot()
    def add_task(self) -> None:
        """Begin an empty task and open it."""
        if self._document is not None:
            self._add(TargetTask(name=self._free_name()))
            self.editor.name.selectAll()

    @Slot(int)
    def remove_task(self, position: int) -> None:
        """Remove a task; its pictures stay where they are."""
        name = printable(self._targets()[position].name)
        kept = tuple(task for number, task in enumerate(self._targets()) if number != position)
        self._push(kept, self.tr("Remove target task {name}").format(name=name))

    def rename_task(self, position: int, name: str) -> None:
        """Call a task something else, if the name is free."""
        before = self._targets()[position].name
        others = {task.name for number, task in enumerate(self._targets()) if number != position}
        if not name or name in others:
            self._on_targets_changed()
            return
        if before in self._remainders:
            self._remainders[name] = self._remainders.pop(before)
        self._change(position, self.tr("Rename target task to {name}").format(name=printable(name)), name=name)

    def add_library_classes(self, classes: Sequence[TargetClass]) -> None:
        """Put classes of the library into the open task, or begin one of them; as one change."""
        if self._open_position < 0:
            self._add(TargetTask(name=self._free_name(), classes=tuple(classes)))
            return
        contents = self.bins.contents()
        known = contents.owners()
        for each in classes:
            fresh = {
                role: tuple(path for path in getattr(each, role) if path not in known) for role in ("support", "query")
            }
            named = each.model_copy(update={"name": contents.free_name(each.name, each.name), **fresh})
            contents = contents.with_class(len(contents.classes), named)
        title = counted(len(classes), self.tr("Add 1 class"), self.tr("Add {count} classes"))
        self._change(self._open_position, title, classes=contents.classes)
        if left_out := sum(path in known for each in classes for path in (*each.support, *each.query)):
            one, many = self.tr("1 picture is in this task already."), self.tr("{count} pictures are in it already.")
            self._refuse(problem("picture-twice", counted(left_out, one, many), severity=Severity.WARNING))

    def begin_with(self, classes: Sequence[TargetClass]) -> None:
        """Make a new task of these classes, called after them, and open it; as one change."""
        name = self._free_name(" ".join((classes[0].name, "–", classes[1].name)) if len(classes) == 2 else "")
        title = self.tr("New target task {name}").format(name=printable(name))
        self._add(TargetTask(name=name, classes=tuple(classes)), title)

    def _add(self, task: TargetTask, title: str = "") -> None:
        self._push((*self._targets(), task), title or self.tr("New target task"))
        self.open_task(len(self._targets()) - 1)

    def _change(self, position: int, title: str, **changes: object) -> None:
        tasks = list(self._targets())
        tasks[position] = tasks[position].model_copy(update=changes)
        self._push(tasks, title)

    def _push(self, targets: Sequence[TargetTask], title: str) -> None:
        if self._document is not None:
            commands.set_targets(self._document, targets=targets, title=title)

    def _free_name(self, wanted: str = "") -> str:
        names = {task.name for task in self._targets()}
        stem = wanted or self.tr("My task")
        numbered = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(names) + 2))
        return next(name for name in numbered if name not in names)

    @Slot(int)
    def _on_trial_wanted(self, position: int) -> None:
        self.trial_wanted.emit(self._targets()[position].name)

    @Slot()
    def _on_editor_trial_wanted(self) -> None:
        self.trial_wanted.emit(self.open_task_name)

    @Slot(object)
    def _on_editor_renamed(self, name: str) -> None:
        if self._open_position >= 0:
            self.rename_task(self._open_position, name)

    @Slot(object)
    def _on_editor_changed(self, title: str) -> None:
        self._refused = ()
        if self._open_position >= 0:
            contents = self.bins.contents()
            self._change(self._open_position, title, classes=contents.classes, unlabelled=contents.unlabelled)

    @Slot(object)
    def _on_editor_refused(self, problems: tuple[Problem, ...]) -> None:
        self._refuse(*problems)

    @Slot()
    def _on_library_wanted(self) -> None:
        if self._document is None:
            return
        shape = self._document.experiment.episodes
        dialog = LibraryDialog(
            self._document.used,
            self._document.parts,
            n_shot=shape.n_shot,
            n_query=min(_LIBRARY_QUERIES, shape.n_query),
            parent=self,
        )
        dialog.accepted.connect(self._on_library_dialog_accepted)
        dialog.open()

    @Slot()
    def _on_library_dialog_accepted(self) -> None:
        self.add_library_classes(self.sender().classes())

    # task cards

    @Slot(int)
    def save_card(self, position: int) -> None:
        """Save the card of a task where the person says."""
        self.desk.ask_where_to_save(self._targets()[position])

    @Slot()
    def _on_editor_card_wanted(self) -> None:
        self.save_card(self._open_position)

    @Slot(object)
    def _on_desk_opened(self, opened: OpenedCard) -> None:
        task = opened.read.card.task(opened.found)
        name = self._free_name(task.name)
        self._remainders[name] = CardRemainder.of(opened)
        self._add(task.model_copy(update={"name": name}), self.tr("Open task card {name}").format(name=printable(name)))

    @Slot(object)
    def _on_desk_found(self, found: dict[str, str]) -> None:
        """Put what was found into the classes where the card has it, as one change."""
        remainder, before = self._remainder(), self.bins.contents()
        left, contents = remainder.placed(found, before)
        if self._open_position < 0 or left == remainder:
            self.told.emit(self.tr("None of the missing pictures lie there."), "warning")
            return
        self._remainders[self.open_task_name] = left
        one, many = self.tr("Add 1 found picture"), self.tr("Add {count} found pictures")
        title = counted(len(remainder.pictures) - len(left.pictures), one, many)
        self._change(self._open_position, title, classes=contents.classes, unlabelled=contents.unlabelled)
        self._on_targets_changed()

    @Slot(object)
    def _on_desk_refused(self, sentence: str) -> None:
        self._refuse(problem("task-card", "{sentence}", sentence=sentence))

    def _remainder(self) -> CardRemainder:
        return self._remainders.get(self.open_task_name, CardRemainder())

    @Slot()
    def _on_folder_wanted(self) -> None:
        self.desk.ask_where_to_look(self._remainder().wanted())

    @Slot()
    def _on_missing_dismissed(self) -> None:
        self._remainders.pop(self.open_task_name, None)
        self._on_targets_changed()

    # drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if self._document is None or not has_files(mime) or (self._open_position >= 0 and not _cards_in(mime)):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.list.show_hint(self._hint_for(mime))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.list.reset_hint()

    def dropEvent(self, event: QDropEvent) -> None:
        self.list.reset_hint()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        mime = copied(event.mimeData())
        QTimer.singleShot(0, self, lambda: self._take(dropped_files(mime, wants=is_card_name)))

    def _hint_for(self, mime: QMimeData) -> str:
        if _cards_in(mime):
            return self.tr("1 task card → its task")
        folders, files = counted_kinds(mime)
        if files or not folders:
            one = self.tr("1 picture → a new task with its first class")
            return counted(max(1, files), one, self.tr("{count} pictures → a new task with its first class"))
        one = self.tr("1 folder → a new task with its first class")
        return counted(folders, one, self.tr("{count} folders → a new task with {count} classes"))

    def _take(self, dropped: DroppedFiles) -> None:
        if dropped.others:
            self.desk.open(Path(dropped.others[0]))
            if len(dropped.others) > 1:
                self.told.emit(self.tr("One task card at a time; the others were left out."), "warning")
            return
        self.bins.hashing.first(pictures_in(dropped), {}, lambda: self._take_compared(dropped))

    def _take_compared(self, dropped: DroppedFiles) -> None:
        contents, problems = with_new_classes(BinContents(), dropped, image_folder=self.bins.image_folder)
        if contents.classes:
            self._add(TargetTask(name=self._free_name(), classes=contents.classes))
        self._refuse(*problems)


def is_card_name(path: str) -> bool:
    """Say whether a file looks like a task card."""
    return path.lower().endswith(CARD_SUFFIX)


def _cards_in(mime: QMimeData) -> bool:
    return any(url.isLocalFile() and is_card_name(url.path()) for url in mime.urls())
