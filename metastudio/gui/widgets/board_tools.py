"""The line above the split board: what is searched, what is done with all that was found, how classes are shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QSlider, QWidget

from metastudio.gui import theme
from metastudio.gui.models.class_model import ClassOrder
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.labels import label
from metastudio.gui.wording import counted

_SIDES_PX = (24, 32, 40, 48, 64, 80, 96)


class BoardTools(QWidget):
    """Only says what is wanted.

    Attributes:
        search: Where a part of a class's name is typed.
        found_button: Moves everything that the search found; seen only while there is a search.
        order: How the classes of a column follow each other.
        grouping: Whether groups of classes are shown as rows; seen only where there are some.

    Signals:
        changed(): other classes, another order, or groups are wanted.
        size_changed(object): thumbnails of that many pixels are wanted.
        found_wanted(): the person wants to move what was found.
    """

    changed = Signal()
    size_changed = Signal(object)
    found_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search classes"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search classes"))
        self.search.setToolTip(self.tr("Show only classes whose name contains this (Ctrl+F)"))
        self.search.setMaximumWidth(280)
        self.search.textChanged.connect(self.changed)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        self.found_button = QPushButton()
        self.found_button.setToolTip(self.tr("Move all that was found, in every column, as one step (Ctrl+M)"))
        self.found_button.clicked.connect(self.found_wanted)
        self.show_found(0)
        QShortcut(QKeySequence("Ctrl+M"), self, self.found_button.click)
        self.grouping = QComboBox()
        self.grouping.setAccessibleName(self.tr("Show classes or groups of classes"))
        self.grouping.setToolTip(self.tr("Groups are the folders around classes: alphabets, domains …"))
        self.grouping.addItem(self.tr("show: classes"), False)
        self.grouping.addItem(self.tr("show: groups"), True)
        self.grouping.currentIndexChanged.connect(self.changed)
        self.grouping.hide()
        self.order = QComboBox()
        self.order.setAccessibleName(self.tr("Sort classes"))
        for order, text in (
            (ClassOrder.NAME, self.tr("sort: name")),
            (ClassOrder.MOST, self.tr("sort: most images")),
            (ClassOrder.FEWEST, self.tr("sort: fewest images")),
        ):
            self.order.addItem(text, order)
        self.order.currentIndexChanged.connect(self.changed)
        size = QSlider(Qt.Orientation.Horizontal)
        size.setRange(0, len(_SIDES_PX) - 1)
        size.setValue(1)
        size.setFixedWidth(96)
        size.setAccessibleName(self.tr("Size of thumbnails"))
        size.setToolTip(self.tr("Size of thumbnails"))
        size.valueChanged.connect(self._on_size_changed)
        calm_wheel(self.order, self.grouping, size)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(self.search, 1)
        line.addWidget(self.found_button)
        line.addStretch(1)
        line.addWidget(self.grouping)
        line.addWidget(self.order)
        line.addSpacing(theme.GAP)
        line.addWidget(label(self.tr("size"), "quiet"))
        line.addWidget(size)

    @property
    def shows_groups(self) -> bool:
        """Whether groups are wanted as rows."""
        return bool(self.grouping.currentData())

    def show_found(self, count: int) -> None:
        """Offer to move so many classes, where anything was searched."""
        has_found = bool(self.search.text()) and count > 0
        self.found_button.setVisible(has_found)
        self.found_button.setEnabled(has_found)
        one, many = self.tr("Move the 1 found…"), self.tr("Move the {count} found…")
        self.found_button.setText(counted(count, one, many))

    def set_groups(self, count: int) -> None:
        """Offer groups where there are any."""
        self.grouping.setVisible(count > 0)
        if not count:
            self.grouping.setCurrentIndex(0)

    @Slot(int)
    def _on_size_changed(self, step: int) -> None:
        self.size_changed.emit(_SIDES_PX[step])
