"""A plot with the habits people know: drag zooms, Shift-drag pans, double-click fits, follows new data until zoomed."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QEvent, QPointF, Qt, Slot
from PySide6.QtGui import QFont, QGuiApplication, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.errors import ResourceError
from metastudio.gui import theme
from metastudio.gui.widgets.curve_drawing import draw_band, draw_curve, pen
from metastudio.gui.widgets.curve_math import fitting_range
from metastudio.gui.widgets.curve_table import csv_of
from metastudio.gui.widgets.hover_table import HoverTable, hover_rows
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel
from metastudio.gui.widgets.plotted import Band, Curve, Scale
from metastudio.gui.widgets.zoom_box import ZoomBox
from metastudio.runs.atomic import write_atomically

_LEAST_POINTS = 256
_EXPORT_SCALE = 2.0
_X_AXIS_PX = 38
_LEGEND_SHARE = 0.6
"""How much of the width the names of curves may take."""


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
        self._scale = Scale()
        self._bounds: tuple[float | None, float | None] = (None, None)
        self._unit = ""
        self._whole_steps = 0

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
        self._box = ZoomBox()
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
        self._hover = HoverTable(self._view)
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
        if (x_title, y_title, unit) != (self._x_title, self._y_title, self._unit):
            self._x_title, self._y_title, self._unit = x_title, y_title, unit
            self._dress()

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
        self._message.setText(text)
        self._message.setVisible(bool(text))
        for side in ("bottom", "left"):  # numbers on the axes of nothing would be invented
            self._plot.getAxis(side).setStyle(showValues=not text)
        self._place_message()

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic; values that have no logarithm are gaps."""
        self._scale.is_log_x = self._scale.is_log_x if x is None else x
        self._scale.is_log_y = self._scale.is_log_y if y is None else y
        self._plot.getAxis("bottom").setLogMode(x=self._scale.is_log_x, y=None)
        self._plot.getAxis("left").setLogMode(x=None, y=self._scale.is_log_y)
        self._log_action.setChecked(self._scale.is_log_y)
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

    def _fit_range(self) -> None:
        fitted = [each for each in self._curves.values() if each.is_fitted]
        x_range = fitting_range([self._scale.x(each.x) for each in fitted], clip_outliers=False)
        ys = [self._scale.y(each) for curve in fitted for each in curve.seen_values()]
        y_range = fitting_range(ys)
        if x_range is None or y_range is None:
            return
        low, high = y_range
        if not self._scale.is_log_y:
            low = max(low, self._bounds[0]) if self._bounds[0] is not None else low
            high = min(high, self._bounds[1]) if self._bounds[1] is not None else high
        self._box.setRange(xRange=x_range, yRange=(low, high), padding=0, disableAutoRange=True)

    def _draw(self) -> None:
        most = max(_LEAST_POINTS, 2 * self._view.width())
        for curve in self._curves.values():
            draw_curve(self._plot, curve, self._scale, most)
        for band in self._bands.values():
            draw_band(self._plot, band, self._scale, most)

    def _show_legend(self) -> None:
        """Name the curves; where there are too many for the line, say how many more there are."""
        marks = {"o": "●", "star": "★", "d": "◆"}
        dashes = {Qt.PenStyle.DashLine: "╌╌", Qt.PenStyle.DotLine: "┈┈", Qt.PenStyle.DashDotLine: "╌·"}
        named = [each for each in self._curves.values() if each.name]
        parts: list[str] = []
        room = _LEGEND_SHARE * self.width()
        for curve in named:
            mark = dashes.get(curve.style) or marks.get(curve.symbol) or "━"
            room -= self._legend.fontMetrics().horizontalAdvance(f"{mark} {curve.name}   ")
            if room < 0 and parts:
                parts.append(f"+{len(named) - len(parts)}")
                break
            colour = curve.colour().name()
            parts.append(f'<span style="color:{colour}">{mark}</span>&nbsp;{escape(curve.name, quote=False)}')
        self._legend.setText("&nbsp;&nbsp; ".join(parts))

    def _dress(self) -> None:
        """Take the colours and letters of the theme."""
        self._dressed_for = _look()
        quiet, line = theme.colour("quiet"), theme.colour("hairline")
        _, letters = self._dressed_for
        for side, title in (("bottom", self._x_title), ("left", self._y_title)):
            axis = self._plot.getAxis(side)
            axis.setPen(pen(line, 1.0))
            axis.setTextPen(quiet)
            axis.setTickFont(letters)
            axis.setStyle(tickLength=-4, tickTextOffset=5, autoExpandTextSpace=True, hideOverlappingLabels=True)
            axis.enableAutoSIPrefix(False)
            axis.label.setFont(letters)
            axis.setLabel(title)
        self._plot.getAxis("bottom").setHeight(_X_AXIS_PX)
        self._plot.showGrid(y=True, alpha=0.10)
        self._hover_line.setPen(pen(quiet, 1.0, Qt.PenStyle.DotLine))
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
        if self.isVisible() and self._dressed_for != _look():
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

    @Slot(object)
    def _on_mouse_moved(self, position: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(position):
            self._hover.hide()
            self._hover_line.hide()
            return
        place = self._box.mapSceneToView(position)
        at = (place.x(), place.y())
        rows = hover_rows(self._curves.values(), self._scale, at, x_title=self._x_title, unit=self._unit)
        if not rows:
            return
        self._hover_line.setPos(place.x())
        self._hover_line.show()
        self._hover.show_rows(rows, self._view.mapFromScene(position))

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
        if is_log != self._scale.is_log_y:
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
        return csv_of(self._curves, self._x_title, self._y_title)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.picture())

    @Slot()
    def _on_save_png(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Save the plot"), "plot.png", "PNG (*.png)")
        if path:
            content = QBuffer()
            self.picture().save(content, "PNG")
            self._save(Path(path), bytes(content.data().data()))

    @Slot()
    def _on_save_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Save the numbers"), "plot.csv", "CSV (*.csv)")
        if path:
            self._save(Path(path), self.csv_text().encode())

    def _save(self, path: Path, content: bytes) -> None:
        """Write a file, or say why not."""
        try:
            write_atomically(path, content)
        except ResourceError as error:
            lines = [str(error.what), error.where, error.why, str(error.todo)]
            QMessageBox.warning(self, self.tr("Not saved"), "\n".join(filter(None, lines)))


def _look() -> tuple[theme.Tokens, QFont]:
    """Return what a plot takes from the theme: its colours and letters."""
    return theme.tokens(), theme.font(theme.CAPTION_PX, is_tabular=True)
