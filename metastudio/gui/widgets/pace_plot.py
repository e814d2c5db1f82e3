"""What else there is to see of a run, on demand: gradient norm, pace, memory, learning rate, what the method learns."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from metastudio.gui.widgets.learned_plot import draw_learned
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import with_average
from metastudio.gui.widgets.x_axis import XAxis
from metastudio.jobs.curves import Curves

_NORM, _LR, _RATE, _MEMORY = 5, 6, 7, 8
_MEGABYTE = 1e-6


class PacePlot(Plot):
    """One plot with a choice of what it shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", XAxis.ITERATION.caption, "", parent)
        self._history = Curves()
        self._x_kind = XAxis.ITERATION
        self._weight = 0.0
        self._columns = (  # title, column of the steps, factor, colour, whether it is smoothed
            (_tr("Gradient norm"), _NORM, 1.0, 3, True),
            (_tr("Tasks per second"), _RATE, 1.0, 2, True),
            (_tr("Memory, MB"), _MEMORY, _MEGABYTE, 4, False),
            (_tr("Outer learning rate"), _LR, 1.0, 1, False),
        )
        self.choice = QComboBox()
        self.choice.addItems([each[0] for each in self._columns])
        self.choice.setAccessibleName(_tr("What the last plot shows"))
        self.choice.currentIndexChanged.connect(self._on_chosen)
        self.header.insertWidget(0, self.choice)

    def title(self) -> str:
        """Return what is chosen: it stands above the figure."""
        return self.choice.currentText()

    def show_history(self, history: Curves) -> None:
        """Show another run; `draw` follows."""
        self._history = history

    def set_look(self, x_axis: XAxis, weight: float) -> None:
        """Say what runs along x, and how much is smoothed; `draw` follows."""
        self._x_kind, self._weight = x_axis, weight

    def draw(self) -> None:
        """Draw what is chosen."""
        self._offer_learned()
        if self.choice.currentIndex() >= len(self._columns):
            self.set_x_axis(XAxis.ITERATION)
            draw_learned(self, self._history.learned[self.choice.currentText()])
            return
        self.keep_only({"raw", "smooth"})
        self.set_x_axis(self._x_kind)
        self.set_axes(self._x_kind.caption, "")
        self.set_whole_x(0)
        title, column, factor, index, is_smoothed = self._columns[self.choice.currentIndex()]
        x, y = self._x_kind.of_steps(self._history), self._history.steps.column(column) * factor
        weight = self._weight if is_smoothed else 0.0
        raw, smooth = with_average(x, y, weight, name=title.lower(), index=index)
        self.set_curve("raw", raw)
        self.set_curve("smooth", smooth)
        self.set_message("" if len(x) else _tr("Appears with the first iteration."))
        self.refresh()

    def _offer_learned(self) -> None:
        """Offer what this method learns beside the weights, below what every run has."""
        titles, choice, first = list(self._history.learned), self.choice, len(self._columns)
        if titles == [choice.itemText(row) for row in range(first, choice.count())]:
            return
        chosen = choice.currentText()
        choice.blockSignals(True)
        while choice.count() > first:
            choice.removeItem(first)
        choice.addItems(titles)
        choice.setCurrentIndex(max(0, choice.findText(chosen)))
        choice.blockSignals(False)

    @Slot()
    def _on_chosen(self) -> None:
        self.fit()
        self.draw()


def _tr(text: str) -> str:
    return QCoreApplication.translate("PacePlot", text)
