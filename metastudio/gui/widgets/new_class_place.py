"""The place below the class bins where pictures of one more class are dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from metastudio.gui import theme
from metastudio.gui.widgets.drop_files import counted_kinds, has_files
from metastudio.gui.widgets.drop_place import DropPlace
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.picture_shelf import SMALLEST_HEIGHT_PX, copied
from metastudio.gui.wording import counted


class NewClassPlace(DropPlace):
    """Where pictures of a class that is not there yet are dropped.

    Signals:
        files_dropped(object): a `QMimeData` copy.
    """

    files_dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._is_busy = False
        self.setAcceptDrops(True)
        self.setMinimumHeight(SMALLEST_HEIGHT_PX)
        self.button = QPushButton(self.tr("+ class"))
        self.button.setToolTip(self.tr("Add an empty class, then drop its pictures"))
        self._text = WrappingLabel(self._idle_text(), "quiet")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        line.setSpacing(12)
        line.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._text, 1)

    def set_busy(self, is_busy: bool) -> None:
        """Say that pictures are being compared beside the window, or no longer."""
        self._is_busy = is_busy
        self._show_hint("")

    def _idle_text(self) -> str:
        if self._is_busy:
            return self.tr("Comparing the pictures with those that are there…")
        return self.tr("or drop pictures here; each folder becomes a class")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not has_files(event.mimeData()):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        folders, files = counted_kinds(event.mimeData())
        parts = []
        if folders:
            one = self.tr("1 folder → 1 new class")
            parts.append(counted(folders, one, self.tr("{count} folders → {count} new classes")))
        if files or not folders:
            one = self.tr("1 picture → 1 new class")
            parts.append(counted(max(1, files), one, self.tr("{count} pictures → 1 new class")))
        self._show_hint(", ".join(parts))

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._show_hint("")

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_hint("")
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.files_dropped.emit(copied(event.mimeData()))

    def _show_hint(self, hint: str) -> None:
        self._text.setText(hint or self._idle_text())
        self.set_target(bool(hint))
