"""A plot with the habits people know: drag zooms, Shift-drag pans, double-click fits, follows new data until zoomed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPen, QPixmap
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.curve_math import fitting_range, thinned
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel

Floats = NDArray[np.float64]
_NOTHING: Floats = np.empty(0)
_LEAST_POINTS = 256
_EXPORT_SCALE = 2.0
_X_AXIS_PX = 38
_BEYOND_DRAWING = 1e30
"""Larger values, and what is not finite, are gaps in the drawing; the data keep them."""

pg.setConfigOptions(antialias=True)


@dataclass
class Curve:
    """One line: all its points, and how they are drawn. `token` names a theme's colour, else `index` counts series."""

    x: Floats
    y: Floats
    name: str = ""
    index: int = 0
    token: str = ""
    width: float = 1.8
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    opacity: float = 1.0
    symbol: str = ""
    spread: Floats | None = None
    is_fitted: bool = True
    is_exported: bool = True
    item: pg.PlotDataItem | None = field(default=None, repr=False)
    bars: pg.ErrorBarItem | None = field(default=None, repr=False)

    def colour(self) -> QColor:
        """Return the colour that it has in the theme now in use."""
        base = theme.colour(self.token) if self.token else theme.series_colour(self.index)
        return theme.translucent(base, self.opacity)


@dataclass
class Band:
    """The area between two curves over the same x."""

    x: Floats
    low: Floats
    high: Floats
    index: int = 0
    opacity: float = 0.16
    item: pg.FillBetweenItem | None = field(default=None, repr=False)


class _Box(pg.ViewBox):
    """Drag zooms, Shift-drag pans, Ctrl+wheel zooms, double-click fits; the wheel alone belongs to the page.

    Signals:
        fit_wanted(): double-clicked.
        zoomed(): the person chose a range.
    """

    fit_wanted = Signal()
    zoomed = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseMode(pg.ViewBox.RectMode)

    def mouseDragEvent(self, ev: object, axis: int | None = None) -> None:
        pans = bool(ev.modifiers() & Qt.KeyboardModifier.ShiftModifier)  # type: ignore[attr-defined]
        self.setMouseMode(pg.ViewBox.PanMode if pans else pg.ViewBox.RectMode)
        super().mouseDragEvent(ev, axis)
        self.zoomed.emit()

    def mouseDoubleClickEvent(self, ev: object) -> None:
        ev.accept()  # type: ignore[attr-defined]
        self.fit_wanted.emit()

    def wheelEvent(self, ev: object, axis: int | None = None) -> None:
        if ev.modifiers() & Qt.KeyboardModifier.ControlModifier:  # type: ignore[attr-defined]
            super().wheelEvent(ev, axis)
            self.zoomed.emit()
        else:
            ev.ignore()  # type: ignore[attr-defined]


