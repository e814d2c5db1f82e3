"""The editor of one target task: its name, its bins, what is wrong with it, and what its card did not bring."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TargetTask
from metastudio.errors import Problem
from metastudio.gui import theme
from metastudio.gui.models.bin_contents import BinContents
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.class_bin import ClassBins
from metastudio.gui.widgets.missing_pictures import MissingPictures
from metastudio.gui.widgets.problem_strip import ProblemStrip


class TargetEditor(QWidget):
    """Shows a task, and tells what the person makes of it.

    Attributes:
        name: The field with its name.
        bins: Its classes and pictures.
        strip: Problems of the task, and what was refused.
        missing: Pictures of its card that were not found.

    Signals:
        closed(): the person goes back to the list.
        renamed(object): the new name was entered.
        changed(object): `bins.contents()` is another; the title of what was done.
        refused(object): a tuple of `Problem`: what was not taken.
        trial_wanted(): the person wants to try it.
        library_wanted(): classes of the library shall be added.
        card_wanted(): its card shall be saved.
    """

    closed = Signal()
    renamed = Signal(object)
    changed = Signal(object)
    refused = Signal(object)
    trial_wanted = Signal()
    library_wanted = Signal()
    card_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown_name = ""
        back = QPushButton(self.tr("← All tasks"))
        theme.set_role(back, "link")
        back.clicked.connect(self.closed)
        self.try_button = QPushButton(self.tr("Try it"))
        self.try_button.clicked.connect(self.trial_wanted)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the target task"))
        self.name.setToolTip(self.tr("Name of the target task"))
        self.name.editingFinished.connect(self._on_name_finished)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(back)
        head.addWidget(self.name, 1)
        head.addWidget(self.try_button)
        self.library_button = QPushButton(self.tr("From the library…"))
        self.library_button.setToolTip(self.tr("Add classes of the Images page, with some of their pictures"))
        self.library_button.clicked.connect(self.library_wanted)
        self.card_button = QPushButton(self.tr("Save as card…"))
        self.card_button.clicked.connect(self.card_wanted)
        links = QHBoxLayout()
        links.setSpacing(theme.GAP)
        for button in (self.library_button, self.card_button):
            theme.set_role(button, "link")
            links.addWidget(button)
        links.addStretch(1)
        self.strip = ProblemStrip(most=4)
        self.missing = MissingPictures()
        self.bins = ClassBins(with_queries=True, side_px=44)
        self.bins.bins_changed.connect(self.changed)
        self.bins.problems_found.connect(self.refused)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addLayout(links)
        column.addWidget(self.strip)
        column.addWidget(self.missing)
        column.addWidget(scrolled(self.bins), 1)

    def show_task(self, task: TargetTask, *, is_ready: bool, reason: str) -> None:
        """Show a task; `reason` says why it can be tried, or why not."""
        self._shown_name = printable(task.name)
        if self.name.text() != self._shown_name:
            self.name.setText(self._shown_name)
        contents = BinContents(task.classes, task.unlabelled)
        if self.bins.contents() != contents:
            self.bins.set_contents(contents)
        self.try_button.setEnabled(is_ready)
        self.try_button.setToolTip(reason)
        has_pictures = any((*each.support, *each.query) for each in task.classes) or bool(task.unlabelled)
        self.card_button.setEnabled(has_pictures)
        self.card_button.setToolTip(
            self.tr("One small file with names, thumbnails and what pictures are known by; the pictures stay here")
            if has_pictures
            else self.tr("Add pictures first.")
        )

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong."""
        self.strip.set_problems(problems)

    @Slot()
    def _on_name_finished(self) -> None:
        name = self.name.text().strip()
        if name != self._shown_name:
            self.renamed.emit(name)


def scrolled(inside: QWidget) -> QScrollArea:
    """Return a place in which something scrolls up and down, without a frame."""
    holder = QWidget()
    holder.setObjectName("scrolled")
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(inside)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(holder)
    return area
