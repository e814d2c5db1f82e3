"""What every page of the window is: a widget with a key, a title and an icon, that knows the studio."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.labels import ElidedLabel, label

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio


class Page(QWidget):
    """One page: a header line with the title, a quiet subtitle and buttons at the right, and `body` below it.

    Pages are made when they are first shown: what was selected before (`studio.selected_run`, `studio.selected_target`)
    is read in the constructor, later changes come as signals.

    Attributes:
        key: Name of the page in the program, as ``"try_it"``.
        studio: What is open.
        header: Layout of the header line; buttons are added with `add_header_widget`.
        body: Layout of everything below the header; it has the page's margins.
    """

    key: ClassVar[str] = ""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.studio = studio
        self._title = label("", "title")
        self._title.setIndent(2)  # a J begins left of its place
        self._subtitle = ElidedLabel("", "quiet")
        self.header = QHBoxLayout()
        self.header.setSpacing(theme.GAP)
        self.header.addWidget(self._title)
        self.header.addSpacing(theme.GAP)
        self.header.addWidget(self._subtitle, 1, Qt.AlignmentFlag.AlignBaseline)
        self.header_frame = QFrame()
        self.header_frame.setLayout(self.header)
        self.header.setContentsMargins(0, 0, 0, 0)
        self.header_frame.setMinimumHeight(theme.PRIMARY_HEIGHT)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.GROUP, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        column.addWidget(self.header_frame)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.GROUP)
        column.addLayout(self.body, 1)

    def set_title(self, title: str, subtitle: str = "") -> None:
        """Say what the page is and, quietly beside it, what it shows."""
        self._title.setText(title)
        self._subtitle.setText(subtitle)
        self.setAccessibleName(title)

    def add_header_widget(self, widget: QWidget) -> None:
        """Put a button or a field at the right of the header line."""
        self.header.addWidget(widget)

    def on_shown(self) -> None:
        """Take up what only matters while the page is seen; called each time it comes to the front."""

    def on_hidden(self) -> None:
        """Let go of it; called each time another page comes to the front."""

    def shut_down(self) -> None:
        """Stop every thread and timer of the page; called once, before the window closes."""
