"""The list of target tasks, and the place below it where another one begins."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TargetTask
from metastudio.gui import theme
from metastudio.gui.widgets.drop_place import DropPlace
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.target_card import TargetCard
from metastudio.gui.widgets.target_editor import scrolled


class TargetList(QWidget):
    """One card for each task.

    Attributes:
        cards: In the order of the tasks.
        hint: What a drop will do, or what was wrong with it.
        new_button: Begins an empty task; `library_button` and `card_button` begin one from elsewhere.

    Signals:
        edit_wanted(int): the task with this number shall be opened.
        trial_wanted(int): it shall be tried.
        card_wanted(int): its card shall be saved.
        removal_wanted(int): it shall go.
    """

    edit_wanted = Signal(int)
    trial_wanted = Signal(int)
    card_wanted = Signal(int)
    removal_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[TargetCard] = []
        self.new_button = QPushButton(self.tr("New task"))
        self.new_button.setToolTip(self.tr("Assemble a task of your own pictures"))
        head = QHBoxLayout()
        head.addWidget(label(self.tr("Target tasks"), "section"))
        head.addStretch(1)
        head.addWidget(self.new_button)
        self.hint = WrappingLabel("", "quiet")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.library_button = QPushButton(self.tr("From the library…"))
        self.library_button.setToolTip(self.tr("Begin a task of classes of the Images page"))
        self.card_button = QPushButton(self.tr("Open a card…"))
        self.card_button.setToolTip(self.tr("Begin the task of a card that somebody shared"))
        links = QHBoxLayout()
        links.addStretch(1)
        for button in (self.library_button, self.card_button):
            theme.set_role(button, "link")
            links.addWidget(button)
        links.addStretch(1)
        self._place = DropPlace()
        inside = QVBoxLayout(self._place)
        inside.setContentsMargins(theme.GROUP, theme.GROUP, theme.GROUP, theme.GAP)
        inside.addStretch(1)
        inside.addWidget(self.hint)
        inside.addLayout(links)
        inside.addStretch(1)
        rows = QWidget()
        self._list = QVBoxLayout(rows)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(theme.GAP)
        self._list.addWidget(self._place)
        self._list.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(scrolled(rows), 1)
        self.reset_hint()

    def show_tasks(self, targets: Sequence[TargetTask]) -> None:
        """Show these tasks."""
        while len(self.cards) > len(targets):
            gone = self.cards.pop()
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self.cards) < len(targets):
            self.cards.append(self._new_card())
        for card, task in zip(self.cards, targets, strict=True):
            card.show_task(task)
        self._list.setStretchFactor(self._place, 0 if targets else 1)  # an empty list is all invitation
        self._list.setStretch(self._list.count() - 1, 1 if targets else 0)
        self.reset_hint()

    def show_hint(self, text: str) -> None:
        """Say what a drop would do, while something is held over the list."""
        self.hint.setText(text)
        theme.set_role(self.hint, "section")
        self._place.set_target(True)

    def reset_hint(self) -> None:
        """Say what belongs here."""
        theme.set_role(self.hint, "quiet")
        self._place.set_target(False)
        if self.cards:
            self.hint.setText(self.tr("Drop folders, pictures or a task card here to begin another task."))
            return
        self.hint.setText(
            self.tr(
                "A target task is yours: some pictures of each thing that you want told apart. A trained model adapts "
                "to it in a moment, and every finished run exports the result. Drop folders, pictures or a task card "
                "here to begin one."
            )
        )

    def _new_card(self) -> TargetCard:
        card = TargetCard()
        card.edit_wanted.connect(self._on_card_edit_wanted)
        card.trial_wanted.connect(self._on_card_trial_wanted)
        card.card_wanted.connect(self._on_card_card_wanted)
        card.removal_wanted.connect(self._on_card_removal_wanted)
        self._list.insertWidget(len(self.cards), card)
        return card

    @Slot()
    def _on_card_edit_wanted(self) -> None:
        self.edit_wanted.emit(self.cards.index(self.sender()))

    @Slot()
    def _on_card_trial_wanted(self) -> None:
        self.trial_wanted.emit(self.cards.index(self.sender()))

    @Slot()
    def _on_card_card_wanted(self) -> None:
        self.card_wanted.emit(self.cards.index(self.sender()))

    @Slot()
    def _on_card_removal_wanted(self) -> None:
        self.removal_wanted.emit(self.cards.index(self.sender()))
