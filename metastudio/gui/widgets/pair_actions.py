"""What can be done about two classes that are hard to tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.pair_list import about_pair
from metastudio.runs.class_map import ClassPair

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument


class PairActions(QWidget):
    """A sentence about a pair, and buttons; those that make no sense for it say why.

    Signals:
        task_wanted(object): the `ClassPair` should become a target task.
        pins_wanted(object): the names of both classes should be shown in the composer.
        exclusion_wanted(object): the class of this name should be left out of the project.
    """

    task_wanted = Signal(object)
    pins_wanted = Signal(object)
    exclusion_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pair: ClassPair | None = None
        self.text = WrappingLabel("", "quiet")
        self.task_button = QPushButton(self.tr("Make a target task"))
        self.task_button.clicked.connect(self._on_task_clicked)
        self.pin_button = QPushButton(self.tr("Pin both"))
        self.pin_button.clicked.connect(self._on_pin_clicked)
        self.exclude_button = QPushButton(self.tr("Exclude one…"))
        menu = QMenu(self)
        self.exclude_actions = [menu.addAction("") for _ in range(2)]
        menu.triggered.connect(self._on_exclude_triggered)
        self.exclude_button.setMenu(menu)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.TIGHT)
        for button in (self.task_button, self.pin_button, self.exclude_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self.show_pair(None, None, is_of_target=False)

    def show_pair(self, pair: ClassPair | None, document: ProjectDocument | None, *, is_of_target: bool) -> None:
        """Speak of another pair, of classes of the project or of a target task."""
        self._pair = pair
        if pair is None:
            self.text.setText(self.tr("Choose a pair in the list, or a dot on the map."))
            task_reason = pin_reason = exclude_reason = self.tr("Choose a pair first.")
        else:
            self.text.setText(about_pair(pair))
            task_reason = ""
            exclude_reason = self.tr("These are classes of a target task, not of the project.") if is_of_target else ""
            pin_reason = exclude_reason or self._why_not_pinned(pair, document)
            for action, name in zip(self.exclude_actions, (pair.first, pair.second), strict=True):
                action.setText(self.tr("Exclude {name}").format(name=printable(name).replace("&", "&&")))
                action.setData(name)
        about_task = self.tr("A new target task of these two: can they be told apart after a few pictures of each?")
        about_pin = self.tr("Show both in the sampled episodes, to see what a task with them is like")
        about_exclude = self.tr("Leave one of them out of the project; its files stay where they are")
        for button, reason, about in (
            (self.task_button, task_reason, about_task),
            (self.pin_button, pin_reason, about_pin),
            (self.exclude_button, exclude_reason, about_exclude),
        ):
            button.setEnabled(not reason)
            button.setToolTip(reason or about)

    def _why_not_pinned(self, pair: ClassPair, document: ProjectDocument | None) -> str:
        parts = document.parts if document is not None else {}
        if pair.first not in parts or parts[pair.first] is not parts.get(pair.second):
            return self.tr("They lie in different parts, and an episode is drawn from one.")
        return ""

    @Slot()
    def _on_task_clicked(self) -> None:
        self.task_wanted.emit(self._pair)

    @Slot()
    def _on_pin_clicked(self) -> None:
        if self._pair is not None:
            self.pins_wanted.emit((self._pair.first, self._pair.second))

    @Slot(QAction)
    def _on_exclude_triggered(self, action: QAction) -> None:
        self.exclusion_wanted.emit(action.data())
