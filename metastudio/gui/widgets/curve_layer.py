"""Everything that is drawn between the axes of a plot, as one item of its scene."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from metastudio.gui.widgets.curve_drawing import Frame, Stroke, band_stroke, curve_strokes
from metastudio.gui.widgets.plotted import Band, Curve, Scale


class CurveLayer(QGraphicsItem):
    """Bands and, above them, curves in their order.

    One item that knows pixels, where pyqtgraph has several a curve that each keep their own data, bounds and
    transformations: those took five times as long as the lines themselves (decision 0061). Strokes are made when they
    are painted, for the ranges and the size of that moment.

    Args:
        box: Between the axes; it is the parent, and clips what lies outside.
        curves: Drawn as they are at that moment.
        bands: The same.
        scale: Of the axes.
    """

    def __init__(self, box: pg.ViewBox, curves: Mapping[str, Curve], bands: Mapping[str, Band], scale: Scale) -> None:
        super().__init__(box)
        self._box, self._curves, self._bands, self._scale = box, curves, bands, scale
        self._strokes: list[tuple[str, Stroke]] | None = None
        self.setZValue(-1)  # below the line at the pointer
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        box.sigResized.connect(self._on_resized)
        box.sigRangeChanged.connect(self.draw_anew)

    def draw_anew(self, *_: object) -> None:
        """Forget what was drawn: curves, ranges or colours are others."""
        self._strokes = None
        self.update()

    def strokes(self) -> list[tuple[str, Stroke]]:
        """Return what is painted, each with the key of its curve or band, in the order of painting."""
        if self._strokes is None:
            self._strokes = self._made()
        return self._strokes

    def _made(self) -> list[tuple[str, Stroke]]:
        (x_range, y_range), area = self._box.viewRange(), self._box.rect()
        frame = Frame(tuple(x_range), tuple(y_range), area.width(), area.height())
        if frame.is_empty:
            return []
        made = [(key, band_stroke(band, self._scale, frame)) for key, band in self._bands.items()]
        for key, curve in self._curves.items():
            made += [(key, stroke) for stroke in curve_strokes(curve, self._scale, frame)]
        return made

    def _on_resized(self, *_: object) -> None:
        self.prepareGeometryChange()
        self.draw_anew()

    def boundingRect(self) -> QRectF:
        return self._box.rect()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        try:
            strokes = self.strokes()
        except Exception:  # noqa: BLE001 -- let out of an item's paint event, it would take the process along
            self._strokes = strokes = []
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        for _, stroke in strokes:
            stroke.paint(painter)
