"""The names of a plot's curves in one line, each with its mark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from metastudio.gui.widgets.plotted import Curve

_MARKS = {"o": "●", "star": "★", "d": "◆"}
_DASHES = {Qt.PenStyle.DashLine: "╌╌", Qt.PenStyle.DotLine: "┈┈", Qt.PenStyle.DashDotLine: "╌·"}


def legend_html(curves: Iterable[Curve], *, metrics: QFontMetrics | None = None, room_px: float = 0.0) -> str:
    """Return the names of all curves that have one; where the room ends, how many more there are.

    Args:
        curves: In their order.
        metrics: Of the letters that it is written with; without them there is room for all.
        room_px: How wide it may become.
    """
    named = [each for each in curves if each.name]
    parts: list[str] = []
    for curve in named:
        mark = _DASHES.get(curve.style) or _MARKS.get(curve.symbol) or "━"
        room_px -= metrics.horizontalAdvance(f"{mark} {curve.name}   ") if metrics else 0.0
        if room_px < 0 and parts:
            parts.append(f"+{len(named) - len(parts)}")
            break
        name = escape(curve.name, quote=False).replace(" ", "&nbsp;")
        parts.append(f'<span style="color:{curve.colour().name()}">{mark}</span>&nbsp;{name}')
    return "&nbsp;&nbsp; ".join(parts)
