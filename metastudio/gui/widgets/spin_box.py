"""A spin box of whole numbers as the pages have them: its text keeps off the edge, the wheel scrolls the page."""

from __future__ import annotations

from PySide6.QtWidgets import QSpinBox

from metastudio.gui.widgets.calm_wheel import calm_wheel

TEXT_MARGIN_PX = 7
"""Of a spin box: the sheet's padding does not reach its text."""


def spin_box(low: int, high: int, *, suffix: str = "") -> QSpinBox:
    """Return a spin box from `low` to `high`."""
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setSuffix(suffix)
    spin.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
    calm_wheel(spin)
    return spin
