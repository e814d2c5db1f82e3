"""Plots over the same x: where one is zoomed the others show the same part; where one is pointed at, all mark it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QObject, Slot

from metastudio.gui.widgets.plot import Plot


class LinkedPlots(QObject):
    """Links those of some plots that have the same along their x axes at that moment.

    Attributes:
        is_on: Whether they are linked at present.
    """

    def __init__(self, plots: Sequence[Plot], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_on = True
        self._plots = tuple(plots)
        for plot in plots:
            plot.x_zoomed.connect(self._on_x_zoomed)
            plot.fitted.connect(self._on_fitted)
            plot.hovered.connect(self._on_hovered)

    def _others(self) -> Iterator[Plot]:
        origin = self.sender()
        if self.is_on and isinstance(origin, Plot):
            yield from (each for each in self._plots if each is not origin and each.x_title == origin.x_title)

    @Slot(float, float)
    def _on_x_zoomed(self, low: float, high: float) -> None:
        for plot in self._others():
            plot.show_x(low, high)

    @Slot()
    def _on_fitted(self) -> None:
        for plot in self._others():
            plot.fit()

    @Slot(object)
    def _on_hovered(self, place: float | None) -> None:
        for plot in self._others():
            plot.show_hover_line(place)
