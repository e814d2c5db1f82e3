"""A dashed sheet over a page that says, while files are dragged over it, what letting go will do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from metastudio.gui import theme


class DropHint(QLabel):
    """Covers its parent while it is shown, and lets every event through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setObjectName("dropHint")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_text(self, text: str) -> None:
        """Say what a drop will do."""
        colours = theme.tokens()
        self.setStyleSheet(
            f"QLabel#dropHint {{ border: 2px dashed {colours.accent}; border-radius: {theme.RADIUS}px;"
            f" background: {theme.translucent(theme.colour('page'), 0.96).name(QColor.NameFormat.HexArgb)};"
            f" color: {colours.accent}; font-size: {theme.TITLE_PX}px; font-weight: 600; }}"
        )
        self.setText(text)
        self.setGeometry(self.parentWidget().rect().adjusted(theme.GAP, theme.GAP, -theme.GAP, -theme.GAP))
        self.raise_()
        self.show()
