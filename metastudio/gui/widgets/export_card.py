"""How an export ended: verified, with what was compared and where it lies, or why it failed."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from metastudio.errors import IntegrityError, MetaStudioError
from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.device_picker import in_bytes
from metastudio.gui.widgets.icons import icon, severity_icon
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel, label
from metastudio.gui.wording import count_text
from metastudio.runs.questions import ExportedAnswer

_ICON_PX = 20


def run_command(answer: ExportedAnswer) -> str:
    """Return the command that asks an export about a picture, ready to paste; empty where it has no program."""
    programs = [name for name in answer.files if name.startswith("predict") and name.endswith(".py")]
    if not programs:
        return ""
    argv = ["python", str(Path(answer.path) / programs[0]), "picture.png"]
    return subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)


class ExportCard(QFrame):
    """The result of one export; hidden until there is one.

    Signals:
        other_wanted(object): the iteration of a whole checkpoint, to be exported instead of a broken one.
    """

    other_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._path = ""
        self._command = ""
        self._icon = QLabel()
        self.heading = label("", "section")
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._icon)
        head.addWidget(self.heading, 1)
        self.text = WrappingLabel()
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = QWidget()
        self._grid = QGridLayout(self._facts)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.GROUP)
        self._grid.setVerticalSpacing(theme.TIGHT)
        self._grid.setColumnStretch(1, 1)
        self.values: dict[str, ElidedLabel] = {}
        self.files = WrappingLabel()
        for key, title in (
            ("difference", self.tr("Largest difference of logits")),
            ("batches", self.tr("Same answers at batches of")),
            ("size", self.tr("Size")),
            ("folder", self.tr("Folder")),
            ("command", self.tr("Ask it")),
        ):
            row = self._grid.rowCount()
            self._grid.addWidget(label(title, "quiet"), row, 0)
            mode = Qt.TextElideMode.ElideMiddle if key in {"folder", "command"} else Qt.TextElideMode.ElideRight
            value = ElidedLabel(mode=mode)
            value.setAccessibleName(title)
            value.setFont(theme.font(is_tabular=True))
            self.values[key] = value
            self._grid.addWidget(value, row, 1)
        row = self._grid.rowCount()
        self._grid.addWidget(label(self.tr("Files"), "quiet"), row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(self.files, row, 1)
        self.open_button = QPushButton(self.tr("Open folder"))
        self.open_button.setIcon(icon("mdi6.folder-open-outline"))
        self.open_button.clicked.connect(self._on_open_clicked)
        self.copy_button = QPushButton(self.tr("Copy command"))
        self.copy_button.setIcon(icon("mdi6.content-copy"))
        self.copy_button.setToolTip(self.tr("Copy the command that asks it about a picture"))
        self.copy_button.clicked.connect(self._on_copy_clicked)
        self.other_button = QPushButton()
        self.other_button.clicked.connect(self._on_other_clicked)
        self._other: int | None = None
        self._buttons = QWidget()
        line = QHBoxLayout(self._buttons)
        line.setContentsMargins(0, theme.TIGHT, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(self.open_button)
        line.addWidget(self.copy_button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUP, 12, theme.GROUP, 12)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self.text)
        column.addWidget(self.other_button, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._facts)
        column.addWidget(self._buttons)
        self.hide()

    def show_answer(self, answer: ExportedAnswer) -> None:
        """Show a verified export."""
        self._path, self._command = answer.path, run_command(answer)
        self._head("good", self.tr("Verified"))
        self.text.setText(
            self.tr("It was loaded again in a process of its own, and answers as the model does that it was made from.")
        )
        for key, value in {
            "difference": f"{answer.largest_difference:.1e}",
            "batches": ", ".join(map(str, answer.batches)),
            "size": in_bytes(answer.size_bytes),
            "folder": printable(answer.path),
            "command": printable(self._command) or "—",
        }.items():
            self.values[key].setText(value)
        self.other_button.hide()
        self.files.setText(", ".join(_with_size(Path(answer.path) / name) for name in answer.files))
        self._facts.show()
        self._buttons.show()
        self.copy_button.setVisible(bool(self._command))
        self.show()

    def show_failure(self, error: MetaStudioError) -> None:
        """Show why there is no export."""
        self._path = self._command = ""
        self._head("error", str(error.what))
        self._other = error.other_iteration if isinstance(error, IntegrityError) else None
        self.other_button.setVisible(self._other is not None)
        if self._other is not None:
            self.other_button.setText(self.tr("Export that of iteration {n}").format(n=count_text(self._other)))
        todo = "" if self._other is not None else str(error.todo)
        lines = [printable(error.where), error.why, todo, *(f"• {each}" for each in error.problems)]
        self.text.setText("\n".join(filter(None, lines)))
        self._facts.hide()
        self._buttons.hide()
        self.show()

    def _head(self, severity: str, text: str) -> None:
        self._icon.setPixmap(severity_icon(severity).pixmap(_ICON_PX, _ICON_PX))
        self.heading.setText(text)
        self.setAccessibleName(text)

    @Slot()
    def _on_other_clicked(self) -> None:
        if self._other is not None:
            self.other_wanted.emit(self._other)

    @Slot()
    def _on_open_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._path))

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._command)


def _with_size(path: Path) -> str:
    try:
        return f"{printable(path.name)} ({in_bytes(path.stat().st_size)})"
    except OSError:
        return printable(path.name)
