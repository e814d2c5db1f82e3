"""A plot with the habits people know: drag zooms, Shift-drag pans, double-click fits, follows new data until zoomed."""

from __future__ import annotations

import time

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPicture, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.curve_drawing import pen
from metastudio.gui.widgets.curve_layer import CurveLayer
from metastudio.gui.widgets.curve_math import Floats, fitting_range, steady_range
from metastudio.gui.widgets.curve_table import csv_of
from metastudio.gui.widgets.hover_table import HoverTable, hover_rows
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel
from metastudio.gui.widgets.legend import legend_html
from metastudio.gui.widgets.plot_look import dress_axes, look
from metastudio.gui.widgets.plot_menu import PlotMenu
from metastudio.gui.widgets.plotted import Band, Curve, Scale
from metastudio.gui.widgets.x_axis import XAxis
from metastudio.gui.widgets.zoom_box import ZoomBox

_FITTED_POINTS = 1000
"""So many of a part, its extremes among them, tell where it lies."""
_AHEAD = 0.06
"""Of the x axis, free for what comes next."""
_LEGEND_SHARE = 0.6
"""How much of the width the names of curves may take."""


class MeasuredView(pg.PlotWidget):
    """Where curves are drawn; `painting_s` adds up what that has cost the window's thread."""

    painting_s = 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        began = time.thread_time()
        super().paintEvent(event)
        self.painting_s += time.thread_time() - began