class Plot(QFrame):
    """A titled plot with its legend in the header line. Curves are kept whole; only what is drawn is thinned.

    Everything that changes what is shown is followed by one `refresh()`.
    """

    def __init__(
        self, title: str, x_title: str, y_title: str, parent: QWidget | None = None, *, has_legend: bool = True
    ) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._curves: dict[str, Curve] = {}
        self._bands: dict[str, Band] = {}
        self._x_title, self._y_title = x_title, y_title
        self._follows = True
        self._is_log_y = False
        self._is_log_x = False
        self._bounds: tuple[float | None, float | None] = (None, None)
        self._unit = ""

        self._title = ElidedLabel(title, "section")
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        theme.set_role(self._legend, "caption")
        self._legend.setVisible(has_legend)
        self._menu_button = QToolButton()
        self._menu_button.setIcon(icon("mdi6.dots-horizontal", "quiet"))
        self._menu_button.setAccessibleName(self.tr("{title}: more").format(title=title))
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu_button.setMenu(self._menu())
        self.header = QHBoxLayout()
        self.header.setSpacing(theme.GAP)
        self.header.addWidget(self._title)
        self.header.addStretch(1)
        self.header.addWidget(self._legend)
        self.header.addWidget(self._menu_button)

        self._build_view(title)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 6, 8, 6)
        self.column.setSpacing(2)
        self.column.addLayout(self.header)
        self.column.addWidget(self._view, 1)
        self.setMinimumSize(240, 120)
        self._dress()

    def _build_view(self, title: str) -> None:
        self._box = _Box()
        self._view = pg.PlotWidget(viewBox=self._box, background=None)
        self._view.setFrameShape(QFrame.Shape.NoFrame)
        self._view.viewport().setAutoFillBackground(False)
        self._view.setStyleSheet("background: transparent")
        self._view.setAccessibleName(title)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot = self._view.getPlotItem()
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._box.disableAutoRange()
        self._box.fit_wanted.connect(self.fit)
        self._box.zoomed.connect(self._on_zoomed)
        self._box.sigXRangeChanged.connect(self._on_range_changed)
        self._hover_line = pg.InfiniteLine(angle=90, movable=False)
        self._hover_line.hide()
        self._plot.addItem(self._hover_line, ignoreBounds=True)
        self._view.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._hover = QLabel(self._view)
        self._hover.setObjectName("hoverTable")
        self._hover.setTextFormat(Qt.TextFormat.RichText)
        self._hover.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hover.hide()
        self._message = QLabel(self._view)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        theme.set_role(self._message, "quiet")
        self._message.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._message.hide()
        self._view.installEventFilter(self)

    # what is shown

    def set_curve(self, key: str, curve: Curve) -> None:
        """Show a curve under a key, instead of the one that was there."""
        before = self._curves.get(key)
        if before is not None:
            curve.item, curve.bars = before.item, before.bars
        self._curves[key] = curve

    def set_band(self, key: str, band: Band) -> None:
        """Show a band under a key, instead of the one that was there."""
        if key in self._bands:
            band.item = self._bands[key].item
        self._bands[key] = band

    def curve(self, key: str) -> Curve | None:
        """Return a curve with all its points."""
        return self._curves.get(key)

    def keep_only(self, keys: set[str]) -> None:
        """Take away every curve and band that is not named."""
        for key in [each for each in self._curves if each not in keys]:
            gone = self._curves.pop(key)
            for item in (gone.item, gone.bars):
                if item is not None:
                    self._plot.removeItem(item)
        for key in [each for each in self._bands if each not in keys]:
            band = self._bands.pop(key)
            if band.item is not None:
                for part in (band.item.curves[0], band.item.curves[1], band.item):
                    self._plot.removeItem(part)

    def set_title(self, title: str) -> None:
        """Change the title."""
        self._title.setText(title)

    def set_axes(self, x_title: str, y_title: str, *, unit: str = "") -> None:
        """Say what the axes are; `unit` follows values in the hover table."""
        self._x_title, self._y_title, self._unit = x_title, y_title, unit
        self._dress()

    def set_bounds(self, low: float | None, high: float | None) -> None:
        """Never fit y beyond these."""
        self._bounds = (low, high)

    def set_whole_x(self, steps: int) -> None:
        """Mark whole numbers on the x axis only: there are so many steps."""
        spacing = max(1, -(-steps // 10))
        self._plot.getAxis("bottom").setTickSpacing(major=spacing, minor=spacing)

    def set_message(self, text: str) -> None:
        """Say why there is nothing to see; an empty text takes it away."""
        self._message.setText(text)
        self._message.setVisible(bool(text))
        self._place_message()

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic; values that have no logarithm are gaps."""
        self._is_log_x = self._is_log_x if x is None else x
        self._is_log_y = self._is_log_y if y is None else y
        self._plot.getAxis("bottom").setLogMode(x=self._is_log_x, y=None)
        self._plot.getAxis("left").setLogMode(x=None, y=self._is_log_y)
        self._log_action.setChecked(self._is_log_y)
        self._follows = True
        self.refresh()

    @Slot()
    def fit(self) -> None:
        """Show everything, and follow what comes."""
        self._follows = True
        self.refresh()

    @property
    def is_following(self) -> bool:
        """Whether new data change the range."""
        return self._follows

    def refresh(self) -> None:
        """Draw what was set since the last time."""
        if self._follows:
            self._fit_range()
        self._draw()
        self._show_legend()

    # drawing

    def _shown(self, values: Floats, *, is_log: bool) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.where(np.abs(values) < _BEYOND_DRAWING, values, np.nan)
            return np.where(shown > 0, np.log10(shown), np.nan) if is_log else shown

    def _fit_range(self) -> None:
        fitted = [each for each in self._curves.values() if each.is_fitted]
        x_range = fitting_range([self._shown(each.x, is_log=self._is_log_x) for each in fitted], clip_outliers=False)
        ys = [self._shown(each, is_log=self._is_log_y) for curve in fitted for each in _with_spread(curve)]
        y_range = fitting_range(ys)
        if x_range is None or y_range is None:
            return
        low, high = y_range
        if not self._is_log_y:
            low = max(low, self._bounds[0]) if self._bounds[0] is not None else low
            high = min(high, self._bounds[1]) if self._bounds[1] is not None else high
        self._box.setRange(xRange=x_range, yRange=(low, high), padding=0, disableAutoRange=True)

    def _draw(self) -> None:
        most = max(_LEAST_POINTS, 2 * self._view.width())
        (left, right), _ = self._box.viewRange()
        for curve in self._curves.values():
            self._draw_curve(curve, left, right, most)
        for band in self._bands.values():
            self._draw_band(band, most)

    def _draw_curve(self, curve: Curve, left: float, right: float, most: int) -> None:
        x, y = self._shown(curve.x, is_log=self._is_log_x), self._shown(curve.y, is_log=self._is_log_y)
        if len(x) > most:  # only what is seen, with one neighbour at each side
            first = max(0, int(np.searchsorted(x, left)) - 1)
            last = min(len(x), int(np.searchsorted(x, right)) + 1)
            x, y = x[first:last], y[first:last]
        x, y = thinned(x, y, most)
        if not np.isfinite(y).any():
            x, y = _NOTHING, _NOTHING
        if curve.item is None:
            curve.item = pg.PlotDataItem(connect="finite")
            self._plot.addItem(curve.item, ignoreBounds=True)
        colour = curve.colour()
        curve.item.setData(
            x,
            y,
            connect="finite",
            pen=None if curve.style == Qt.PenStyle.NoPen else _pen(colour, curve.width, curve.style),
            symbol=curve.symbol or None,
            symbolSize=11 if curve.symbol == "star" else 6,
            symbolPen=_pen(theme.colour("panel"), 1.0) if curve.symbol else None,
            symbolBrush=colour if curve.symbol else None,
        )
        if curve.spread is not None:
            self._draw_spread(curve, colour)

    def _draw_spread(self, curve: Curve, colour: QColor) -> None:
        if curve.bars is None:
            curve.bars = pg.ErrorBarItem()
            self._plot.addItem(curve.bars, ignoreBounds=True)
        is_known = np.isfinite(curve.y) & np.isfinite(curve.spread)
        y, spread = curve.y[is_known], curve.spread[is_known]
        low, high = (self._shown(each, is_log=self._is_log_y) for each in (y - spread, y + spread))
        middle = self._shown(y, is_log=self._is_log_y)
        x = self._shown(curve.x[is_known], is_log=self._is_log_x)
        is_drawn = np.isfinite(low) & np.isfinite(high) & np.isfinite(x)
        curve.bars.setData(
            x=x[is_drawn],
            y=middle[is_drawn],
            top=(high - middle)[is_drawn],
            bottom=(middle - low)[is_drawn],
            pen=_pen(colour, 1.2),
        )

    def _draw_band(self, band: Band, most: int) -> None:
        if band.item is None:
            low, high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
            band.item = pg.FillBetweenItem(low, high)
            for item in (low, high, band.item):
                self._plot.addItem(item, ignoreBounds=True)
            band.item.setZValue(-10)
        is_known = np.isfinite(band.low) & np.isfinite(band.high)
        x = self._shown(band.x[is_known], is_log=self._is_log_x)
        for curve, values in zip(band.item.curves, (band.low, band.high), strict=True):
            thin_x, thin_y = thinned(x, self._shown(values[is_known], is_log=self._is_log_y), most)
            is_drawn = np.isfinite(thin_x) & np.isfinite(thin_y)
            curve.setData(thin_x[is_drawn], thin_y[is_drawn])
        band.item.setBrush(theme.translucent(theme.series_colour(band.index), band.opacity))

    def _show_legend(self) -> None:
        parts = []
        for curve in self._curves.values():
            if not curve.name:
                continue
            colour = curve.colour().name()
            marks = {"o": "●", "star": "★", "d": "◆"}
            dashes = {Qt.PenStyle.DashLine: "╌╌", Qt.PenStyle.DotLine: "┈┈", Qt.PenStyle.DashDotLine: "╌·"}
            mark = marks.get(curve.symbol) or dashes.get(curve.style, "━")
            parts.append(f'<span style="color:{colour}">{mark}</span>&nbsp;{_escaped(curve.name)}')
        self._legend.setText("&nbsp;&nbsp; ".join(parts[:6]))

    def _dress(self) -> None:
        """Take the colours and letters of the theme."""
        quiet, line = theme.colour("quiet"), theme.colour("hairline")
        letters = theme.font(theme.CAPTION_PX, is_tabular=True)
        for side, title in (("bottom", self._x_title), ("left", self._y_title)):
            axis = self._plot.getAxis(side)
            axis.setPen(_pen(line, 1.0))
            axis.setTextPen(quiet)
            axis.setTickFont(letters)
            axis.setStyle(tickLength=-4, tickTextOffset=5, autoExpandTextSpace=True, hideOverlappingLabels=True)
            axis.enableAutoSIPrefix(False)
            axis.label.setFont(letters)
            axis.setLabel(title)
        self._plot.getAxis("bottom").setHeight(_X_AXIS_PX)
        self._plot.showGrid(y=True, alpha=0.10)
        self._hover_line.setPen(_pen(quiet, 1.0, Qt.PenStyle.DotLine))
        self._hover.setStyleSheet(
            f"background: {theme.tokens().raised}; border: 1px solid {theme.tokens().hairline};"
            f" border-radius: 4px; padding: 3px 6px; font-size: {theme.scaled_px(theme.CAPTION_PX)}px;"
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.FontChange} and hasattr(self, "column"):
            self._dress()
            self.refresh()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover.hide()
            self._hover_line.hide()
        elif event.type() == QEvent.Type.Resize:
            self._place_message()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def _place_message(self) -> None:
        self._message.setGeometry(self._view.rect().adjusted(56, 8, -16, -36))

    @Slot()
    def _on_zoomed(self) -> None:
        self._follows = False

    @Slot()
    def _on_range_changed(self) -> None:
        if not self._follows:
            self._draw()

    # the hover table

    @Slot(object)
    def _on_mouse_moved(self, position: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(position):
            self._hover.hide()
            self._hover_line.hide()
            return
        place = self._box.mapSceneToView(position)
        rows = self._hover_rows(place.x(), place.y())
        if not rows:
            return
        self._hover_line.setPos(place.x())
        self._hover_line.show()
        self._hover.setText("<br>".join(rows))
        self._hover.adjustSize()
        spot = self._view.mapFromScene(position)
        x = spot.x() + 14
        if x + self._hover.width() > self._view.width():
            x = spot.x() - 14 - self._hover.width()
        self._hover.move(max(0, x), max(0, min(spot.y(), self._view.height() - self._hover.height())))
        self._hover.show()

    def _hover_rows(self, at_x: float, at_y: float) -> list[str]:
        found: list[tuple[float, float, Curve, float]] = []
        for curve in self._curves.values():
            if not curve.name or len(curve.x) == 0:
                continue
            x = self._shown(curve.x, is_log=self._is_log_x)
            near = int(np.clip(np.searchsorted(x, at_x), 0, len(x) - 1))
            if near > 0 and abs(x[near - 1] - at_x) < abs(x[near] - at_x):
                near -= 1
            shown = self._shown(curve.y[near : near + 1], is_log=self._is_log_y)[0]
            if np.isfinite(shown):
                found.append((abs(shown - at_y), float(curve.x[near]), curve, float(curve.y[near])))
        if not found:
            return []
        nearest = min(found, key=lambda each: each[0])[2]
        first = min(found, key=lambda each: abs(each[1] - at_x))
        rows = [f'<span style="color:{theme.tokens().quiet}">{_escaped(self._x_title)} {first[1]:,.0f}</span>']
        for _, _, curve, value in found:
            text = f"{_escaped(curve.name)} {value:.4g}{self._unit}"
            text = f"<b>{text}</b>" if curve is nearest else text
            rows.append(f'<span style="color:{curve.colour().name()}">■</span> {text}')
        return rows

    # handing out

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction(icon("mdi6.fit-to-page-outline"), self.tr("Fit"), self.fit)
        self._log_action = menu.addAction(self.tr("Logarithmic y"))
        self._log_action.setCheckable(True)
        self._log_action.toggled.connect(self._on_log_toggled)
        menu.addSeparator()
        menu.addAction(icon("mdi6.content-copy"), self.tr("Copy picture"), self._on_copy)
        menu.addAction(icon("mdi6.image-outline"), self.tr("Save as PNG…"), self._on_save_png)
        menu.addAction(icon("mdi6.table"), self.tr("Save as CSV…"), self._on_save_csv)
        return menu

    @Slot(bool)
    def _on_log_toggled(self, is_log: bool) -> None:
        if is_log != self._is_log_y:
            self.set_log(y=is_log)

    def picture(self) -> QPixmap:
        """Return the plot with its title and legend, at twice the size on the screen."""
        self._hover.hide()
        made = QPixmap(self.size() * _EXPORT_SCALE)
        made.setDevicePixelRatio(_EXPORT_SCALE)
        made.fill(theme.colour("panel"))
        had_legend = self._legend.isVisibleTo(self)
        self._menu_button.hide()
        self._legend.show()
        self.render(made)
        self._legend.setVisible(had_legend)
        self._menu_button.show()
        return made

    def csv_text(self) -> str:
        """Return every point of every curve as rows: curve, x, y, half width of the interval."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["curve", self._x_title, self._y_title, "ci95"])
        for key, curve in self._curves.items():
            if not curve.is_exported:
                continue
            spread = curve.spread if curve.spread is not None else np.full(len(curve.x), np.nan)
            for x, y, half in zip(curve.x, curve.y, spread, strict=True):
                if np.isfinite(y):
                    rows.writerow(
                        [_harmless(curve.name or key), f"{x:g}", repr(float(y)), "" if np.isnan(half) else half]
                    )
        return out.getvalue()

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.picture())

    @Slot()
    def _on_save_png(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Save the plot"), "plot.png", "PNG (*.png)")
        if path:
            self.picture().save(path, "PNG")

    @Slot()
    def _on_save_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Save the numbers"), "plot.csv", "CSV (*.csv)")
        if path:
            Path(path).write_text(self.csv_text(), encoding="utf-8")


def _with_spread(curve: Curve) -> list[Floats]:
    """Return what of a curve must be seen: its points, and the ends of their intervals."""
    if curve.spread is None:
        return [curve.y]
    with np.errstate(invalid="ignore", over="ignore"):
        return [curve.y, curve.y - curve.spread, curve.y + curve.spread]


def _pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(colour, width, style)
    pen.setCosmetic(True)
    return pen


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text
