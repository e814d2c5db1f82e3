"""All methods as cards by family, with a search, greyed out where they do not fit the images."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part
from metastudio.catalog.entry import FAMILY_TITLES, Entry
from metastudio.gui import theme
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.method_card import MethodCard, search_text

_TURNS = 4


def unfit_reason(entry: Entry, parts: Mapping[str, Part], *, rotations_as_classes: bool = False) -> str:
    """Return why a method does not fit these classes, as a sentence; empty where it does or nothing is known yet."""
    classes = sum(part is Part.META_TRAIN for part in parts.values()) * (_TURNS if rotations_as_classes else 1)
    needed = entry.capabilities.min_train_classes
    if not parts or classes >= needed:
        return ""
    text = QCoreApplication.translate("MethodShelf", "Needs {needed} meta-train classes, there are {classes}.")
    return text.format(needed=needed, classes=classes)


class MethodShelf(QWidget):
    """The menu of methods.

    Signals:
        method_chosen(object): the name of the method that a person chose.
    """

    method_chosen = Signal(object)

    def __init__(self, entries: Mapping[str, Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search methods"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("mdi6.magnify", "quiet"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._on_search_changed)
        self.cards: dict[str, MethodCard] = {}
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._on_card_clicked)
        self._none = WrappingLabel("", "quiet")
        self._none.hide()

        shelf = QWidget()
        shelf.setObjectName("scrolled")
        rows = QVBoxLayout(shelf)
        rows.setContentsMargins(0, 0, theme.TIGHT, 0)
        rows.setSpacing(theme.GAP)
        self._families: list[tuple[QWidget, list[MethodCard]]] = []
        for family, title in FAMILY_TITLES.items():
            members = [entry for entry in entries.values() if entry.family == family]
            if not members:
                continue
            heading = label(translated(title), "caption")
            rows.addWidget(heading)
            cards = []
            for entry in members:
                card = MethodCard(entry)
                self.cards[entry.name] = card
                self._group.addButton(card)
                rows.addWidget(card)
                cards.append(card)
            rows.addSpacing(theme.TIGHT)
            self._families.append((heading, cards))
        rows.addWidget(self._none)
        rows.addStretch(1)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.setWidget(shelf)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.search)
        column.addWidget(self.scroll, 1)

    def set_method(self, name: str) -> None:
        """Show which method is chosen."""
        self.cards[name].setChecked(True)

    def set_classes(self, parts: Mapping[str, Part], *, rotations_as_classes: bool) -> None:
        """Grey out what does not fit these classes."""
        for card in self.cards.values():
            card.set_unfit(unfit_reason(card.entry, parts, rotations_as_classes=rotations_as_classes))

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        words = text.casefold().split()
        for heading, cards in self._families:
            for card in cards:
                card.setVisible(all(word in search_text(card.entry) for word in words))
            heading.setVisible(any(not card.isHidden() for card in cards))
        self._none.setText(self.tr("No method is called or described like “{text}”.").format(text=text))
        self._none.setVisible(all(card.isHidden() for card in self.cards.values()))

    @Slot(QAbstractButton)
    def _on_card_clicked(self, card: MethodCard) -> None:
        self.method_chosen.emit(card.entry.name)
