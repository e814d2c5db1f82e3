"""With how many inner steps a try-out adapts, and what each of them did."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.documents.try_out import TryOut
from metastudio.gui.widgets.adaptation_plot import AdaptationPlot
from metastudio.gui.widgets.labels import WrappingLabel, label

_MOST_STEPS_SHOWN = 10


class InnerStepsPanel(QWidget):
    """A slider and the adaptation curve; a sentence instead, for methods that have no inner steps."""

    def __init__(self, try_out: TryOut, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._try_out = try_out
        self.steps = QSlider(Qt.Orientation.Horizontal)
        self.steps.setAccessibleName(self.tr("Inner steps"))
        self.steps.setToolTip(self.tr("Adapt with this many steps; the curve shows what each one did"))
        self.steps.setPageStep(1)
        self.steps.valueChanged.connect(self._on_steps_changed)
        self.steps_text = label("", "quiet")
        self.steps_row = QWidget()
        line = QHBoxLayout(self.steps_row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("Inner steps")))
        line.addWidget(self.steps, 1)
        line.addWidget(self.steps_text)

        self.plot = AdaptationPlot()
        self.no_steps = WrappingLabel(
            self.tr("This method has no inner steps: it looks at the support pictures once."), "caption"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.steps_row)
        column.addWidget(self.plot)
        column.addWidget(self.no_steps)
        try_out.adapted_changed.connect(self._on_adapted_changed)

    def show_run(self) -> None:
        """Begin with as many steps as the run of the try-out takes by default."""
        default = self._try_out.default_steps
        if default is not None:
            self.steps.blockSignals(True)
            self.steps.setRange(0, max(_MOST_STEPS_SHOWN, 2 * default))
            self.steps.setValue(default)
            self.steps.blockSignals(False)
        self._show_steps()

    @Slot(int)
    def _on_steps_changed(self, steps: int) -> None:
        self._try_out.set_inner_steps(steps)
        self._show_steps()

    @Slot()
    def _on_adapted_changed(self) -> None:
        adapted = self._try_out.adapted
        self.plot.show_steps(adapted.losses if adapted else (), adapted.accuracies if adapted else ())

    def _show_steps(self) -> None:
        default = self._try_out.default_steps
        has_steps = default is not None
        self.steps_row.setVisible(has_steps)
        self.plot.setVisible(has_steps)
        self.no_steps.setVisible(not has_steps and self._try_out.run is not None)
        if has_steps and self._try_out.experiment is not None:
            trained = getattr(self._try_out.experiment.algorithm, "inner_steps", default)
            text = self.tr("{steps} (trained with {trained})").format(steps=self.steps.value(), trained=trained)
            self.steps_text.setText(text)
