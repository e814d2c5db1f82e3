"""The curves of some runs, laid over one another: accuracy on meta-val, and outer loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.linked_plots import LinkedPlots
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plot_bar import PlotBar
from metastudio.gui.widgets.plotted import Curve, with_average
from metastudio.gui.widgets.x_axis import XAxis
from metastudio.gui.wording import accuracy_text
from metastudio.jobs.curves import Curves
from metastudio.runs.run_folder import RunFolder


class RunCurves(QWidget):
    """Two linked plots and their controls; every run has the colour that the table marks it with.

    Attributes:
        accuracy: Validated accuracies with their intervals, the best of each run marked.
        loss: Outer losses.
        bar: How they are seen.
    """

    def __init__(self, settings: StudioSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histories: dict[RunFolder, Curves] = {}
        self._numbers: Mapping[RunFolder, int] = {}
        self._names: Mapping[RunFolder, str] = {}
        iteration = XAxis.ITERATION.caption
        self.accuracy = Plot(self.tr("Accuracy on meta-val"), iteration, "%", has_legend=False)
        self.accuracy.set_axes(iteration, self.tr("accuracy, %"), unit=" %")
        self.accuracy.set_bounds(0.0, 100.0)
        self.loss = Plot(self.tr("Outer loss"), iteration, self.tr("loss"), has_legend=False)
        self.bar = PlotBar(settings)
        self.bar.changed.connect(self._on_bar_changed)
        self.bar.fit_clicked.connect(self._on_fit_clicked)
        self._links = LinkedPlots((self.accuracy, self.loss), self)
        plots = QHBoxLayout()
        plots.setSpacing(theme.GAP)
        plots.addWidget(self.accuracy, 1)
        plots.addWidget(self.loss, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(plots, 1)
        column.addWidget(self.bar)
        self._take_bar()

    def show_runs(self, numbers: Mapping[RunFolder, int], names: Mapping[RunFolder, str]) -> list[RunFolder]:
        """Show these runs, and return those whose histories are not known yet.

        Args:
            numbers: Of the colour and the dashes of each run, in their order.
            names: What each is called.
        """
        if numbers.keys() != self._numbers.keys():
            self.accuracy.fit()
            self.loss.fit()
        self._numbers, self._names = numbers, names
        self._histories = {run: each for run, each in self._histories.items() if run in numbers}
        self._draw()
        return [each for each in numbers if each not in self._histories]

    def add_histories(self, histories: Mapping[RunFolder, Curves]) -> None:
        """Take up what was read of some runs; of those that are no longer shown nothing is kept."""
        self._histories |= {run: each for run, each in histories.items() if run in self._numbers}
        self._draw()

    def forget(self) -> None:
        """Show nothing, and know nothing."""
        self._histories.clear()
        self.show_runs({}, {})

    def _draw(self) -> None:
        keys: set[str] = set()
        for run, number in self._numbers.items():
            if (history := self._histories.get(run)) is not None:
                keys |= self._draw_run(run, history, number)
        for plot in (self.accuracy, self.loss):
            plot.keep_only(keys)
        has_any = any(len(each.validations) for each in self._histories.values())
        self.accuracy.set_message("" if has_any else self.tr("No validation in what is chosen."))
        self.loss.set_message("" if keys else self.tr("Choose a run to see its curves."))
        self.accuracy.refresh()
        self.loss.refresh()

    def _draw_run(self, run: RunFolder, history: Curves, number: int) -> set[str]:
        """Set the curves of one run, and return their keys."""
        key, name, style, axis = run.name, self._names.get(run, run.name), theme.series_dash(number), self.bar.x_axis
        validations = history.validations
        self.accuracy.set_curve(
            key,
            Curve(
                axis.of_validations(history),
                100 * validations.column(1),
                name=name,
                index=number,
                symbol="o",
                style=style,
                spread=100 * validations.column(2),
            ),
        )
        keys = {key, f"{key} raw"}
        if (best := history.best) is not None and len(validations):
            place, height = np.array([axis.of_best(history)]), np.array([100 * best.accuracy])
            star = Curve(place, height, index=number, symbol="star", style=Qt.PenStyle.NoPen, is_exported=False)
            self.accuracy.set_curve(f"{key} best", star)
            keys.add(f"{key} best")
        raw, average = with_average(
            axis.of_steps(history), history.steps.column(1), self.bar.weight, name=name, index=number, style=style
        )
        self.loss.set_curve(f"{key} raw", raw)
        self.loss.set_curve(key, average)
        return keys

    def described(self) -> str:
        """Return the best of each run in words, for those who hear the page."""
        bests = ((run, each.best) for run, each in self._histories.items() if each.best is not None)
        return "; ".join(
            f"{self._names.get(run, run.name)} {accuracy_text(best.accuracy, best.ci95)}"
            for run, best in bests
            if best is not None
        )

    def _take_bar(self) -> None:
        for plot in (self.accuracy, self.loss):
            plot.set_x_axis(self.bar.x_axis)
            plot.set_log(x=self.bar.log_x.isChecked())
        self.loss.set_log(y=self.bar.log_y.isChecked())
        self._links.is_on = self.bar.linked.isChecked()

    @Slot()
    def _on_bar_changed(self) -> None:
        self._take_bar()
        self._draw()

    @Slot()
    def _on_fit_clicked(self) -> None:
        self.accuracy.fit()
        self.loss.fit()


def in_order(chosen: Sequence[RunFolder], before: Sequence[RunFolder], most: int) -> list[RunFolder]:
    """Return what is chosen, at most so many: first what was chosen before, in its order, then what is new."""
    kept = [each for each in before if each in set(chosen)]
    return [*kept, *(each for each in chosen if each not in set(kept))][:most]
