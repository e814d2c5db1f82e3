"""The fan of inner curves: what each inner step did to each task of one traced iteration."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtWidgets import QSlider, QWidget

from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Curve
from metastudio.gui.wording import count_text
from metastudio.jobs.curves import Curves
from metastudio.runs.events import InnerTrace


class InnerFan(Plot):
    """A line for each task, support solid and query dashed; a slider chooses the iteration, at its end the newest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_tr("Inner loop"), _tr("inner step"), _tr("loss"), parent)
        self._history = Curves()
        self._has_inner_loop = True
        self._follows_newest = True
        self._shown: tuple[int, int] | None = None
        self.traced = QSlider(Qt.Orientation.Horizontal)
        self.traced.setFixedWidth(110)
        self.traced.setAccessibleName(_tr("Iteration of the inner loop"))
        self.traced.setToolTip(_tr("Which traced iteration is shown; at the right end the newest."))
        self.traced.setEnabled(False)
        self.traced.valueChanged.connect(self._on_traced_moved)
        self.traced_text = label("", "caption")
        self.header.insertWidget(1, self.traced)
        self.header.insertWidget(2, self.traced_text)

    def show_history(self, history: Curves, *, has_inner_loop: bool) -> None:
        """Show another run from its newest iteration on; `draw` follows."""
        self._history = history
        self._has_inner_loop = has_inner_loop
        self._follows_newest = True
        self._shown = None

    @property
    def is_stale(self) -> bool:
        """Whether another fan is to be seen than the one that was drawn."""
        return self._chosen(self._history.traced_iterations()) != self._shown

    def draw(self) -> None:
        """Draw the fan of the chosen iteration, where it is another than what is seen."""
        self.offer()
        if not self.is_stale:
            return
        traced = self._history.traced_iterations()
        self._shown = self._chosen(traced)
        if not traced:
            self._show_nothing()
            return
        iteration, _ = self._shown
        tasks = self._history.traces[iteration]
        self.set_message("")
        self.traced_text.setText(_tr("at {iteration}").format(iteration=count_text(iteration)))
        curves = _fan(tasks)
        self.keep_only(set(curves))
        for key, curve in curves.items():
            self.set_curve(key, curve)
        self.set_whole_x(max(len(each.support_losses) for each in tasks.values()))
        self.refresh()

    def _chosen(self, traced: list[int]) -> tuple[int, int]:
        """Return the iteration that is to be seen and how many tasks it has; zeros where there is none."""
        if not traced:
            return 0, 0
        iteration = traced[-1 if self._follows_newest else min(self.traced.value(), len(traced) - 1)]
        return iteration, len(self._history.traces[iteration])

    def draw_anew(self) -> None:
        """Draw it, whatever is seen."""
        self._shown = None
        self.draw()

    def offer(self) -> None:
        """Let the slider reach every traced iteration."""
        count = len(self._history.traces)
        self.traced.blockSignals(True)
        self.traced.setEnabled(count > 1)
        self.traced.setRange(0, max(0, count - 1))
        if self._follows_newest:
            self.traced.setValue(count - 1)
        self.traced.blockSignals(False)

    def _show_nothing(self) -> None:
        self.keep_only(set())
        self.traced_text.setText("")
        text = _tr("One line per task appears with the first traced iteration.")
        if not self._has_inner_loop:
            text = _tr("This method adapts without inner steps: there is no inner loss to show.")
        self.set_message(text)
        self.refresh()

    @Slot(int)
    def _on_traced_moved(self, place: int) -> None:
        self._follows_newest = place == self.traced.maximum()
        self.draw()


def _fan(tasks: dict[int, InnerTrace]) -> dict[str, Curve]:
    """Return the curves of all tasks; the first ones give their names to the legend."""
    curves = {}
    for number, (task, trace) in enumerate(sorted(tasks.items())):
        for kind, title, losses, style in (
            ("support", _tr("support"), trace.support_losses, Qt.PenStyle.SolidLine),
            ("query", _tr("query"), trace.query_losses, Qt.PenStyle.DashLine),
        ):
            if losses:
                steps = np.arange(len(losses), dtype=float)
                name = title if number == 0 else ""
                curve = Curve(steps, np.array(losses, dtype=float), name=name, index=number, style=style, width=1.5)
                curves[f"{kind} {task}"] = curve
    return curves


def _tr(text: str) -> str:
    return QCoreApplication.translate("InnerFan", text)
