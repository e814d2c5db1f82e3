"""How many iterations more a finished job should train, and what becomes of its outer learning rate."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TrainingSpec
from metastudio.gui import theme
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.gui.wording import count_text

_MOST = 10_000_000


class ExtendDialog(QDialog):
    """Asks for a number of iterations.

    Signals:
        taken(object): the number.
    """

    taken = Signal(object)

    def __init__(self, training: TrainingSpec, reached: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Extend"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self._reached = reached
        self.count = spin_box(1, max(1, _MOST - reached), suffix=self.tr(" iterations"))
        self.count.setValue(max(1, reached // 2))
        self.count.setAccessibleName(self.tr("Iterations more"))
        self.count.valueChanged.connect(self._show_total)
        self._total = label("", "quiet")
        line = QHBoxLayout()
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("Train for")))
        line.addWidget(self.count)
        line.addWidget(self._total)
        line.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        take = buttons.button(QDialogButtonBox.StandardButton.Ok)
        take.setText(self.tr("Queue it"))
        theme.set_role(take, "primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        intro = self.tr(
            "A new run goes on from the last checkpoint, with its optimiser and its curves. "
            "The finished run stays as it is."
        )
        column.addWidget(WrappingLabel(intro, "quiet"))
        column.addLayout(line)
        column.addWidget(WrappingLabel(self._about_the_rate(training), "quiet"))
        column.addWidget(buttons)
        self._show_total()

    def accept(self) -> None:
        """Give the number away."""
        self.taken.emit(self.count.value())
        super().accept()

    def _about_the_rate(self, training: TrainingSpec) -> str:
        if training.schedule in {"linear", "cosine"}:
            return self.tr(
                "The outer learning rate fell to zero at the end. It rises again to where it would be at this "
                "iteration of a run of the new length, and falls to zero once more: the loss may rise for a while."
            )
        return self.tr("The outer learning rate goes on as if the run had been this long from the start.")

    @Slot()
    def _show_total(self) -> None:
        total = count_text(self._reached + self.count.value())
        self._total.setText(self.tr("more, to iteration {total}").format(total=total))
