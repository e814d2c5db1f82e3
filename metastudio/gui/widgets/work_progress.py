"""How far the reading of the folders is, with a button that ends it; shown only for what takes longer than a moment."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel
from metastudio.gui.widgets.progress_bar import ProgressBar

_AFTER_MS = 500


class WorkProgress(QWidget):
    """Hidden until work has gone on for half a second.

    Signals:
        cancel_wanted(): the person wants the work to end.
    """

    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = ""
        self._text = ElidedLabel("", "caption")
        self._bar = ProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the reading"))
        cancel = QToolButton()
        cancel.setIcon(icon("mdi6.close", "quiet"))
        cancel.setToolTip(self.tr("Cancel"))
        cancel.setAccessibleName(self.tr("Cancel what is under way"))
        cancel.clicked.connect(self.cancel_wanted)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, theme.TIGHT)
        line.addLayout(column, 1)
        line.addWidget(cancel)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self.show)
        self.hide()

    def begin(self, kind: str) -> None:
        """Work of a kind begins: "scan", "compare", "unpack", "copy"; anything else checks the pictures."""
        kinds = {
            "scan": self.tr("Looking at the folders…"),
            "compare": self.tr("Looking for pictures alike…"),
            "unpack": self.tr("Unpacking…"),
            "copy": self.tr("Copying the pictures…"),
        }
        self._what = kinds.get(kind, self.tr("Checking the pictures…"))
        self._text.setText(self._what)
        self._bar.setRange(0, 0)
        self._timer.start()

    def show_done(self, done: int, total: int) -> None:
        """So many are done of a total, which is 0 while nobody knows it."""
        if total:
            self._bar.setRange(0, total)
            self._bar.setValue(done)
            text = self.tr("{what} {done} of {total}")
        else:
            text = self.tr("{what} 1 picture") if done == 1 else self.tr("{what} {done} pictures")
        self._text.setText(text.format(what=self._what, done=f"{done:,}", total=f"{total:,}"))

    def end(self) -> None:
        """Nothing is under way any more."""
        self._timer.stop()
        self.hide()
