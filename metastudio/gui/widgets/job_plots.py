"""The four live plots of a run, and the controls below them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.curve_math import Floats, smoothed
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.learned_plot import draw_learned
from metastudio.gui.widgets.plot import Band, Curve, Plot
from metastudio.gui.widgets.redraw_limit import RedrawLimit
from metastudio.gui.wording import accuracy_text, count_text, percent
from metastudio.jobs.curves import Curves

_MOST_SMOOTHING = 99
_ONE_PLOT_EVERY_MS = 50
"""One plot takes some 8 ms to draw: drawn one after another they never hold up the window for longer."""
_SELDOM = 5
"""How many times less often a long run is drawn, at most: each plot once a second."""
_PLOT_PX = 450
_STEP, _LOSS, _ACCURACY, _LOSS_BEFORE, _ACCURACY_BEFORE, _NORM, _LR, _RATE, _MEMORY = range(9)
_AFTER_INDEX, _BEFORE_INDEX, _VALIDATION_INDEX = 0, 5, 2


class SmoothingBar(QWidget):
    """How much curves are smoothed, and whether axes are logarithmic.

    Signals:
        changed(): one of them is another.
        fit_clicked(): show everything.
    """

    changed = Signal()
    fit_clicked = Signal()

    def __init__(self, settings: StudioSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _MOST_SMOOTHING)
        self._slider.setFixedWidth(140)
        self._slider.setAccessibleName(self.tr("Smoothing"))
        self._slider.setToolTip(self.tr("Share of the past in each point; at the left end curves are not smoothed."))
        self._slider.setValue(round(100 * settings.number("plots/smoothing", 0.6, low=0, high=0.99)))
        self._value = label("", "quiet")
        self._value.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.00 "))
        self.log_y = QCheckBox(self.tr("log y"))
        self.log_x = QCheckBox(self.tr("log x"))
        fit = QPushButton(icon("mdi6.fit-to-page-outline"), self.tr("Fit"))
        fit.setToolTip(self.tr("Show everything and follow what comes (double-click in a plot)."))
        fit.clicked.connect(self.fit_clicked)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("smoothing"), "quiet"))
        line.addWidget(self._slider)
        line.addWidget(self._value)
        line.addSpacing(theme.GROUP)
        line.addWidget(self.log_y)
        line.addSpacing(theme.GAP)
        line.addWidget(self.log_x)
        line.addSpacing(theme.GROUP)
        line.addWidget(fit)
        line.addStretch(1)
        self._slider.valueChanged.connect(self._on_slider_changed)
        self.log_y.toggled.connect(self.changed)
        self.log_x.toggled.connect(self.changed)
        self._show_value()

    @property
    def weight(self) -> float:
        """Share of the past in each point, in [0, 0.99]; 0 is off."""
        return self._slider.value() / 100

    @Slot()
    def _on_slider_changed(self) -> None:
        self._settings.keep("plots/smoothing", self.weight)
        self._show_value()
        self.changed.emit()

    def _show_value(self) -> None:
        self._value.setText(f"{self.weight:.2f}" if self.weight else self.tr("off"))


class JobPlots(QWidget):
    """Accuracy before and after adaptation, the inner loop, the outer loss, and how fast and how steep.

    Draws one plot at a time, each of them at most five times a second, and only while it is seen. The longer a run, the
    longer its curves take to grow by a pixel: then they are drawn less often, and training has the processor.
    """

    def __init__(self, settings: StudioSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves = Curves()
        self._limit = RedrawLimit(self, every_ms=_ONE_PLOT_EVERY_MS)
        self._limit.due.connect(self._draw_next)
        self._stale: list[Callable[[], None]] = []
        self._shown_trace: tuple[object, ...] = ()
        iteration = self.tr("iteration")
        self.accuracy = Plot(self.tr("Accuracy"), iteration, self.tr("accuracy, %"))
        self.accuracy.set_axes(iteration, self.tr("accuracy, %"), unit=" %")
        self.accuracy.set_bounds(0.0, 100.0)
        self.inner = Plot(self.tr("Inner loop"), self.tr("inner step"), self.tr("loss"))
        self.outer = Plot(self.tr("Outer loss"), iteration, self.tr("loss"))
        self._iteration = iteration
        self.pace = Plot("", iteration, "")
        self._pace_choice = QComboBox()
        for text in (
            self.tr("Gradient norm"),
            self.tr("Tasks per second"),
            self.tr("Memory, MB"),
            self.tr("Outer learning rate"),
        ):
            self._pace_choice.addItem(text)
        self._paces = self._pace_choice.count()
        self._pace_choice.setAccessibleName(self.tr("What the last plot shows"))
        self._pace_choice.currentIndexChanged.connect(self._on_pace_chosen)
        self.pace.header.insertWidget(0, self._pace_choice)
        self._traced = QSlider(Qt.Orientation.Horizontal)
        self._traced.setFixedWidth(90)
        self._traced.setAccessibleName(self.tr("Iteration of the inner loop"))
        self._traced.setToolTip(self.tr("Which traced iteration is shown; at the right end the newest."))
        self._traced.valueChanged.connect(self._on_traced_moved)
        self._traced.setEnabled(False)
        self._follows_newest = True
        self._traced_text = label("", "caption")
        self.inner.header.insertWidget(1, self._traced)
        self.inner.header.insertWidget(2, self._traced_text)
        self.bar = SmoothingBar(settings)
        self.bar.changed.connect(self._on_bar_changed)
        self.bar.fit_clicked.connect(self._on_fit_clicked)

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
        self._has_inner_loop = has_inner_loop
        self._follows_newest = True
        for plot in (self.accuracy, self.inner, self.outer, self.pace):
            plot.fit()
        self._draw()

    @Slot()
    def request_redraw(self) -> None:
        """Draw what has come since, when its time has come."""
        if self.isVisible():
            plots = (self._draw_accuracy, self._draw_outer, self._draw_inner, self._draw_pace)
            self._stale += [each for each in plots if each not in self._stale]  # those already drawn queue up again
            self._limit.request()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.request_redraw()  # nothing was drawn while it was hidden

    def stop(self) -> None:
        """Draw no more."""
        self._limit.cancel()

    # drawing

    @Slot()
    def _draw_next(self) -> None:
        """Draw one plot; the others follow in their turn."""
        step = self._curves.last_step
        seconds_a_pixel = step.elapsed_s / _PLOT_PX if step is not None else 0.0
        self._limit.every_ms = round(_ONE_PLOT_EVERY_MS * min(max(1.0, _SELDOM * seconds_a_pixel), _SELDOM))
        if self._stale:
            self._stale.pop(0)()
        if self._stale:
            self._limit.request()

    @Slot()
    def _draw(self) -> None:
        """Draw all four now."""
        self._stale = []
        self._shown_trace = ()
        self._draw_accuracy()
        self._draw_outer()
        self._draw_inner()
        self._draw_pace()

    def _draw_accuracy(self) -> None:
        steps, validations = self._curves.steps, self._curves.validations
        x, after, before = steps.column(_STEP), 100 * steps.column(_ACCURACY), 100 * steps.column(_ACCURACY_BEFORE)
        smooth = smoothed(after, self.bar.weight)
        is_traced = np.isfinite(before)
        smooth_before = smoothed(before[is_traced], self.bar.weight)
        plot = self.accuracy
        plot.set_curve(
            "raw", Curve(x, after, index=_AFTER_INDEX, opacity=0.22, width=1.0, is_fitted=not len(validations))
        )
        plot.set_curve(
            "after",
            Curve(
                x, smooth, name=self.tr("after"), index=_AFTER_INDEX, is_average=self.bar.weight > 0, is_exported=False
            ),
        )
        plot.set_curve(
            "before",
            Curve(
                x[is_traced],
                smooth_before,
                name=self.tr("before"),
                index=_BEFORE_INDEX,
                style=Qt.PenStyle.DashLine,
            ),
        )
        if is_traced.any():  # the value of adapting: between the traced iterations "before" is taken to be straight
            first, last = np.flatnonzero(is_traced)[[0, -1]]
            span = x[first : last + 1]
            low = np.interp(span, x[is_traced], smooth_before)
            plot.set_band("value", Band(span, low, smooth[first : last + 1], index=_AFTER_INDEX))
        plot.set_curve(
            "validated",
            Curve(
                validations.column(0),
                100 * validations.column(1),
                name=self.tr("validated"),
                index=_VALIDATION_INDEX,
                symbol="o",
                width=1.2,
                spread=100 * validations.column(2),
            ),
        )
        best = self._curves.best
        if best is not None:
            name = accuracy_text(best.accuracy, best.ci95)
            x_best, y_best = np.array([float(best.iteration)]), np.array([100 * best.accuracy])
            plot.set_curve("best", Curve(x_best, y_best, name=name, index=1, symbol="star", style=Qt.PenStyle.NoPen))
        else:
            plot.keep_only({"raw", "after", "before", "value", "validated"})
        plot.set_message("" if len(x) else self.tr("Appears with the first iteration."))
        plot.refresh()

    def _draw_outer(self) -> None:
        steps, validations = self._curves.steps, self._curves.validations
        x, loss = steps.column(_STEP), steps.column(_LOSS)
        self.outer.set_curve("raw", Curve(x, loss, index=_AFTER_INDEX, opacity=0.22, width=1.0, is_fitted=len(x) < 50))
        self.outer.set_curve(
            "loss",
            Curve(
                x,
                smoothed(loss, self.bar.weight),
                name=self.tr("outer loss"),
                index=_AFTER_INDEX,
                is_average=self.bar.weight > 0,
                is_exported=False,
            ),
        )
        self.outer.set_curve(
            "validated",
            Curve(
                validations.column(0),
                validations.column(5),
                name=self.tr("validated"),
                index=_VALIDATION_INDEX,
                symbol="o",
                width=1.2,
            ),
        )
        self.outer.set_message("" if len(x) else self.tr("Appears with the first iteration."))
        self.outer.refresh()

    def _draw_inner(self) -> None:
        traced = self._curves.traced_iterations()
        self._traced.blockSignals(True)
        self._traced.setEnabled(len(traced) > 1)
        self._traced.setRange(0, max(0, len(traced) - 1))
        if self._follows_newest:
            self._traced.setValue(len(traced) - 1)
        self._traced.blockSignals(False)
        if not traced:
            self.inner.keep_only(set())
            self._traced_text.setText("")
            text = self.tr("One line per task appears with the first traced iteration.")
            if not self._has_inner_loop:
                text = self.tr("This method adapts without inner steps: there is no inner loss to show.")
            self.inner.set_message(text)
            self.inner.refresh()
            return
        iteration = traced[min(self._traced.value(), len(traced) - 1)]
        trace = (iteration, len(self._curves.traces[iteration]))
        if trace == self._shown_trace:
            return
        self._shown_trace = trace
        self.inner.set_message("")
        self._traced_text.setText(self.tr("at {iteration}").format(iteration=count_text(iteration)))
        keys = set()
        for number, (task, trace) in enumerate(sorted(self._curves.traces[iteration].items())):
            for kind, losses in (("support", trace.support_losses), ("query", trace.query_losses)):
                if not losses:
                    continue
                is_support = kind == "support"
                name = (self.tr("support") if is_support else self.tr("query")) if number == 0 else ""
                y: Floats = np.array(losses, dtype=float)
                style = Qt.PenStyle.SolidLine if is_support else Qt.PenStyle.DashLine
                key = f"{kind} {task}"
                self.inner.set_curve(
                    key, Curve(np.arange(len(y), dtype=float), y, name=name, index=number, style=style, width=1.5)
                )
                keys.add(key)
        self.inner.keep_only(keys)
        self.inner.set_whole_x(max(len(each.support_losses) for each in self._curves.traces[iteration].values()))
        self.inner.refresh()

    def _draw_pace(self) -> None:
        self._offer_learned()
        chosen = self._pace_choice.currentText()
        if self._pace_choice.currentIndex() >= self._paces:
            draw_learned(self.pace, self._curves.learned[chosen])
            return
        self.pace.keep_only({"raw", "smooth"})
        self.pace.set_axes(self._iteration, "")
        self.pace.set_whole_x(0)
        steps = self._curves.steps
        column, scale, index = ((_NORM, 1.0, 3), (_RATE, 1.0, 2), (_MEMORY, 1e-6, 4), (_LR, 1.0, 1))[
            self._pace_choice.currentIndex()
        ]
        x, y = steps.column(_STEP), steps.column(column) * scale
        is_smooth = column in {_NORM, _RATE}
        weight = self.bar.weight if is_smooth else 0.0
        self.pace.set_curve("raw", Curve(x, y, index=index, opacity=0.22, width=1.0, is_fitted=False))
        line = smoothed(y, weight)
        smooth = Curve(x, line, name=chosen.lower(), index=index, is_average=weight > 0, is_exported=False)
        self.pace.set_curve("smooth", smooth)
        self.pace.set_message("" if len(x) else self.tr("Appears with the first iteration."))
        self.pace.refresh()

    def _offer_learned(self) -> None:
        """Offer what this method learns beside the weights, below what every run has."""
        titles = list(self._curves.learned)
        choice = self._pace_choice
        if titles == [choice.itemText(row) for row in range(self._paces, choice.count())]:
            return
        chosen = choice.currentText()
        choice.blockSignals(True)
        while choice.count() > self._paces:
            choice.removeItem(self._paces)
        choice.addItems(titles)
        choice.setCurrentIndex(max(0, choice.findText(chosen)))
        choice.blockSignals(False)

    # controls

    @Slot()
    def _on_bar_changed(self) -> None:
        for plot in (self.accuracy, self.outer, self.pace):
            plot.set_log(x=self.bar.log_x.isChecked())
        for plot in (self.outer, self.pace, self.inner):
            plot.set_log(y=self.bar.log_y.isChecked())
        self._draw()

    @Slot()
    def _on_fit_clicked(self) -> None:
        for plot in (self.accuracy, self.inner, self.outer, self.pace):
            plot.fit()

    @Slot()
    def _on_pace_chosen(self) -> None:
        self.pace.fit()
        self._draw_pace()

    @Slot(int)
    def _on_traced_moved(self, place: int) -> None:
        self._follows_newest = place == self._traced.maximum()
        self._draw_inner()

    def summary(self) -> str:
        """Return the newest numbers as a sentence, for those who hear the page."""
        step = self._curves.last_step
        if step is None:
            return ""
        return self.tr("loss {loss}, accuracy before adaptation {before}, after {after}").format(
            loss=f"{step.loss:.3g}", before=percent(step.accuracy_before), after=percent(step.accuracy)
        )
