"""The adaptation curve: loss and accuracy on the support pictures, before the first and after every inner step."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QWidget

from metastudio.gui.widgets.plot import Plot
from metastudio.gui.widgets.plotted import Curve


class AdaptationPlot(Plot):
    """Two lines over the inner steps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_tr("Adaptation"), _tr("inner step"), "", parent)
        self.set_bounds(0.0, None)
        self.show_steps((), ())

    def show_steps(self, losses: tuple[float, ...], accuracies: tuple[float, ...]) -> None:
        """Show how adapting went; both empty for methods without an inner loop, or before anything was adapted."""
        curves = {
            "loss": Curve(_steps(losses), np.asarray(losses, float), self.tr("loss"), index=0, symbol="o"),
            "accuracy": Curve(
                _steps(accuracies),
                np.asarray(accuracies, float),
                self.tr("accuracy"),
                index=1,
                style=Qt.PenStyle.DashLine,
                symbol="o",
            ),
        }
        waiting = _tr("The curve appears when the model has adapted to pictures of two classes or more.")
        self.set_message("" if len(losses) else waiting)
        self.keep_only({key for key, curve in curves.items() if len(curve.x)})
        for key, curve in curves.items():
            if len(curve.x):
                self.set_curve(key, curve)
        self.refresh()


def _tr(text: str) -> str:
    return QCoreApplication.translate("AdaptationPlot", text)


def _steps(values: tuple[float, ...]) -> np.ndarray:
    return np.arange(len(values), dtype=float)
