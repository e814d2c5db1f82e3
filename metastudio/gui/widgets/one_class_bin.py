"""The bin of one class: its colour, its name and its shelves of pictures."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout

from metastudio.catalog.experiment import TargetClass
from metastudio.gui import theme
from metastudio.gui.models.bin_contents import QUERY, SUPPORT
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.picture_shelf import PictureShelf
from metastudio.gui.wording import counted

_DOT_PX = 18
_BRIGHT = 0.18
"""Black is read better than white upon what is brighter."""


class OneClassBin(QFrame):
    """One class: colour, name, support pictures, and query pictures where they are wanted.

    Signals:
        renamed(object): the new name was entered.
        removed(): the person wants the class gone.
    """

    renamed = Signal(object)
    removed = Signal()

    def __init__(self, number: int, *, with_queries: bool, side_px: int) -> None:
        super().__init__()
        self.number = number
        theme.set_role(self, "panel")
        self._dot = QLabel()
        self._dot.setFixedSize(_DOT_PX, _DOT_PX)
        self._dot.setToolTip(self.tr("This key moves selected pictures into the class") if number < 9 else "")
        self.name = QLineEdit()
        self.name.setMinimumWidth(72)
        self.name.setToolTip(self.tr("Name of the class: what the answer is called"))
        self.name.editingFinished.connect(self._on_name_finished)
        self._count = label("", "caption")
        self.add_button = _tool("mdi6.image-plus-outline", self.tr("Add pictures…"))
        self.remove_button = _tool("mdi6.close", self.tr("Remove this class"))
        self.remove_button.clicked.connect(self.removed)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._dot)
        head.addWidget(self.name, 1)
        head.addWidget(self._count)
        head.addStretch(0)
        head.addWidget(self.add_button)
        head.addWidget(self.remove_button)
        self.support = PictureShelf(SUPPORT, self.tr("drop support pictures here"), side_px)
        self.shelves = [self.support]
        shelves = QHBoxLayout()
        shelves.setSpacing(theme.GAP)
        shelves.addWidget(self.support, 1, Qt.AlignmentFlag.AlignTop)
        if with_queries:
            line = QFrame()
            theme.set_role(line, "vertical-hairline")
            self.query = PictureShelf(QUERY, self.tr("drop queries here"), side_px)
            self.shelves.append(self.query)
            shelves.addWidget(line)
            shelves.addWidget(self.query, 1, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addLayout(head)
        column.addLayout(shelves)
        self._shown: TargetClass | None = None

    def show_class(self, value: TargetClass) -> None:
        """Show a class; pictures that are there already stay in place."""
        self._shown = value
        shown = printable(value.name)
        if not self.name.hasFocus() or self.name.text() != shown:
            self.name.setText(shown)
            self.name.setCursorPosition(0)
        for shelf, paths in zip(self.shelves, (value.support, value.query), strict=False):
            shelf.frame_colour = theme.series_colour(self.number)
            shelf.set_paths(paths)
            shelf.setAccessibleName(shown if shelf.role == SUPPORT else self.tr("{name}, queries").format(name=shown))
            shelf.fit_height()
            shelf.viewport().update()
        self._count.setText(self._counted(value))
        self.setAccessibleName(self.tr("Class {number}: {name}").format(number=self.number + 1, name=shown))
        self.name.setAccessibleName(self.tr("Name of class {number}").format(number=self.number + 1))
        self.add_button.setAccessibleName(self.tr("Add pictures to {name}").format(name=shown))
        self.remove_button.setAccessibleName(self.tr("Remove class {name}").format(name=shown))
        self._dot.setPixmap(_dot(self.number, self.devicePixelRatioF()))

    def _counted(self, value: TargetClass) -> str:
        text = counted(len(value.support), self.tr("1 picture"), self.tr("{count} pictures"))
        queries = counted(len(value.query), self.tr("1 query"), self.tr("{count} queries"))
        return f"{text} · {queries}" if value.query else text

    @Slot()
    def _on_name_finished(self) -> None:
        if self._shown is None:
            return
        name = self.name.text().strip()
        if name != printable(self._shown.name):
            self.renamed.emit(name)


def _tool(icon_name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name, "quiet"))
    button.setIconSize(QSize(16, 16))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


def _dot(number: int, scale: float) -> QPixmap:
    """Return a disc in the class's colour with its number, which is also the key that moves pictures there."""
    pixmap = QPixmap(round(_DOT_PX * scale), round(_DOT_PX * scale))
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    colour = theme.series_colour(number)
    painter.setBrush(colour)
    area = QRect(0, 0, _DOT_PX, _DOT_PX)
    painter.drawEllipse(area)
    painter.setPen(QColor("#000000" if luminance(colour) > _BRIGHT else "#ffffff"))
    painter.setFont(theme.font(theme.CAPTION_PX, is_semibold=True))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(number + 1))
    painter.end()
    return pixmap


def luminance(colour: QColor) -> float:
    """Return the relative luminance of a colour, in [0, 1], as contrast is measured by."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
