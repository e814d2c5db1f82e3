"""The four live plots of a run, and the controls below them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.drawing_rounds import DrawingRounds
from metastudio.gui.widgets.inner_fan import InnerFan
from metastudio.gui.widgets.linked_plots import LinkedPlots
from metastudio.gui.widgets.pace_plot import PacePlot
from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plot_bar import PlotBar
from metastudio.gui.widgets.plotted import Band, Curve, with_average
from metastudio.gui.widgets.redraw_limit import DrawingBudget
from metastudio.gui.widgets.x_axis import XAxis
from metastudio.gui.wording import accuracy_text, percent
from metastudio.jobs.curves import Curves

_LEAST_APART_MS, _MOST_APART_MS = 80.0, 800.0
_PLOT_PX, _PIXEL_SHARE = 450, 0.8
"""The longer a run, the longer its curves take to grow by a pixel: they are drawn about once a pixel."""
_DRAWING_SHARE, _ROUND_S = 0.06, 0.04
"""Of the time of the window's thread, however fast events come; a round of four plots is drawn without a wait."""
_LOSS, _ACCURACY, _ACCURACY_BEFORE = 1, 2, 4
_AFTER_INDEX, _BEFORE_INDEX, _VALIDATION_INDEX = 0, 5, 2
_BAND_POINTS = 20_000
"""An area needs no more."""
_FEW_STEPS = 50
"""So early the average says little: the axis shows all of the raw line."""


