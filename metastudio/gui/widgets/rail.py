"""The rail at the left: one button for each page, and the switch between light and dark at its foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon

WIDTH_PX = 72
_ICON = QSize(22, 22)


class Door(NamedTuple):
    """What leads to a page."""

    key: str
    title: str
    icon_name: str


class Rail(QFrame):
    """Shows which page is open.

    Signals:
        page_chosen(str): the person wants the page with this key.
        theme_clicked(): the person wants the other of light and dark.
    """

    page_chosen = Signal(str)
    theme_clicked = Signal()

    def __init__(self, doors: Sequence[Door], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH_PX)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.TIGHT, theme.GAP, theme.TIGHT, theme.GAP)
        column.setSpacing(theme.TIGHT)
        for number, door in enumerate(doors, start=1):
            button = QToolButton()
            button.setText(door.title)
            button.setIcon(icon(door.icon_name))
            button.setIconSize(_ICON)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setCheckable(True)
            button.setFixedSize(WIDTH_PX - 2 * theme.TIGHT - 1, 50)
            button.setToolTip(self.tr("{title} (Ctrl+{number})").format(title=door.title, number=number))
            button.setAccessibleName(door.title)
            button.clicked.connect(self._on_button_clicked)
            self._group.addButton(button)
            self._buttons[door.key] = button
            column.addWidget(button)
        column.addStretch(1)
        self._theme_button = QToolButton()
        self._theme_button.setIconSize(QSize(18, 18))
        self._theme_button.setFixedSize(WIDTH_PX - 2 * theme.TIGHT - 1, 32)
        self._theme_button.clicked.connect(self.theme_clicked)
        column.addWidget(self._theme_button)
        self.show_theme()

    def show_page(self, key: str) -> None:
        """Mark the page that is open."""
        self._buttons[key].setChecked(True)

    def show_theme(self) -> None:
        """Show what the switch leads to."""
        is_dark = theme.tokens() is theme.DARK
        self._theme_button.setIcon(icon("mdi6.weather-sunny" if is_dark else "mdi6.weather-night", "quiet"))
        text = self.tr("Change to light") if is_dark else self.tr("Change to dark")
        self._theme_button.setToolTip(text)
        self._theme_button.setAccessibleName(text)

    @Slot()
    def _on_button_clicked(self) -> None:
        sender = self.sender()
        self.page_chosen.emit(next(key for key, button in self._buttons.items() if button is sender))
