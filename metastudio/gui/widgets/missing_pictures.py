"""Pictures of a task card that were not found: their greyed thumbnails, names, and a way to look elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.wording import bytes_text, counted

_SIDE_PX = 44
_FADED = 0.45


class MissingPictures(QFrame):
    """Lists what is missing; it belongs to the window alone, the project knows only pictures that are there.

    Signals:
        folder_wanted(): the person wants to look in another folder.
        dismissed(): the person does without.
    """

    folder_wanted = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._text = WrappingLabel("", "warning")
        self.look_button = QPushButton(self.tr("Look in a folder…"))
        theme.set_role(self.look_button, "link")
        self.look_button.setToolTip(self.tr("Pictures are known by their content, whatever they are called now"))
        self.look_button.clicked.connect(self.folder_wanted)
        close = QToolButton()
        close.setIcon(icon("mdi6.close", "quiet"))
        close.setToolTip(self.tr("Do without these pictures"))
        close.setAccessibleName(close.toolTip())
        close.clicked.connect(self.dismissed)
        self.list = QListWidget()
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setIconSize(QSize(_SIDE_PX, _SIDE_PX))
        self.list.setGridSize(QSize(_SIDE_PX + 8, _SIDE_PX + 8))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFixedHeight(_SIDE_PX + 10)
        self.list.setStyleSheet(
            "QListWidget { background: transparent; border: none; } QListView::item { padding: 2px; }"
        )
        self.list.setAccessibleName(self.tr("Pictures of the card that were not found"))
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._text, 1)
        head.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addLayout(head)
        column.addWidget(self.list)
        column.addWidget(self.look_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_missing(self, pictures: Sequence[tuple[str, str, int, str]], thumbnails: Mapping[str, np.ndarray]) -> None:
        """List pictures as ``(sha256, name, bytes, class)``, with thumbnails (h, w, 3) by hash; hide where none are."""
        self.list.clear()
        for sha256, name, size_bytes, class_name in pictures:
            item = QListWidgetItem(_greyed(thumbnails.get(sha256)), "")
            about = f"{printable(name)} · {bytes_text(size_bytes)}"
            tip = f"{printable(class_name)}\n{about}" if class_name else about
            item.setToolTip(tip)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, tip)
            self.list.addItem(item)
        one = self.tr("1 picture of this card was not found among the project's folders and beside the card.")
        many = self.tr("{count} pictures of this card were not found among the project's folders and beside the card.")
        self._text.setText(counted(len(pictures), one, many))
        self.setVisible(bool(pictures))

    @Slot(object)
    def set_busy(self, is_busy: bool) -> None:
        """Say whether they are being looked for."""
        self.look_button.setEnabled(not is_busy)
        self.look_button.setText(self.tr("Looking…") if is_busy else self.tr("Look in a folder…"))


def _greyed(pixels: np.ndarray | None) -> QIcon:
    """Return a thumbnail without colour and half faded, or an empty square."""
    if pixels is None:
        return icon("mdi6.image-off-outline", "quiet")
    height, width = pixels.shape[:2]
    colours = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    grey = colours.convertToFormat(QImage.Format.Format_Grayscale8).convertToFormat(QImage.Format.Format_ARGB32)
    alpha = QImage(grey.size(), QImage.Format.Format_Alpha8)
    alpha.fill(round(255 * _FADED))
    grey.setAlphaChannel(alpha)
    pixmap = QPixmap.fromImage(grey)
    made = QIcon(pixmap)
    made.addPixmap(pixmap, QIcon.Mode.Selected)
    return made
