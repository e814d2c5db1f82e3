"""A plot as a figure of its own: its title, all that it shows and the names of all curves, as pixels or as lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap, QTextDocument
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsItem

from metastudio.gui import theme

if TYPE_CHECKING:
    from metastudio.gui.widgets.plot import Plot

_SCALE = 2.0
_EDGE_PX = 12
_LEGEND_GAP_PX = 6


def figure_pixmap(plot: Plot) -> QPixmap:
    """Return the figure at twice its size on the screen."""
    made = QPixmap(_size(plot) * _SCALE)
    made.setDevicePixelRatio(_SCALE)
    painter = QPainter(made)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    _paint(plot, painter)
    painter.end()
    return made


def figure_png(plot: Plot) -> bytes:
    """Return the figure as a PNG file."""
    content = QBuffer()
    figure_pixmap(plot).save(content, "PNG")
    return bytes(content.data().data())


def figure_svg(plot: Plot) -> bytes:
    """Return the figure as an SVG file, lines as lines and words as words."""
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    made = QSvgGenerator()
    made.setOutputDevice(content)
    made.setResolution(plot.view.logicalDpiX())  # numbers of the axes are drawn in the screen's, curves in pixels
    made.setSize(_size(plot))
    made.setViewBox(QRect(0, 0, _size(plot).width(), _size(plot).height()))
    made.setTitle(plot.title())
    painter = QPainter(made)
    _paint(plot, painter)
    painter.end()
    return bytes(content.data().data())


def _size(plot: Plot) -> QSize:
    width = plot.view.width() + 2 * _EDGE_PX
    height = _title_px() + plot.view.height() + _LEGEND_GAP_PX + _legend(plot, width).size().height()
    return QSize(width, round(height) + 2 * _EDGE_PX)


def _title_px() -> int:
    return theme.scaled_px(theme.SECTION_PX) * 2


def _legend(plot: Plot, width: int) -> QTextDocument:
    made = QTextDocument()
    made.setDocumentMargin(0)
    made.setDefaultFont(theme.font(theme.CAPTION_PX))
    made.setDefaultStyleSheet(f"* {{ color: {theme.tokens().quiet}; }}")
    made.setHtml(plot.legend_html())
    made.setTextWidth(width - 2 * _EDGE_PX)
    return made


@contextmanager
def _drawn_as_lines(plot: Plot) -> Iterator[None]:
    """Let axes be drawn anew: on the screen they are copied as pixels, which takes less time."""
    axes = [plot.view.getPlotItem().getAxis(side) for side in ("bottom", "left")]
    for axis in axes:
        axis.setCacheMode(QGraphicsItem.CacheMode.NoCache)
    try:
        yield
    finally:
        for axis in axes:
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)


def _paint(plot: Plot, painter: QPainter) -> None:
    plot.show_hover_line(None)
    size, view = _size(plot), plot.view
    painter.fillRect(QRect(0, 0, size.width(), size.height()), theme.colour("panel"))
    painter.setPen(theme.colour("ink"))
    painter.setFont(theme.font(theme.SECTION_PX, is_semibold=True))
    title = QRect(_EDGE_PX, _EDGE_PX, view.width(), _title_px())
    painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, plot.title())
    place = QRectF(_EDGE_PX, _EDGE_PX + _title_px(), view.width(), view.height())
    with _drawn_as_lines(plot):
        view.render(painter, place, view.viewport().rect())
    painter.translate(_EDGE_PX, place.bottom() + _LEGEND_GAP_PX)
    _legend(plot, size.width()).drawContents(painter)
