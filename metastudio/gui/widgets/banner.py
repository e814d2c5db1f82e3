"""A strip across a page that says one thing and may offer a button."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import severity_icon
from metastudio.gui.widgets.labels import WrappingLabel


class Banner(QFrame):
    """Hidden until `show_text`; `button` is the offer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "banner")
        self._picture = QLabel()
        self._said: tuple[str, str, str] | None = None
        self._text = WrappingLabel()
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        line.setSpacing(theme.GAP)
        line.addWidget(self._picture)
        line.addWidget(self._text, 1)
        line.addWidget(self.button)
        self.hide()

    def text(self) -> str:
        """Return what it says."""
        return self._text.text()

    def show_text(self, text: str, severity: str = "warning", *, button: str = "") -> None:
        """Say something; `severity` is note, good, warning or error. An empty text hides the strip."""
        self.setVisible(bool(text))
        self.button.setVisible(bool(button))
        said = (text, severity, button)
        if not text or said == self._said:
            return
        self._said = said
        self._picture.setPixmap(severity_icon(severity).pixmap(18, 18))
        self._text.setText(text)
        self.button.setText(button)
        if self.property("severity") != severity:
            self.setProperty("severity", severity)
            theme.repolish(self)
        self.setAccessibleName(text)
