"""Everything that is drawn between the axes of a plot, as one item of its scene."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from metastudio.gui.widgets.curve_canvas import CurveCanvas
from metastudio.gui.widgets.curve_drawing import Frame, Stroke, band_stroke, curve_strokes
from metastudio.gui.widgets.plotted import Band, Curve, Scale


class CurveLayer(QGraphicsItem):
    """Bands and, above them, curves in their order.

    One item that knows pixels, where pyqtgraph has several a curve that each keep their own data, bounds and
    transformations: those took longer than the lines themselves (decision 0061). What is on the screen is kept as
    pixels; into a figure lines are painted as lines.

    Args:
        box: Between the axes; it is the parent, and clips what lies outside.
        curves: Drawn as they are at the moment of painting.
        bands: The same.
        scale: Of the axes.
    """

    def __init__(self, box: pg.ViewBox, curves: Mapping[str, Curve], bands: Mapping[str, Band], scale: Scale) -> None:
        super().__init__(box)
        self._box, self._curves, self._bands, self._scale = box, curves, bands, scale
        self._canvas = CurveCanvas()
        self._is_stale = True
        self.setZValue(-1)  # below the line at the pointer
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        box.sigResized.connect(self._on_resized)
        box.sigRangeChanged.connect(self.draw_on)

    def draw_on(self, *_: object) -> None:
        """Paint what has come since; where more than that is new, all of it."""
        self._is_stale = True
        self.update()

    def draw_anew(self) -> None:
        """Paint everything, whatever is there."""
        self._canvas.forget()
        self.draw_on()

    def strokes(self) -> list[tuple[str, Stroke]]:
        """Return what draws everything, each with the key of its curve or band, in the order of painting."""
        frame = self._frame()
        if frame.is_empty:
            return []
        made = [(key, band_stroke(band, self._scale, frame)) for key, band in self._bands.items()]
        for key, curve in self._curves.items():
            made += [(key, stroke) for stroke in curve_strokes(curve, self._scale, frame)]
        return made

    def _frame(self) -> Frame:
        (x_range, y_range), area = self._box.viewRange(), self._box.rect()
        return Frame(tuple(x_range), tuple(y_range), area.width(), area.height())

    def _on_resized(self, *_: object) -> None:
        self.prepareGeometryChange()
        self.draw_on()

    def boundingRect(self) -> QRectF:
        return self._box.rect()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        try:
            if widget is None:
                for _, stroke in self.strokes():
                    stroke.paint(painter)
            else:
                self._paint_pixels(painter, widget.devicePixelRatioF())
        except Exception:  # noqa: BLE001 -- let out of an item's paint event, it would take the process along
            self._is_stale = False
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]

    def _paint_pixels(self, painter: QPainter, ratio: float) -> None:
        frame, shift = self._frame(), _behind_a_pixel(painter, ratio)
        if frame.is_empty:
            return
        if self._is_stale or not self._canvas.fits(frame, ratio, shift):
            self._canvas.bring_up(self._curves, self._bands, self._scale, frame, ratio=ratio, shift=shift)
            self._is_stale = False
        self._canvas.paint(painter, shift)


def _behind_a_pixel(painter: QPainter, ratio: float) -> QPointF:
    """Return how far behind the beginning of a pixel of the screen a painter stands."""
    stands = painter.worldTransform().map(QPointF(0.0, 0.0))
    x, y = (math.modf(place * ratio)[0] / ratio for place in (stands.x(), stands.y()))
    return QPointF(x, y)
