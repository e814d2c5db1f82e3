"""A page of the help in a window of its own, with its links; nothing is fetched from the network."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QUrl, Slot
from PySide6.QtGui import QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.paths import resources_folder

_SIZE_PX = 720, 620
_MARGIN_PX = 16
_ABOVE_HEADING_PX, _BELOW_PX, _LINE_PERCENT = 12, 6, 115


def method_page(name: str) -> Path:
    """Return the help page of a method."""
    return resources_folder() / "help" / "methods" / f"{name}.md"


class HelpDialog(QDialog):
    """Shows a Markdown page; stays open beside the work."""

    def __init__(self, page: Path, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE_PX)
        self.browser = QTextBrowser()
        self.browser.setAccessibleName(title)
        self.browser.setOpenExternalLinks(False)
        self.browser.document().setDocumentMargin(_MARGIN_PX)
        self.browser.sourceChanged.connect(self._on_source_changed)
        self.browser.setSource(QUrl.fromLocalFile(str(page)), QTextDocument.ResourceType.MarkdownResource)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUP, theme.GROUP, theme.GROUP, theme.GROUP)
        column.setSpacing(theme.GROUP)
        column.addWidget(self.browser)
        column.addWidget(buttons)

    @Slot()
    def _on_source_changed(self) -> None:
        """Give paragraphs and headings air, which Markdown has none of in Qt."""
        cursor = QTextCursor(self.browser.document())
        block = self.browser.document().begin()
        while block.isValid():
            shape = block.blockFormat()
            shape.setTopMargin(_ABOVE_HEADING_PX if shape.headingLevel() else 0)
            shape.setBottomMargin(_BELOW_PX)
            shape.setLineHeight(_LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.setPosition(block.position())
            cursor.setBlockFormat(shape)
            block = block.next()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.browser.reload()
