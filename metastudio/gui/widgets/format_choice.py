"""Which format an export shall have."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExportFormat
from metastudio.gui import theme
from metastudio.gui.widgets.labels import WrappingLabel

_INDENT_PX = 24


class FormatChoice(QWidget):
    """One button for each format, with what it is for below it.

    Signals:
        changed(): another format is chosen.

    Attributes:
        buttons: The button of each format.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[ExportFormat, QRadioButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        for kind, (title, text) in self._texts().items():
            button = QRadioButton(title)
            button.setChecked(kind == "adapted")
            button.setAccessibleDescription(text)
            button.clicked.connect(self.changed)
            self.buttons[kind] = button
            indented = QHBoxLayout()
            indented.setContentsMargins(_INDENT_PX, 0, 0, 0)
            indented.addWidget(WrappingLabel(text, "caption"))
            column.addWidget(button)
            column.addLayout(indented)

    @property
    def chosen(self) -> ExportFormat:
        """The chosen format."""
        return next(kind for kind, button in self.buttons.items() if button.isChecked())

    def _texts(self) -> dict[ExportFormat, tuple[str, str]]:
        return {
            "adapted": (
                self.tr("Adapted model"),
                self.tr(
                    "A folder that tells the classes of one task apart: .pt2, safetensors, and a predict.py that "
                    "needs nothing but torch and Pillow."
                ),
            ),
            "onnx": (
                self.tr("ONNX"),
                self.tr("The same adapted model for other programs and languages, for any number of pictures at once."),
            ),
            "checkpoint": (
                self.tr("Checkpoint"),
                self.tr("What was learned, before it is adapted to any task: to go on from, or to adapt elsewhere."),
            ),
        }
