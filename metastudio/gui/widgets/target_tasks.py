"""The target tasks of a project: a list, and an editor in which pictures are dropped into class bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.experiment import TargetTask
from metastudio.errors import Problem
from metastudio.gui import commands, theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.class_bin import ClassBins, copied
from metastudio.gui.widgets.drop_files import counted_kinds, dropped_files, has_files
from metastudio.gui.widgets.drop_place import DropPlace
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.problem_strip import ProblemStrip
from metastudio.gui.widgets.target_card import TargetCard
from metastudio.gui.wording import counted

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument


class TargetTasks(QWidget):
    """Lists the target tasks; one of them may be open in the editor.

    Signals:
        trial_wanted(object): the name of a task that the person wants to try.
    """

    trial_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self._cards: list[TargetCard] = []
        self._open_position = -1
        self._refused: tuple[Problem, ...] = ()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._make_list())
        self._stack.addWidget(self._make_editor())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self.setAcceptDrops(True)

    def _make_list(self) -> QWidget:
        page = QWidget()
        self._new_button = QPushButton(self.tr("New task"))
        self._new_button.setToolTip(self.tr("Assemble a task of your own pictures"))
        self._new_button.clicked.connect(self.add_task)
        head = QHBoxLayout()
        head.addWidget(label(self.tr("Target tasks"), "section"))
        head.addStretch(1)
        head.addWidget(self._new_button)
        self._place = DropPlace()
        self._hint = WrappingLabel(self._idle_hint(), "quiet")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self._place)
        inside.setContentsMargins(theme.GROUP, theme.GROUP, theme.GROUP, theme.GROUP)
        inside.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignVCenter)
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        self._list = QVBoxLayout(scrolled)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(theme.GAP)
        self._list.addWidget(self._place)
        self._list.addStretch()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(_scroll(scrolled), 1)
        return page

    def _make_editor(self) -> QWidget:
        page = QWidget()
        self._back_button = QPushButton(self.tr("← All tasks"))
        theme.set_role(self._back_button, "link")
        self._back_button.clicked.connect(self.close_editor)
        self._try_button = QPushButton(self.tr("Try it"))
        self._try_button.clicked.connect(self._on_try_clicked)
        self._name = QLineEdit()
        self._name.setAccessibleName(self.tr("Name of the target task"))
        self._name.setToolTip(self.tr("Name of the target task"))
        self._name.editingFinished.connect(self._on_name_finished)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._back_button)
        head.addWidget(self._name, 1)
        head.addWidget(self._try_button)
        self._strip = ProblemStrip(most=4)
        self.bins = ClassBins(with_queries=True, side_px=44)
        self.bins.bins_changed.connect(self._on_bins_changed)
        self.bins.problems_found.connect(self._on_bins_problems_found)
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        inside = QVBoxLayout(scrolled)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.bins)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self._strip)
        column.addWidget(_scroll(scrolled), 1)
        return page

    # what is shown

    def set_document(self, document: ProjectDocument | None) -> None:
        """Show the tasks of another project."""
        if self._document is not None:
            self._document.targets_changed.disconnect(self._on_targets_changed)
            self._document.problems_changed.disconnect(self._show_problems)
        self._document = document
        self._open_position = -1
        self._new_button.setEnabled(document is not None)
        if document is not None:
            document.targets_changed.connect(self._on_targets_changed)
            document.problems_changed.connect(self._show_problems)
            self.bins.image_folder = document.folder / "dropped images"
        self._on_targets_changed()

    def open_task(self, position: int) -> None:
        """Open a task in the editor."""
        self._open_position = position
        self._refused = ()
        self._on_targets_changed()
        self._name.setFocus()

    @Slot()
    def close_editor(self) -> None:
        """Go back to the list."""
        self._open_position = -1
        self._on_targets_changed()
        self._new_button.setFocus()

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
        while len(self._cards) > len(targets):
            gone = self._cards.pop()
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._cards) < len(targets):
            self._cards.append(self._new_card())
        for card, task in zip(self._cards, targets, strict=True):
            card.show_task(task)
        self._list.setStretchFactor(self._place, 0 if targets else 1)  # an empty list is all invitation
        self._list.setStretch(self._list.count() - 1, 1 if targets else 0)
        self._reset_hint()
        if self._open_position >= 0:
            task = targets[self._open_position]
            if self._name.text() != printable(task.name):
                self._name.setText(printable(task.name))
            if self.bins.classes() != task.classes:
                self.bins.set_classes(task.classes)
            self._try_button.setEnabled(self._cards[self._open_position].try_button.isEnabled())
            self._try_button.setToolTip(self._cards[self._open_position].try_button.toolTip())
        self._stack.setCurrentIndex(1 if self._open_position >= 0 else 0)
        self._show_problems()

    @Slot()
    def _show_problems(self) -> None:
        problems = self._refused
        if self._document is not None and self._open_position >= 0:
            where = f"targets.{self.open_task_name}"
            problems = (*problems, *(each for each in self._document.problems() if each.where == where))
        self._strip.set_problems(problems)

    def _new_card(self) -> TargetCard:
        card = TargetCard()
        card.edit_wanted.connect(self._on_card_edit_wanted)
        card.trial_wanted.connect(self._on_card_trial_wanted)
        card.removal_wanted.connect(self._on_card_removal_wanted)
        self._list.insertWidget(len(self._cards), card)
        return card

    def _idle_hint(self) -> str:
        if self._cards:
            return self.tr("Drop folders or pictures here to begin another task.")
        return self.tr(
            "A target task is yours: some pictures of each thing that you want told apart. A trained model adapts to "
            "it in a moment, and every finished run exports the result. Drop folders or pictures here to begin one."
        )

    # actions

    @Slot()
    def add_task(self) -> None:
        """Begin an empty task and open it."""
        if self._document is not None:
            self._push((*self._targets(), TargetTask(name=self._free_name())), self.tr("New target task"))
            self.open_task(len(self._targets()) - 1)
            self._name.selectAll()

    def remove_task(self, position: int) -> None:
        """Remove a task; its pictures stay where they are."""
        name = printable(self._targets()[position].name)
        kept = tuple(task for number, task in enumerate(self._targets()) if number != position)
        self._push(kept, self.tr("Remove target task {name}").format(name=name))

    def rename_task(self, position: int, name: str) -> None:
        """Call a task something else, if the name is free."""
        others = {task.name for number, task in enumerate(self._targets()) if number != position}
        if name and name not in others:
            title = self.tr("Rename target task to {name}").format(name=printable(name))
            self._change(position, title, name=name)
        else:
            self._on_targets_changed()

    def _change(self, position: int, title: str, **changes: object) -> None:
        tasks = list(self._targets())
        tasks[position] = tasks[position].model_copy(update=changes)
        self._push(tasks, title)

    def _push(self, targets: Sequence[TargetTask], title: str) -> None:
        if self._document is not None:
            commands.set_targets(self._document, targets=targets, title=title)

    def _free_name(self) -> str:
        names = {task.name for task in self._targets()}
        stem = self.tr("My task")
        return next(
            name
            for number in range(1, len(names) + 2)
            if (name := stem if number == 1 else f"{stem} {number}") not in names
        )

    @Slot()
    def _on_card_edit_wanted(self) -> None:
        self.open_task(self._cards.index(self.sender()))

    @Slot()
    def _on_card_trial_wanted(self) -> None:
        self.trial_wanted.emit(self._targets()[self._cards.index(self.sender())].name)

    @Slot()
    def _on_card_removal_wanted(self) -> None:
        self.remove_task(self._cards.index(self.sender()))

    @Slot()
    def _on_try_clicked(self) -> None:
        self.trial_wanted.emit(self.open_task_name)

    @Slot()
    def _on_name_finished(self) -> None:
        if self._open_position >= 0 and self._name.text().strip() != printable(self.open_task_name):
            self.rename_task(self._open_position, self._name.text().strip())

    @Slot(object)
    def _on_bins_changed(self, title: str) -> None:
        self._refused = ()
        if self._open_position >= 0:
            self._change(self._open_position, title, classes=self.bins.classes())

    @Slot(object)
    def _on_bins_problems_found(self, problems: tuple[Problem, ...]) -> None:
        self._refused = problems
        self._show_problems()

    # drops on the list

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._document is None or self._open_position >= 0 or not has_files(event.mimeData()):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        folders, files = counted_kinds(event.mimeData())
        one = self.tr("1 folder → a new task with its first class")
        hint = counted(folders, one, self.tr("{count} folders → a new task with {count} classes"))
        if files or not folders:
            one = self.tr("1 picture → a new task with its first class")
            hint = counted(max(1, files), one, self.tr("{count} pictures → a new task with its first class"))
        self._hint.setText(hint)
        theme.set_role(self._hint, "section")
        self._place.set_target(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._reset_hint()

    def dropEvent(self, event: QDropEvent) -> None:
        self._reset_hint()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        mime = copied(event.mimeData())
        QTimer.singleShot(0, self, lambda: self._take(mime))

    def _take(self, mime: QMimeData) -> None:
        dropped = dropped_files(mime)
        made = ClassBins()
        made.image_folder = self.bins.image_folder
        problems: list[Problem] = []
        made.problems_found.connect(problems.extend)
        made.take_new_classes(dropped)
        classes = made.classes()
        made.deleteLater()
        if classes:
            task = TargetTask(name=self._free_name(), classes=classes)
            self._push((*self._targets(), task), self.tr("New target task"))
            self.open_task(len(self._targets()) - 1)
        self._refused = tuple(problems)
        self._show_problems()
        if not classes and problems:
            self._hint.setText("\n".join(str(each) for each in problems[:3]))

    def _reset_hint(self) -> None:
        theme.set_role(self._hint, "quiet")
        self._hint.setText(self._idle_hint())
        self._place.set_target(False)


def _scroll(inside: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area
