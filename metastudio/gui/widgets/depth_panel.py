"""Before nested folders are taken: what each depth of them would give, with names and pictures, to choose from."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from metastudio.gui import theme
from metastudio.gui.documents.depth_offer import DepthOffer
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel
from metastudio.gui.widgets.small_picture import SmallPicture
from metastudio.gui.wording import counted
from metastudio.images.class_depth import MOST_EXAMPLES, DepthChoice

_SIDE_PX = 40


class DepthPanel(QFrame):
    """Hidden while nothing is offered. Arrows choose, Enter takes, Escape leaves it.

    Attributes:
        take_button: Takes what is chosen.
        leave_button: Takes nothing.

    Signals:
        depth_taken(object): the person wants classes of this depth.
        declined(): they want none of it.
    """

    depth_taken = Signal(object)
    declined = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._offer: DepthOffer | None = None
        self._rows: list[_ChoiceRow] = []
        self._buttons = QButtonGroup(self)
        self._buttons.idToggled.connect(self._on_chosen)
        self._heading = ElidedLabel("", "section", mode=Qt.TextElideMode.ElideMiddle)
        about = self.tr("Folders lie in folders. Choose what the model shall learn to tell apart.")
        self._choices = QVBoxLayout()
        self._choices.setSpacing(theme.TIGHT)
        self.take_button = QPushButton()
        theme.set_role(self.take_button, "primary")
        self.take_button.clicked.connect(self._on_take_clicked)
        self.leave_button = QPushButton()
        self.leave_button.setMinimumHeight(theme.PRIMARY_HEIGHT)
        self.leave_button.clicked.connect(self.declined)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GAP)
        buttons.addWidget(self.take_button)
        buttons.addWidget(self.leave_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUP, 12, theme.GROUP, 12)
        column.setSpacing(theme.GAP)
        column.addWidget(self._heading)
        column.addWidget(WrappingLabel(about, "quiet"))
        column.addLayout(self._choices)
        column.addLayout(buttons)
        self.hide()

    def choices(self) -> list[QRadioButton]:
        """Return the buttons of the choices, the deepest first."""
        return [row.button for row in self._rows]

    @Slot(object)
    def show_offer(self, offer: DepthOffer | None) -> None:
        """Show what can be taken, or nothing any more."""
        had_focus = self.isAncestorOf(QApplication.focusWidget() or self)
        self._offer = offer
        for row in self._rows:
            self._buttons.removeButton(row.button)
            row.hide()
            row.deleteLater()
        self._rows = [] if offer is None else [_ChoiceRow(each) for each in offer.choices]
        self.setVisible(offer is not None)
        if offer is None:
            if had_focus and (page := self.parentWidget()) is not None:
                page.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        name = offer.folders[0].replace("\\", "/").rstrip("/").rpartition("/")[2]
        one, many = self.tr("What is a class in {name}?"), self.tr("What is a class in these {count} folders?")
        self._heading.setText(counted(len(offer.folders), one, many, name=isolated(name)))
        self.setAccessibleName(self._heading.full_text())
        self.leave_button.setText(self.tr("Do not add") if offer.is_new else self.tr("Leave as it is"))
        for number, row in enumerate(self._rows):
            self._buttons.addButton(row.button, number)
            self._choices.addWidget(row)
        chosen = next((row for row in self._rows if row.choice.depth == offer.depth), self._rows[0])
        chosen.button.setChecked(True)
        chosen.button.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_take_clicked()
        elif event.key() == Qt.Key.Key_Escape:
            self.declined.emit()
        else:
            super().keyPressEvent(event)

    @Slot(int, bool)
    def _on_chosen(self, number: int, is_chosen: bool) -> None:
        if not is_chosen or self._offer is None:
            return
        count = f"{self._rows[number].choice.count:,}"
        text = self.tr("Add {count} classes") if self._offer.is_new else self.tr("Take {count} classes")
        self.take_button.setText(text.format(count=count))

    @Slot()
    def _on_take_clicked(self) -> None:
        if self._offer is not None:
            self.depth_taken.emit(self._rows[self._buttons.checkedId()].choice.depth)


class _ChoiceRow(QWidget):
    """One depth: its button, the pictures of some of its classes, and their names."""

    def __init__(self, choice: DepthChoice) -> None:
        super().__init__()
        self.choice = choice
        names = self.tr("such as {names}").format(names=printable(choice.example_text()))
        self.button = QRadioButton(sentence(choice.title))
        self.button.setAccessibleDescription(names)
        examples = ElidedLabel(names, "caption")
        examples.setContentsMargins(theme.EDGE, 0, 0, 0)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self.button)
        words.addWidget(examples)
        words.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.TIGHT)
        pictures = QHBoxLayout()
        pictures.setSpacing(theme.TIGHT)
        for name, path in zip(choice.examples, choice.pictures, strict=True):
            picture = SmallPicture(printable(name), _SIDE_PX)
            picture.set_path(path)
            pictures.addWidget(picture)
        pictures.addStretch(1)
        place = QWidget()
        place.setLayout(pictures)
        pictures.setContentsMargins(0, 0, 0, 0)
        place.setFixedWidth(MOST_EXAMPLES * (_SIDE_PX + theme.TIGHT) + theme.GAP)
        line.addWidget(place)
        line.addLayout(words, 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.button.setChecked(True)
        self.button.setFocus(Qt.FocusReason.MouseFocusReason)
        event.accept()
