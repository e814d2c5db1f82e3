"""The values of all curves beside the pointer, as rows of a small table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.plotted import Curve, Scale
from metastudio.gui.widgets.x_axis import XAxis

_BESIDE_POINTER_PX = 14
_ROW_SHARE = 1.45
"""Height of a row, in heights of its letters."""


@dataclass(frozen=True)
class HoverRow:
    """What one curve says at the pointer; `distance` is how far its point lies from it, up or down."""

    curve: Curve
    x: float
    value: float
    raw: float | None
    distance: float


def hover_rows(curves: Iterable[Curve], scale: Scale, at: tuple[float, float]) -> list[HoverRow]:
    """Return a row for each named curve: of its point nearest to the place `at` along the x axis."""
    at_x, at_y = at
    found: list[HoverRow] = []
    for curve in curves:
        if not curve.name or len(curve.x) == 0:
            continue
        x = curve.blocks(scale).x
        near = int(np.clip(np.searchsorted(x, at_x), 0, len(x) - 1))
        if near > 0 and abs(x[near - 1] - at_x) < abs(x[near] - at_x):
            near -= 1
        shown = curve.blocks(scale).y[near]
        if np.isfinite(shown):
            raw = float(curve.raw[near]) if curve.raw is not None else None
            found.append(HoverRow(curve, float(curve.x[near]), float(curve.y[near]), raw, abs(float(shown) - at_y)))
    return found


class HoverTable(QLabel):
    """The label that shows the rows, inside the view that it belongs to."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.setObjectName("hoverTable")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def dress(self) -> None:
        """Take the colours and letters of the theme."""
        self.setStyleSheet(
            f"background: {theme.tokens().raised}; border: 1px solid {theme.tokens().hairline};"
            f" border-radius: 4px; padding: 3px 6px; font-size: {theme.scaled_px(theme.CAPTION_PX)}px;"
        )

    def show_rows(self, rows: Sequence[HoverRow], spot: QPoint, *, x_title: str, axis: XAxis, unit: str = "") -> None:
        """Show rows beside a spot of the view, at whichever side there is room; the nearest ones, if not all fit."""
        view = self.parentWidget()
        most = max(2, int(view.height() / (_ROW_SHARE * self.fontMetrics().height())) - 2)
        self.setText(hover_html(rows, x_title=x_title, axis=axis, unit=unit, most=most))
        self.adjustSize()
        x = spot.x() + _BESIDE_POINTER_PX
        if x + self.width() > view.width():
            x = spot.x() - _BESIDE_POINTER_PX - self.width()
        self.move(max(0, x), max(0, min(spot.y(), view.height() - self.height())))
        self.show()


def hover_html(rows: Sequence[HoverRow], *, x_title: str, axis: XAxis, unit: str, most: int) -> str:
    """Return the table: its place, then a line for each curve in their order, the nearest in bold.

    Args:
        rows: At least one.
        x_title: What runs along the axis.
        axis: How a place on it is written.
        unit: Follows the values.
        most: So many rows are shown: those that lie nearest to the pointer.
    """
    near = sorted(rows, key=lambda each: each.distance)
    shown = [each for each in rows if any(each is one for one in near[:most])]
    quiet = theme.tokens().quiet
    has_raw = any(each.raw is not None for each in shown)
    places = {each.x for each in shown}
    place = f"{escape(x_title, quote=False)} {axis.text(near[0].x)}"
    raw_title = f'<td align="right" style="color:{quiet}">&nbsp;&nbsp;{_tr("raw")}</td>' if has_raw else ""
    lines = [f'<tr><td colspan="2" style="color:{quiet}">{place}</td>{raw_title}</tr>']
    for each in shown:
        name = f"{escape(each.curve.name, quote=False).replace(' ', '&nbsp;')}"
        value = f"&nbsp;&nbsp;{each.value:.4g}{unit.replace(' ', '&nbsp;')}"
        if each is near[0]:
            name, value = f"<b>{name}</b>", f"<b>{value}</b>"
        cells = f'<td><span style="color:{each.curve.colour().name()}">■</span>&nbsp;{name}</td>'
        cells += f'<td align="right">{value}</td>'
        if has_raw:
            raw = "" if each.raw is None or not np.isfinite(each.raw) else f"{each.raw:.4g}"
            cells += f'<td align="right" style="color:{quiet}">&nbsp;&nbsp;{raw}</td>'
        if len(places) > 1:
            cells += f'<td align="right" style="color:{quiet}">&nbsp;&nbsp;{_tr("at")}&nbsp;{axis.text(each.x)}</td>'
        lines.append(f"<tr>{cells}</tr>")
    if len(rows) > len(shown):
        more = _tr("{count} more").format(count=len(rows) - len(shown))
        lines.append(f'<tr><td style="color:{quiet}">{more}</td></tr>')
    return f'<table cellspacing="0" cellpadding="0">{"".join(lines)}</table>'


def _tr(text: str) -> str:
    return QCoreApplication.translate("HoverTable", text)
