"""A map of classes: a dot for each, near each other where they are alike, coloured by how far the nearest one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.labels import elided_class_name
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail
from metastudio.gui.widgets.zoom_box import ZoomBox

if TYPE_CHECKING:
    from metastudio.runs.class_map import ClassMap

_REACH_PX = 14
_DOT_PX, _CHOSEN_PX = 7, 13
_STEPS = 24
_EASIEST_SHARE = 0.95
"""So many classes are not easier than the far end of the colours: one that stands alone does not bleach the rest."""


def ease_colour(share: float) -> QColor:
    """Return the colour of a class between the hardest (0, vermilion) and the easiest (1, blue); safe for all eyes."""
    is_dark = theme.tokens().mode == "dark"
    hard, middle, easy = ("#ff8a3d", "#b9b3a8", "#56B4E9") if is_dark else ("#D55E00", "#a89f91", "#0072B2")
    one, other, part = (hard, middle, 2 * share) if share < 0.5 else (middle, easy, 2 * share - 1)
    start, end = QColor(one), QColor(other)
    mixed = (
        round(a + (b - a) * part)
        for a, b in zip(start.getRgb()[:3], end.getRgb()[:3], strict=True)  # type: ignore[index]
    )
    return QColor(*mixed)


class ClassScatter(QWidget):
    """Shows a `ClassMap`; drag zooms, Shift-drag pans, a double click shows everything.

    Signals:
        class_chosen(object): the name of a class whose dot was clicked.
    """

    class_chosen = Signal(object)

    def __init__(self, files_of: Callable[[str], tuple[str, ...]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files_of = files_of
        self._map: ClassMap | None = None
        self._chosen: tuple[str, ...] = ()
        self._box = ZoomBox()
        self._view = pg.PlotWidget(viewBox=self._box, background=None)
        self._view.setFrameShape(QFrame.Shape.NoFrame)
        self._view.viewport().setAutoFillBackground(False)
        self._view.setStyleSheet("background: transparent")
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot = self._view.getPlotItem()
        plot.hideButtons()
        plot.setMenuEnabled(False)
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        self._box.setAspectLocked()
        self._box.fit_wanted.connect(self.fit)
        self._dots = pg.ScatterPlotItem(pxMode=True)
        self._link = pg.PlotCurveItem()
        self._marks = pg.ScatterPlotItem(pxMode=True)
        for item in (self._link, self._dots, self._marks):
            plot.addItem(item)
        self._card = _Card(self._view)
        self.scale = _Scale()
        self._view.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._view.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        self._view.viewport().installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self._view, 1)
        column.addWidget(self.scale)
        self.setMinimumSize(180, 140)

    def sizeHint(self) -> QSize:
        return QSize(320, 300)

    # what is shown

    def show_map(self, found: ClassMap | None) -> None:
        """Show other classes, all of them."""
        is_other = found is None or self._map is None or self._map.names != found.names
        self._map = found
        self._card.hide()
        self._paint_dots()
        if is_other:
            self.choose(())
            self.fit()

    def choose(self, names: tuple[str, ...]) -> None:
        """Ring the dots of these classes, joined by a line."""
        self._chosen = names
        places = self._places(names)
        self._link.setData(places[:, 0], places[:, 1], pen=pg.mkPen(theme.colour("accent"), width=1.5))
        ring = pg.mkPen(theme.colour("accent"), width=2)
        self._marks.setData(pos=places, size=_CHOSEN_PX, pen=ring, brush=pg.mkBrush(None))

    @Slot()
    def fit(self) -> None:
        """Show every dot."""
        if self._map is None or not self._map.names:
            return
        low, high = self._map.places.min(axis=0), self._map.places.max(axis=0)
        margin = np.maximum((high - low) * 0.06, 1e-6)
        (left, bottom), (right, top) = low - margin, high + margin
        self._box.setRange(xRange=(left, right), yRange=(bottom, top), padding=0)

    def _places(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        if self._map is None:
            return np.empty((0, 2))
        rows = [self._map.positions[name] for name in names if name in self._map.positions]
        return self._map.places[rows].reshape(-1, 2)

    def _paint_dots(self) -> None:
        found = self._map
        if found is None or not found.names:
            self._dots.clear()
            self.scale.set_range(float("nan"), float("nan"))
            return
        distance = found.nearest[1].astype(float)
        known = distance[np.isfinite(distance)]
        hardest = float(known.min()) if known.size else float("nan")
        easiest = float(np.quantile(known, _EASIEST_SHARE)) if known.size else float("nan")
        width = max(easiest - hardest, 1e-9)
        step = np.nan_to_num(((distance - hardest) / width).clip(0, 1), nan=1) * _STEPS
        brushes = [pg.mkBrush(ease_colour(number / _STEPS)) for number in range(_STEPS + 1)]
        edge = pg.mkPen(theme.colour("panel"), width=0.8)
        self._dots.setData(
            pos=found.places, size=_DOT_PX, pen=edge, brush=[brushes[number] for number in step.round().astype(int)]
        )
        self.scale.set_range(hardest, easiest)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_dots()
            self.choose(self._chosen)

    # the person

    def class_at(self, position: QPointF) -> str | None:
        """Return the class whose dot is nearest to a place of the scene, within reach."""
        if self._map is None or not self._map.names:
            return None
        place = self._box.mapSceneToView(position)
        pixel_x, pixel_y = self._box.viewPixelSize()
        away = np.hypot((self._map.places[:, 0] - place.x()) / pixel_x, (self._map.places[:, 1] - place.y()) / pixel_y)
        best = int(away.argmin())
        return self._map.names[best] if away[best] <= _REACH_PX else None

    @Slot(object)
    def _on_mouse_moved(self, position: QPointF) -> None:
        name = self.class_at(position) if self._box.sceneBoundingRect().contains(position) else None
        if name is None or self._map is None:
            self._card.hide()
            return
        which, distance = self._map.nearest
        row = self._map.positions[name]
        about = ""
        if which[row] >= 0:
            text = self.tr("{distance} spreads to {name}")
            about = text.format(name=printable(self._map.names[which[row]]), distance=f"{distance[row]:.1f}")
        self._card.show_class(name, about, self._files_of(name), self._view.mapFromScene(position))

    @Slot(object)
    def _on_mouse_clicked(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        name = self.class_at(event.scenePos())  # type: ignore[attr-defined]
        if name is not None:
            self.class_chosen.emit(name)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._card.hide()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]


class _Card(QWidget):
    """Says beside the pointer which class a dot is: three pictures, its name, and which class is the nearest."""

    _SIDE_PX, _WIDTH_PX, _PICTURES = 40, 240, 5

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self._name, self._about = "", ""
        self._files: tuple[str, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)
        self.hide()

    def show_class(self, name: str, about: str, files: tuple[str, ...], spot: QPoint) -> None:
        """Show a class beside a spot of the view, at whichever side there is room."""
        self._name, self._about, self._files = name, about, files[: self._PICTURES]
        line = self.fontMetrics().height()
        self.resize(self._WIDTH_PX, self._SIDE_PX + 2 * line + 3 * theme.GAP)
        view = self._view
        x = spot.x() + theme.GROUP
        if x + self.width() > view.width():
            x = spot.x() - theme.GROUP - self.width()
        self.move(max(0, x), max(0, min(spot.y() + theme.GAP, view.height() - self.height())))
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("hairline"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), theme.RADIUS, theme.RADIUS)
        line, left, width = self.fontMetrics().height(), theme.GAP, self.width() - 2 * theme.GAP
        painter.setPen(theme.colour("ink"))
        painter.setFont(theme.font(is_semibold=True))
        name = elided_class_name(printable(self._name), painter.fontMetrics(), width)
        painter.drawText(QRect(left, theme.GAP, width, line), Qt.AlignmentFlag.AlignVCenter, name)
        top = theme.GAP + line + theme.TIGHT
        for number, path in enumerate(self._files):
            area = QRect(left + number * (self._SIDE_PX + theme.TIGHT), top, self._SIDE_PX, self._SIDE_PX)
            paint_thumbnail(painter, area, path, shared_thumbnails(), is_filled=True)
        painter.setPen(theme.colour("quiet"))
        painter.setFont(theme.font(theme.CAPTION_PX))
        about = painter.fontMetrics().elidedText(self._about, Qt.TextElideMode.ElideMiddle, width)
        below = QRect(left, top + self._SIDE_PX + theme.TIGHT, width, line)
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, about)

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: frozenset[str]) -> None:
        if self.isVisible():
            self.update()


class _Scale(QWidget):
    """What the colours mean: from the hardest to the easiest class, with how many spreads away its nearest one is."""

    _BAR_PX = 90

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hardest = self._easiest = float("nan")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            self.tr(
                "How far the nearest other class is, between the centres of both, in spreads: the distance that a "
                "class's pictures have from its own centre. Below about one, the two are easily taken for each other."
            )
        )

    def sizeHint(self) -> QSize:
        return QSize(200, theme.scaled_px(theme.CAPTION_PX) + theme.GAP)

    def set_range(self, hardest: float, easiest: float) -> None:
        """Say where the two ends of the colours lie; nothing is shown where they are no numbers."""
        self._hardest, self._easiest = hardest, easiest
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not np.isfinite(self._hardest):
            return
        painter = QPainter(self)
        painter.setFont(theme.font(theme.CAPTION_PX, is_tabular=True))
        painter.setPen(theme.colour("quiet"))
        metrics = painter.fontMetrics()
        hard = self.tr("hard {distance}").format(distance=f"{self._hardest:.1f}")
        easy = self.tr("{distance} easy · spreads to the nearest class").format(distance=f"{self._easiest:.1f}")
        left = metrics.horizontalAdvance(hard) + theme.TIGHT
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, hard)
        width = self._BAR_PX / _STEPS
        for number in range(_STEPS):
            place = QRect(round(left + number * width), self.height() // 2 - 4, round(width) + 1, 8)
            painter.fillRect(place, ease_colour(number / (_STEPS - 1)))
        rest = self.rect().adjusted(left + self._BAR_PX + theme.TIGHT + 2, 0, 0, 0)
        text = metrics.elidedText(easy, Qt.TextElideMode.ElideRight, rest.width())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, text)
