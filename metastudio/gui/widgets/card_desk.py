"""Asks where task cards lie, has them saved, opened and completed beside the window, and says how it went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from metastudio.catalog.experiment import CARD_SUFFIX, TargetTask
from metastudio.errors import MetaStudioError, Problem
from metastudio.gui.documents.task_cards import TaskCards
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.wording import counted

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument


class CardDesk(QObject):
    """One card at a time.

    Attributes:
        document: The project that cards come from and go to, or None.

    Signals:
        opened(object): an `OpenedCard`.
        found(object): pictures that were looked for in a folder: a path for each hash.
        busy_changed(object): whether something is under way.
        told(object, str): news in a sentence, and its severity.
        refused(object): what went wrong, as a sentence; it is told too.
    """

    opened = Signal(object)
    found = Signal(object)
    busy_changed = Signal(object)
    told = Signal(object, str)
    refused = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.document: ProjectDocument | None = None
        self._window = window
        self._cards = TaskCards(self)
        self._cards.saved.connect(self._on_cards_saved)
        self._cards.opened.connect(self.opened)
        self._cards.looked.connect(self.found)
        self._cards.failed.connect(self._on_cards_failed)
        self._cards.busy_changed.connect(self.busy_changed)

    def close(self) -> None:
        """Stop what is under way."""
        self._cards.close()

    def ask_where_to_save(self, task: TargetTask) -> None:
        """Save the card of a task where the person says."""
        name = "".join(each if each.isalnum() or each in " -_" else "_" for each in task.name).strip() or "task"
        path, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Save the task card"), f"{name}{CARD_SUFFIX}", self._filter()
        )
        if path:
            self.save(task, Path(path))

    def save(self, task: TargetTask, path: Path) -> None:
        """Save the card of a task; never into a folder of the person's pictures."""
        target = path if path.suffix == CARD_SUFFIX else path.with_name(path.name + CARD_SUFFIX)
        if self.document is None or self._is_busy():
            return
        if any(target.absolute().is_relative_to(folder) for folder in self.document.experiment.data.folders):
            sentence = self.tr("A card is not saved among the pictures of the project; choose another folder.")
            self.told.emit(sentence, "warning")
            return
        self._cards.save(task, target)

    @Slot()
    def ask_what_to_open(self) -> None:
        """Open a card that the person chooses."""
        path, _ = QFileDialog.getOpenFileName(self._window, self.tr("Open a task card"), "", self._filter())
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Read a card, and look for its pictures among the project's and beside the card."""
        if self.document is not None and not self._is_busy():
            self._cards.open(path, self.document)

    def ask_where_to_look(self, wanted: Mapping[str, int]) -> None:
        """Look for missing pictures in a folder that the person chooses; `wanted` has the bytes of each hash."""
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Look for the pictures of this card"))
        if folder:
            self.look_in(Path(folder), wanted)

    def look_in(self, folder: Path, wanted: Mapping[str, int]) -> None:
        """Look for missing pictures in a folder and those within it."""
        if wanted and not self._is_busy():
            self._cards.look_in(folder, wanted)

    def _is_busy(self) -> bool:
        if self._cards.is_busy:
            self.told.emit(self.tr("Another task card is still being worked on; try again in a moment."), "warning")
        return self._cards.is_busy

    def _filter(self) -> str:
        return self.tr("Task cards (*{suffix})").format(suffix=CARD_SUFFIX)

    @Slot(object, object)
    def _on_cards_saved(self, path: Path, problems: tuple[Problem, ...]) -> None:
        text = self.tr("The task card is saved: {name}.").format(name=isolated(path.name))
        if problems:
            one, many = self.tr("1 picture is not in it: {first}"), self.tr("{count} pictures are not in it: {first}")
            text += " " + counted(len(problems), one, many, first=problems[0])
        self.told.emit(text, "warning" if problems else "good")

    @Slot(object)
    def _on_cards_failed(self, error: Exception) -> None:
        if not isinstance(error, MetaStudioError):
            raise error
        self.refused.emit(str(error))
        self.told.emit(str(error), "error")
