"""What happens when training ends: which target tasks are adapted to, and what is exported of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExportFormat, TargetTask
from metastudio.gui import theme
from metastudio.gui.forms.editors import ChoicesEdit
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.wording import counted


class AtTheEnd(QWidget):
    """Check boxes for the target tasks of the project and the formats of their exports.

    Signals:
        selection_changed(): a task was taken or left out.
        exports_changed(object): the formats a person wants, a tuple.
    """

    selection_changed = Signal()
    exports_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._targets: tuple[TargetTask, ...] = ()
        self._left_out: set[str] = set()
        self.boxes: list[QCheckBox] = []
        self._none = WrappingLabel(
            self.tr("No target tasks yet. Assemble one on the Tasks page and it is adapted to and exported by itself."),
            "caption",
        )
        self._format_title = label(self.tr("Export each as"), "caption")
        titles = {
            "checkpoint": self.tr("Checkpoint, to go on from"),
            "adapted": self.tr("Adapted model (.pt2)"),
            "onnx": self.tr("ONNX, for other programs"),
        }
        self.formats = ChoicesEdit(get_args(ExportFormat), titles)
        self.formats.setAccessibleName(self.tr("Export each target task as"))
        self.formats.edited.connect(self.exports_changed)
        self._tasks = QVBoxLayout()
        self._tasks.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(label(self.tr("At the end, adapt to"), "section"))
        column.addWidget(self._none)
        column.addLayout(self._tasks)
        column.addWidget(self._format_title)
        column.addWidget(self.formats)
        self.set_targets(())

    def set_targets(self, targets: Sequence[TargetTask]) -> None:
        """Show the target tasks; those that were left out stay left out."""
        self._targets = tuple(targets)
        for box in self.boxes:
            self._tasks.removeWidget(box)
            box.setParent(None)
            box.deleteLater()
        self.boxes = []
        for target in self._targets:
            pictures = sum(len(each.support) for each in target.classes)
            classes = counted(len(target.classes), self.tr("1 class"), self.tr("{count} classes"))
            facts = f"{classes}, " + counted(pictures, self.tr("1 picture"), self.tr("{count} pictures"))
            box = QCheckBox(target.name)
            box.setToolTip(facts)
            box.setAccessibleName(f"{target.name}, {facts}")
            box.setChecked(target.name not in self._left_out)
            box.clicked.connect(self._on_box_clicked)
            self._tasks.addWidget(box)
            self.boxes.append(box)
        self._none.setVisible(not targets)
        self._format_title.setVisible(bool(targets))
        self.formats.setVisible(bool(targets))

    def chosen(self) -> tuple[TargetTask, ...]:
        """Return the target tasks that are adapted to when training ends."""
        return tuple(each for each in self._targets if each.name not in self._left_out)

    @Slot()
    def _on_box_clicked(self) -> None:
        shown = {target.name for target in self._targets}
        off = {target.name for target, box in zip(self._targets, self.boxes, strict=True) if not box.isChecked()}
        self._left_out = (self._left_out - shown) | off
        self.selection_changed.emit()