class JobPlots(QWidget):
    """Accuracy before and after adaptation, the inner loop, the outer loss, and how fast and how steep.

    Draws them in rounds of short steps, only while they are seen, and never takes more than a small share of the
    window's time; a long run is drawn less often, and training has the processor.
    """

    def __init__(self, settings: StudioSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves = Curves()
        self._budget = DrawingBudget(_DRAWING_SHARE, _ROUND_S)
        self.rounds = DrawingRounds(self._begin_round, self._budget, self)
        self._painting_s = 0.0
        self._is_empty = self._is_drawn_whole = True
        iteration = XAxis.ITERATION.caption
        self.accuracy = Plot(self.tr("Accuracy"), iteration, self.tr("accuracy, %"))
        self.accuracy.set_axes(iteration, self.tr("accuracy, %"), unit=" %")
        self.accuracy.set_bounds(0.0, 100.0)
        self.inner = InnerFan()
        self.outer = Plot(self.tr("Outer loss"), iteration, self.tr("loss"))
        self.pace = PacePlot()
        self._all = (self.accuracy, self.outer, self.inner, self.pace)
        self.bar = PlotBar(settings)
        self.bar.changed.connect(self._on_bar_changed)
        self.bar.fit_clicked.connect(self._on_fit_clicked)
        self.links = LinkedPlots((self.accuracy, self.outer, self.pace), self)
        self._take_bar()

        grid = QGridLayout()
        grid.setSpacing(theme.GAP)
        grid.addWidget(self.accuracy, 0, 0)
        grid.addWidget(self.inner, 0, 1)
        grid.addWidget(self.outer, 1, 0)
        grid.addWidget(self.pace, 1, 1)
        for place in (0, 1):
            grid.setRowStretch(place, 1)
            grid.setColumnStretch(place, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(grid, 1)
        column.addWidget(self.bar)

    def show_curves(self, curves: Curves, *, has_inner_loop: bool = True) -> None:
        """Show another run."""
        self._curves = curves
        self.inner.show_history(curves, has_inner_loop=has_inner_loop)
        self.pace.show_history(curves)
        for plot in self._all:
            plot.fit()
        self._draw()

    @Slot()
    def request_redraw(self) -> None:
        """Draw what has come since, when its time has come; what comes into empty plots is drawn at once."""
        if self.isVisible() and self._is_empty and len(self._curves.steps):
            self._draw()
        elif self.isVisible():
            self.rounds.request()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.request_redraw()  # nothing was drawn while it was hidden

    def stop(self) -> None:
        """Draw no more."""
        self.rounds.cancel()

    # drawing

    def _begin_round(self) -> Iterator[Generator[None]]:
        """Yield what draws each plot that is to be drawn, in short steps."""
        self._charge_painting()
        step = self._curves.last_step
        pixel_s = step.elapsed_s / _PLOT_PX if step is not None else 0.0
        self.rounds.apart_ms = min(max(_LEAST_APART_MS, 1000 * _PIXEL_SHARE * pixel_s), _MOST_APART_MS)
        yield self._drawn(self.outer, self._set_outer, self.outer.refresh)
        yield self._drawn(self.accuracy, self._set_accuracy, self.accuracy.refresh)
        self.inner.offer()
        if self.inner.is_stale:
            yield self._drawn(self.inner, self.inner.draw)
        yield self._drawn(self.pace, self.pace.draw)

    def _drawn(self, plot: Plot, *draw: Callable[[], None]) -> Generator[None]:
        """Compute and draw a plot, then its axes, which take as long as all curves, then let it be painted."""
        canvas = plot.view.viewport()
        canvas.setUpdatesEnabled(False)
        try:
            for each in (*draw, plot.prepare_axes):
                each()
                yield
        finally:
            if isValid(canvas):  # the window may be gone before a round that it broke off
                canvas.setUpdatesEnabled(True)
        yield

    def _charge_painting(self) -> None:
        """Count what painting the plots has cost since the last round."""
        painting_s = sum(each.view.painting_s for each in self._all)
        if not self._is_drawn_whole:  # that costs many times what the next point does, and comes once
            self._budget.charge(painting_s - self._painting_s)
        self._painting_s, self._is_drawn_whole = painting_s, False

    @Slot()
    def _draw(self) -> None:
        """Draw all four now."""
        self.rounds.cancel()
        self._is_empty, self._is_drawn_whole = not len(self._curves.steps), True
        self._set_accuracy()
        self.accuracy.refresh()
        self._set_outer()
        self.outer.refresh()
        self.inner.draw_anew()
        self.pace.draw()

    def _set_accuracy(self) -> None:
        history, axis, weight, plot = self._curves, self.bar.x_axis, self.bar.weight, self.accuracy
        x, validations = axis.of_steps(history), history.validations
        after, before = 100 * history.steps.column(_ACCURACY), 100 * history.steps.column(_ACCURACY_BEFORE)
        raw, average = with_average(
            x, after, weight, name=self.tr("after"), index=_AFTER_INDEX, is_raw_fitted=not len(validations)
        )
        plot.set_curve("raw", raw)
        plot.set_curve("after", average)
        is_traced = np.isfinite(before)
        _, average_before = with_average(
            x[is_traced],
            before[is_traced],
            weight,
            name=self.tr("before"),
            index=_BEFORE_INDEX,
            style=Qt.PenStyle.DashLine,
        )
        average_before.is_average = False  # of traced iterations there are few: each is drawn
        plot.set_curve("before", average_before)
        if is_traced.any():  # the value of adapting: between the traced iterations "before" is taken to be straight
            first, last = np.flatnonzero(is_traced)[[0, -1]]
            part = slice(first, last + 1, 1 + (last - first) // _BAND_POINTS)
            low = np.interp(x[part], x[is_traced], average_before.y)
            plot.set_band("value", Band(x[part], low, average.y[part], index=_AFTER_INDEX))
        else:
            plot.keep_only({"raw", "after", "before", "validated", "best"})
        plot.set_curve(
            "validated",
            Curve(
                axis.of_validations(history),
                100 * validations.column(1),
                name=self.tr("validated"),
                index=_VALIDATION_INDEX,
                symbol="o",
                width=1.2,
                spread=100 * validations.column(2),
            ),
        )
        best = history.best
        if best is not None and len(validations):
            name = accuracy_text(best.accuracy, best.ci95)
            place, height = np.array([axis.of_best(history)]), np.array([100 * best.accuracy])
            star = Curve(place, height, name=name, index=1, symbol="star", style=Qt.PenStyle.NoPen)
            plot.set_curve("best", star)
        else:
            plot.keep_only({"raw", "after", "before", "value", "validated"})
        plot.set_message("" if len(x) else self.tr("Appears with the first iteration."))

    def _set_outer(self) -> None:
        history, axis = self._curves, self.bar.x_axis
        x, loss = axis.of_steps(history), history.steps.column(_LOSS)
        raw, average = with_average(
            x,
            loss,
            self.bar.weight,
            name=self.tr("outer loss"),
            index=_AFTER_INDEX,
            is_raw_fitted=len(x) < _FEW_STEPS,
        )
        self.outer.set_curve("raw", raw)
        self.outer.set_curve("loss", average)
        self.outer.set_curve(
            "validated",
            Curve(
                axis.of_validations(history),
                history.validations.column(5),
                name=self.tr("validated"),
                index=_VALIDATION_INDEX,
                symbol="o",
                width=1.2,
            ),
        )
        self.outer.set_message("" if len(x) else self.tr("Appears with the first iteration."))

    # controls

    def _take_bar(self) -> None:
        """Let the plots be seen as the bar says."""
        for plot in (self.accuracy, self.outer):
            plot.set_x_axis(self.bar.x_axis)
        self.pace.set_look(self.bar.x_axis, self.bar.weight)
        for plot in (self.accuracy, self.outer, self.pace):
            plot.set_log(x=self.bar.log_x.isChecked())
        for plot in (self.outer, self.pace, self.inner):
            plot.set_log(y=self.bar.log_y.isChecked())
        self.links.is_on = self.bar.linked.isChecked()

    @Slot()
    def _on_bar_changed(self) -> None:
        self._take_bar()
        self._draw()

    @Slot()
    def _on_fit_clicked(self) -> None:
        for plot in self._all:
            plot.fit()

    def summary(self) -> str:
        """Return the newest numbers as a sentence, for those who hear the page."""
        step = self._curves.last_step
        if step is None:
            return ""
        return self.tr("loss {loss}, accuracy before adaptation {before}, after {after}").format(
            loss=f"{step.loss:.3g}", before=percent(step.accuracy_before), after=percent(step.accuracy)
        )
