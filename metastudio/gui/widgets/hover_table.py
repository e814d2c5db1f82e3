"""The values of all curves beside the pointer, as rows of a small table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.plotted import Curve, Scale

_BESIDE_POINTER_PX = 14


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

    def show_rows(self, rows: list[str], spot: QPoint) -> None:
        """Show rows beside a spot of the view, at whichever side there is room."""
        view = self.parentWidget()
        self.setText("<br>".join(rows))
        self.adjustSize()
        x = spot.x() + _BESIDE_POINTER_PX
        if x + self.width() > view.width():
            x = spot.x() - _BESIDE_POINTER_PX - self.width()
        self.move(max(0, x), max(0, min(spot.y(), view.height() - self.height())))
        self.show()


def hover_rows(
    curves: Iterable[Curve], scale: Scale, at: tuple[float, float], *, x_title: str, unit: str = ""
) -> list[str]:
    """Return a row with x and one for each named curve, the one nearest to the place `at` in bold."""
    at_x, at_y = at
    found: list[tuple[float, float, Curve, float]] = []
    for curve in curves:
        if not curve.name or len(curve.x) == 0:
            continue
        x = scale.x(curve.x)
        near = int(np.clip(np.searchsorted(x, at_x), 0, len(x) - 1))
        if near > 0 and abs(x[near - 1] - at_x) < abs(x[near] - at_x):
            near -= 1
        shown = scale.y(curve.y[near : near + 1])[0]
        if np.isfinite(shown):
            found.append((abs(shown - at_y), float(curve.x[near]), curve, float(curve.y[near])))
    if not found:
        return []
    nearest = min(found, key=lambda each: each[0])[2]
    first = min(found, key=lambda each: abs(each[1] - at_x))
    rows = [f'<span style="color:{theme.tokens().quiet}">{escape(x_title, quote=False)} {_place_text(first[1])}</span>']
    for _, _, curve, value in found:
        text = f"{escape(curve.name, quote=False)} {value:.4g}{unit}"
        text = f"<b>{text}</b>" if curve is nearest else text
        rows.append(f'<span style="color:{curve.colour().name()}">■</span> {text}')
    return rows


def _place_text(place: float) -> str:
    return f"{place:,.0f}" if place == round(place) else f"{place:.4g}"
