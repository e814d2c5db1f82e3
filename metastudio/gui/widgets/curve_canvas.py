"""What was painted of some curves, kept as pixels: what grows behind their last points is painted onto it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPixmap

from metastudio.gui.widgets.curve_drawing import Frame, Stroke, band_stroke, curve_strokes
from metastudio.gui.widgets.plotted import Band, Curve, End, Scale


class CurveCanvas:
    """Pixels of the area between the axes.

    A point more costs a few pixels then, where all lines anew cost milliseconds of the window's thread (decision 0061).
    """

    def __init__(self) -> None:
        self._pixels: QPixmap | None = None
        self._place: tuple[object, ...] = ()
        self._ends: dict[str, End] = {}
        self._smooth: dict[str, bool] = {}

    def forget(self) -> None:
        """Begin anew with the next painting."""
        self._pixels = None

    def fits(self, frame: Frame, ratio: float, shift: QPointF) -> bool:
        """Whether the pixels are those of this place."""
        return self._pixels is not None and self._place == (frame, ratio, shift.x(), shift.y())

    def bring_up(
        self,
        curves: Mapping[str, Curve],
        bands: Mapping[str, Band],
        scale: Scale,
        frame: Frame,
        *,
        ratio: float,
        shift: QPointF,
    ) -> None:
        """Paint what is not there yet.

        Args:
            curves: Above the bands, in their order.
            bands: Below the curves.
            scale: Of the axes.
            frame: Of the area.
            ratio: Pixels of the screen for one of the window's.
            shift: How far behind a pixel of the screen the area begins.
        """
        shown = {**{f"band {key}": each for key, each in bands.items()}, **curves}
        ends = {key: each.end() for key, each in shown.items()}
        if self._pixels is None or not self.fits(frame, ratio, shift) or not self._is_grown(ends):
            self._place, self._smooth = (frame, ratio, shift.x(), shift.y()), {}
            size = QSizeF(frame.width + 1, frame.height + 1) * ratio
            self._pixels = QPixmap(math.ceil(size.width()), math.ceil(size.height()))
            self._pixels.setDevicePixelRatio(ratio)
            self._pixels.fill(Qt.GlobalColor.transparent)
            strokes = self._whole(shown, scale, frame)
        else:
            strokes = self._grown(shown, ends, scale, frame)
        painter = QPainter(self._pixels)
        painter.translate(shift)
        for each in strokes:
            each.paint(painter)
        painter.end()
        self._ends = ends

    def paint(self, painter: QPainter, shift: QPointF) -> None:
        """Copy the pixels to where the painter stands."""
        if self._pixels is not None:
            painter.drawPixmap(-shift, self._pixels)

    def _is_grown(self, ends: dict[str, End]) -> bool:
        """Whether all that is to be seen is what was painted, drawn on."""
        return list(ends) == list(self._ends) and all(end.follows(self._ends[key]) for key, end in ends.items())

    def _whole(self, shown: Mapping[str, Curve | Band], scale: Scale, frame: Frame) -> Iterator[Stroke]:
        for key, each in shown.items():
            for stroke in _strokes(each, scale, frame):
                self._smooth.setdefault(key, stroke.is_smooth)
                yield stroke

    def _grown(
        self, shown: Mapping[str, Curve | Band], ends: dict[str, End], scale: Scale, frame: Frame
    ) -> Iterator[Stroke]:
        for key, each in shown.items():
            if ends[key].count > self._ends[key].count:
                yield from _strokes(each.tail(self._ends[key].count), scale, frame, is_smooth=self._smooth.get(key))


def _strokes(shown: Curve | Band, scale: Scale, frame: Frame, *, is_smooth: bool | None = None) -> Iterator[Stroke]:
    if isinstance(shown, Band):
        yield band_stroke(shown, scale, frame)
    else:
        yield from curve_strokes(shown, scale, frame, is_smooth=is_smooth)
