"""Asks what becomes of the running jobs when the window closes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.progress_bar import ProgressBar


class LeaveDialog(QDialog):
    """Three answers: keep running, pause and quit, stay.

    Signals:
        answered(str): "keep", "pause" or "stay"; after "pause" the dialog shows that it waits, and may still "keep".
    """

    answered = Signal(str)

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Jobs are running"))
        self.setMinimumWidth(460)
        self._is_answered = False
        title = self.tr("A job is running") if count == 1 else self.tr("{count} jobs are running").format(count=count)
        self._heading = WrappingLabel(title, "section")
        self._text = WrappingLabel(
            self.tr(
                "It can go on without the window; open MetaStudio again and it is there. "
                "Or pause it: it writes a checkpoint and later resumes exactly where it was."
            ),
            "quiet",
        )
        self._progress = ProgressBar()
        self._progress.setRange(0, 0)
        self._progress.hide()
        self.keep_button = QPushButton(self.tr("Keep running and quit"))
        self.pause_button = QPushButton(self.tr("Pause and quit"))
        self.stay_button = QPushButton(self.tr("Stay"))
        self.stay_button.setDefault(True)
        self.keep_button.clicked.connect(self._on_keep_clicked)
        self.pause_button.clicked.connect(self._on_pause_clicked)
        self.stay_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GAP)
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.pause_button)
        buttons.addStretch(1)
        buttons.addWidget(self.stay_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        for each in (self._heading, self._text, self._progress):
            column.addWidget(each)
        column.addStretch(1)
        column.addLayout(buttons)
        self.setWindowModality(Qt.WindowModality.WindowModal)

    def show_pausing(self) -> None:
        """Say that the workers are writing their checkpoints."""
        self._heading.setText(self.tr("Pausing…"))
        self._text.setText(
            self.tr("Waiting for the checkpoint to be written. You need not wait: it is written anyway.")
        )
        self._progress.show()
        self.pause_button.setEnabled(False)
        self.keep_button.setText(self.tr("Quit now"))

    @Slot()
    def _on_keep_clicked(self) -> None:
        self.answered.emit("keep")

    @Slot()
    def _on_pause_clicked(self) -> None:
        self.answered.emit("pause")

    def reject(self) -> None:
        super().reject()
        self.answered.emit("stay")
