"""The line of controls below plots: smoothing, what runs along x, logarithms, links, fit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QSlider, QWidget

from metastudio.gui import theme
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.x_axis import XAxis

_MOST_SMOOTHING = 99
_AROUND_TEXT_PX = 48


class PlotBar(QWidget):
    """How the curves of a page are seen; what is chosen is kept for the next start, logarithms are not.

    Attributes:
        log_x: Whether x is logarithmic; a time of day never is.
        log_y: Whether y is.
        linked: Whether plots over the same x are moved together.

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
        self._slider.setMinimumWidth(70)
        self._slider.setMaximumWidth(140)
        self._slider.setAccessibleName(self.tr("Smoothing"))
        self._slider.setToolTip(self.tr("Share of the past in each point; at the left end curves are not smoothed."))
        self._slider.setValue(round(100 * settings.number("plots/smoothing", 0.6, low=0, high=0.99)))
        self._value = label("", "quiet")
        self._value.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.00 "))
        self._x_choice = QComboBox()
        self._x_choice.setAccessibleName(self.tr("What runs along the x axis"))
        self._x_choice.setToolTip(self.tr("What runs along the x axis: counts, time spent training, or the clock."))
        for kind in XAxis:
            self._x_choice.addItem(kind.caption, kind.value)
        self._x_choice.setCurrentIndex(max(0, self._x_choice.findData(settings.text("plots/x_axis", ""))))
        widest = max(self.fontMetrics().horizontalAdvance(kind.caption) for kind in XAxis)
        self._x_choice.setMinimumWidth(widest + _AROUND_TEXT_PX)
        self.log_y = QCheckBox(self.tr("log y"))
        self.log_x = QCheckBox(self.tr("log x"))
        self.linked = QCheckBox(self.tr("linked"))
        self.linked.setToolTip(self.tr("Zoom into one plot, and the others show the same part of the x axis."))
        self.linked.setChecked(settings.flag("plots/linked", True))
        fit = QPushButton(icon("mdi6.fit-to-page-outline"), self.tr("Fit"))
        fit.setToolTip(self.tr("Show everything and follow what comes (double-click in a plot, or Home)."))
        fit.clicked.connect(self.fit_clicked)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("smoothing"), "quiet"))
        line.addWidget(self._slider, 1)
        line.addWidget(self._value)
        line.addSpacing(theme.GAP)
        line.addWidget(label(self.tr("x"), "quiet"))
        line.addWidget(self._x_choice)
        for box in (self.log_x, self.log_y, self.linked):
            line.addWidget(box)
        line.addSpacing(theme.GAP)
        line.addWidget(fit)
        line.addStretch(1)
        self._slider.valueChanged.connect(self._on_slider_changed)
        self._x_choice.currentIndexChanged.connect(self._on_x_chosen)
        for box in (self.log_x, self.log_y):
            box.toggled.connect(self.changed)
        self.linked.toggled.connect(self._on_linked_toggled)
        self._show_value()
        self._show_log_x()

    @property
    def weight(self) -> float:
        """Share of the past in each point, in [0, 0.99]; 0 is off."""
        return self._slider.value() / 100

    @property
    def x_axis(self) -> XAxis:
        """What runs along the x axis."""
        return XAxis(self._x_choice.currentData())

    @Slot()
    def _on_slider_changed(self) -> None:
        self._settings.keep("plots/smoothing", self.weight)
        self._show_value()
        self.changed.emit()

    @Slot()
    def _on_x_chosen(self) -> None:
        self._settings.keep("plots/x_axis", self.x_axis.value)
        self._show_log_x()
        self.changed.emit()

    @Slot(bool)
    def _on_linked_toggled(self, is_linked: bool) -> None:
        self._settings.keep("plots/linked", is_linked)
        self.changed.emit()

    def _show_value(self) -> None:
        self._value.setText(f"{self.weight:.2f}" if self.weight else self.tr("off"))

    def _show_log_x(self) -> None:
        has_logarithm = self.x_axis is not XAxis.WALL
        self.log_x.setEnabled(has_logarithm)
        self.log_x.setToolTip("" if has_logarithm else self.tr("A time of day has no logarithm."))
        if not has_logarithm:
            self.log_x.blockSignals(True)
            self.log_x.setChecked(False)
            self.log_x.blockSignals(False)
