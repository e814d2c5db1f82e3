"""What an empty page shows: what belongs there, and the button that brings it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label

_ICON_PX = 48
_TEXT_WIDTH_PX = 440


class EmptyState(QWidget):
    """An icon, a title, one or two sentences, and buttons, in the middle of the space that is there."""

    def __init__(self, icon_name: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setPixmap(icon(icon_name, "quiet").pixmap(_ICON_PX, _ICON_PX))
        self._title = label(title, "section")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = WrappingLabel(text, "quiet")
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setFixedWidth(_TEXT_WIDTH_PX)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(theme.GAP)
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignCenter)

        column = QVBoxLayout(self)
        column.setSpacing(theme.GAP)
        column.addStretch(2)
        column.addWidget(self._picture)
        column.addWidget(self._title)
        column.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(theme.GAP)
        column.addLayout(self._buttons)
        column.addStretch(3)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def set_text(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def add_button(self, text: str, on_clicked: Callable[[], object], *, is_primary: bool = False) -> QPushButton:
        """Add a button below the text and return it; `on_clicked` is a method of a QObject."""
        button = QPushButton(text)
        if is_primary:
            theme.set_role(button, "primary")
        button.clicked.connect(on_clicked)
        self._buttons.addWidget(button)
        return button

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._picture.setPixmap(icon(self._icon_name, "quiet").pixmap(_ICON_PX, _ICON_PX))