class Plot(QFrame):
    """A titled plot with its legend in the header line. Curves are kept whole; only what is drawn is thinned.

    Everything that changes what is shown is followed by one `refresh()`. With the keyboard: arrows move, + and - zoom,
    Home fits.

    Attributes:
        header: Layout of the line with title and legend.
        column: Layout of the whole.
        view: Where the curves are drawn.
        drawn: What is painted there of the curves.
        menu: What can be done with it.

    Signals:
        x_zoomed(float, float): the person chose the part of the x axis between these places.
        fitted(): the person wants to see everything.
        hovered(object): the pointer is over this place of the x axis, or over none (None).
    """

    x_zoomed = Signal(float, float)
    fitted = Signal()
    hovered = Signal(object)

    def __init__(
        self, title: str, x_title: str, y_title: str, parent: QWidget | None = None, *, has_legend: bool = True
    ) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._curves: dict[str, Curve] = {}
        self._bands: dict[str, Band] = {}
        self._x_title, self._y_title = x_title, y_title
        self._follows = True
        self._is_fitted = False
        self._scale = Scale()
        self._bounds: tuple[float | None, float | None] = (None, None)
        self._unit = ""
        self._whole_steps = 0
        self._x_axis = XAxis.ITERATION
        self._pointer: QPointF | None = None
        self._dressed_for: object = None
        self._named: tuple[object, ...] = ()

        self._title = ElidedLabel(title, "section")
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        theme.set_role(self._legend, "caption")
        self._legend.setVisible(has_legend)
        self._menu_button = QToolButton()
        self._menu_button.setIcon(icon("mdi6.dots-horizontal", "quiet"))
        self._menu_button.setAccessibleName(self.tr("{title}: more").format(title=title))
        self._menu_button.setToolTip(self.tr("Save the figure or its numbers, copy it, fit it"))
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.header = QHBoxLayout()
        self.header.setSpacing(theme.GAP)
        self.header.addWidget(self._title)
        self.header.addStretch(1)
        self.header.addWidget(self._legend)
        self.header.addWidget(self._menu_button)

        self._build_view(title)
        self.menu = PlotMenu(self)
        self.menu.fit_wanted.connect(self._on_fit_wanted)
        self._menu_button.setMenu(self.menu)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(title)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 6, 8, 6)
        self.column.setSpacing(2)
        self.column.addLayout(self.header)
        self.column.addWidget(self.view, 1)
        self.setMinimumSize(240, 120)
        self._dress()

    def _build_view(self, title: str) -> None:
        self._box = ZoomBox()
        self.view = MeasuredView(viewBox=self._box, background=None, axisItems={"bottom": XAxis.ITERATION.item()})
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.viewport().setAutoFillBackground(False)
        self.view.setStyleSheet("background: transparent")
        self.view.setAccessibleName(title)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot = self.view.getPlotItem()
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._box.disableAutoRange()
        self._box.fit_wanted.connect(self._on_fit_wanted)
        self._box.zoomed.connect(self._on_zoomed)
        self.drawn = CurveLayer(self._box, self._curves, self._bands, self._scale)
        self._hover_line = pg.InfiniteLine(angle=90, movable=False)
        self._hover_line.hide()
        self._plot.addItem(self._hover_line, ignoreBounds=True)
        self.view.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._hover = HoverTable(self.view)
        self._message = QLabel(self.view)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        theme.set_role(self._message, "quiet")
        self._message.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._message.hide()
        self.view.installEventFilter(self)

    # what is shown

    def set_curve(self, key: str, curve: Curve) -> None:
        """Show a curve under a key, instead of the one that was there."""
        self._curves[key] = curve

    def set_band(self, key: str, band: Band) -> None:
        """Show a band under a key, instead of the one that was there."""
        self._bands[key] = band

    def curve(self, key: str) -> Curve | None:
        """Return a curve with all its points."""
        return self._curves.get(key)

    def keep_only(self, keys: set[str]) -> None:
        """Take away every curve and band that is not named."""
        for shown in (self._curves, self._bands):
            for key in [each for each in shown if each not in keys]:
                del shown[key]

    def set_title(self, title: str) -> None:
        """Change the title."""
        self._title.setText(title)

    def set_axes(self, x_title: str, y_title: str, *, unit: str = "") -> None:
        """Say what the axes are; `unit` follows values in the hover table."""
        said = (self._x_title, self._y_title, self._unit)
        if (x_title, y_title, unit) != said or self._dressed_for is None:
            self._x_title, self._y_title, self._unit = x_title, y_title, unit
            self._dress()

    @property
    def x_title(self) -> str:
        """What runs along its x axis."""
        return self._x_title

    def set_x_axis(self, kind: XAxis) -> None:
        """Let counts, durations or moments run along the x axis."""
        if kind is not self._x_axis:
            self._x_axis = kind
            self._whole_steps = 0
            self._plot.setAxisItems({"bottom": kind.item()})
            self._plot.getAxis("bottom").setLogMode(x=self._scale.is_log_x, y=None)
            self._follows = True
            self._is_fitted = False
            self._dressed_for = None
        self.set_axes(kind.caption, self._y_title, unit=self._unit)

    def set_bounds(self, low: float | None, high: float | None) -> None:
        """Never fit y beyond these."""
        self._bounds = (low, high)

    def set_whole_x(self, steps: int) -> None:
        """Mark whole numbers on the x axis only: there are so many steps. With 0, mark what fits."""
        if steps != self._whole_steps:
            self._whole_steps = steps
            spacing = max(1, -(-steps // 10)) if steps else None
            self._plot.getAxis("bottom").setTickSpacing(major=spacing, minor=spacing)

    def set_message(self, text: str) -> None:
        """Say why there is nothing to see; an empty text takes it away."""
        if text == self._message.text():
            return  # axes would be drawn anew
        self._message.setText(text)
        self._message.setVisible(bool(text))
        for side in ("bottom", "left"):  # numbers on the axes of nothing would be invented
            self._plot.getAxis(side).setStyle(showValues=not text)
        self._place_message()

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic; values that have no logarithm are gaps."""
        if x in (None, self._scale.is_log_x) and y in (None, self._scale.is_log_y):
            return
        self._scale.is_log_x = self._scale.is_log_x if x is None else x
        self._scale.is_log_y = self._scale.is_log_y if y is None else y
        self._plot.getAxis("bottom").setLogMode(x=self._scale.is_log_x, y=None)
        self._plot.getAxis("left").setLogMode(x=None, y=self._scale.is_log_y)
        self.menu.log_y.setChecked(self._scale.is_log_y)
        self._follows = True
        self._is_fitted = False
        self.refresh()

    @Slot()
    def fit(self) -> None:
        """Show everything, and follow what comes."""
        self._follows = True
        self._is_fitted = False
        self.refresh()

    def show_x(self, low: float, high: float) -> None:
        """Show this part of the x axis, and of y what lies there."""
        self._follows = False
        self._box.setRange(xRange=(low, high), padding=0, disableAutoRange=True)
        seen = [curve.blocks(self._scale) for curve in self._curves.values() if curve.is_fitted]
        self._fit_y([each.thinned(*each.part(low, high), _FITTED_POINTS)[1] for each in seen])

    def show_hover_line(self, place: float | None) -> None:
        """Mark a place of the x axis, as the pointer does; None takes the mark away."""
        self._hover_line.setVisible(place is not None)
        if place is not None:
            self._hover_line.setPos(place)

    @property
    def is_following(self) -> bool:
        """Whether new data change the range."""
        return self._follows

    def refresh(self) -> None:
        """Draw what was set since the last time."""
        if self._follows:
            self._fit_range()
        self.drawn.draw_anew()
        self._show_legend()
        if self._pointer is not None:
            self._show_hover(self._pointer)

    def prepare_axes(self) -> None:
        """Make the numbers of axes whose range is another now; painting would do it, all in one go with the curves."""
        nowhere = QPicture()
        painter = QPainter(nowhere)
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            if axis.picture is None:
                axis.paint(painter, None, None)
        painter.end()

    # drawing

    def _fit_range(self) -> None:
        fitted = [each for each in self._curves.values() if each.is_fitted]
        x_range = fitting_range([_ends(each.blocks(self._scale).x) for each in fitted], clip_outliers=False)
        if x_range is not None:
            if self._is_fitted:
                x_range = steady_range(self._shown_range(0), x_range, ahead=_AHEAD)
            self._show_range(0, x_range)
            self._fit_y(
                [each for curve in fitted for each in curve.seen_places(self._scale)], is_steady=self._is_fitted
            )
            self._is_fitted = True

    def _show_range(self, axis: int, shown: tuple[float, float]) -> None:
        if shown != self._shown_range(axis):  # most points change nothing, and pyqtgraph does much to find that out
            self._box.setRange(**{"xy"[axis] + "Range": shown}, padding=0, disableAutoRange=True)

    def _shown_range(self, axis: int) -> tuple[float, float]:
        low, high = self._box.viewRange()[axis]
        return low, high

    def _fit_y(self, places: list[Floats], *, is_steady: bool = False) -> None:
        """Show what lies at these places of the y axis."""
        y_range = fitting_range(places)
        if y_range is None:
            return
        low, high = y_range
        if not self._scale.is_log_y:
            low = max(low, self._bounds[0]) if self._bounds[0] is not None else low
            high = min(high, self._bounds[1]) if self._bounds[1] is not None else high
        if is_steady:
            low, high = steady_range(self._shown_range(1), (low, high))
        self._show_range(1, (low, high))

    def _show_legend(self) -> None:
        """Name the curves; where there are too many for the line, say how many more there are."""
        room, curves = _LEGEND_SHARE * self.width(), self._curves.values()
        named = [(each.name, each.colour().rgba(), each.style, each.symbol) for each in curves if each.name]
        if (said := (named, room, self._legend.font())) != self._named:
            self._named = said
            self._legend.setText(legend_html(curves, metrics=self._legend.fontMetrics(), room_px=room))

    def _dress(self) -> None:
        """Take the colours and letters of the theme."""
        self._dressed_for = look()
        dress_axes(self._plot, self._x_title, self._y_title)
        self._hover_line.setPen(pen(theme.colour("quiet"), 1.0, Qt.PenStyle.DotLine))
        self._hover.dress()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.FontChange}:
            self._dress_anew()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._dress_anew()

    def _dress_anew(self) -> None:
        """Take other colours or letters; one change of theme brings several events, and what is hidden can wait."""
        if self.isVisible() and self._dressed_for != look():
            self._dress()
            self.refresh()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._end_hover()
        elif event.type() == QEvent.Type.Resize:
            self._place_message()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def _place_message(self) -> None:
        self._message.setGeometry(self.view.rect().adjusted(56, 8, -16, -36))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._box.take_key(Qt.Key(event.key())):
            super().keyPressEvent(event)

    @Slot()
    def _on_fit_wanted(self) -> None:
        self.fit()
        self.fitted.emit()

    @Slot()
    def _on_zoomed(self) -> None:
        self._follows = False
        self.x_zoomed.emit(*self._box.viewRange()[0])

    @Slot(object)
    def _on_mouse_moved(self, position: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(position):
            self._end_hover()
            return
        self._pointer = position
        self._show_hover(position)
        self.hovered.emit(self._box.mapSceneToView(position).x())

    def _show_hover(self, position: QPointF) -> None:
        place = self._box.mapSceneToView(position)
        rows = hover_rows(self._curves.values(), self._scale, (place.x(), place.y()))
        if rows:
            self.show_hover_line(place.x())
            self._hover.show_rows(
                rows, self.view.mapFromScene(position), x_title=self._x_title, axis=self._x_axis, unit=self._unit
            )
        else:
            self._hover.hide()

    def _end_hover(self) -> None:
        self._pointer = None
        self._hover.hide()
        self.show_hover_line(None)
        self.hovered.emit(None)

    # handing out

    def title(self) -> str:
        """Return what stands above it."""
        return self._title.full_text()

    def legend_html(self) -> str:
        """Return the names of all its curves."""
        return legend_html(self._curves.values())

    def csv_text(self) -> str:
        """Return every point of every curve as rows: curve, x, y, half width of the interval."""
        return csv_of(self._curves, self._x_title, self._y_title)


def _ends(places: Floats) -> Floats:
    """Return the first and the last of some ascending places that are any."""
    return places[np.isfinite(places)][[0, -1]] if np.isfinite(places).any() else places[:0]
