"""The numbers of a plot as a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np

from metastudio.gui.widgets.plotted import Curve


def csv_of(curves: Mapping[str, Curve], x_title: str, y_title: str) -> str:
    """Return every point of every exported curve as rows: curve, x, y, half width of the interval."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["curve", x_title, y_title, "ci95"])
    for key, curve in curves.items():
        if not curve.is_exported:
            continue
        spread = curve.spread if curve.spread is not None else np.full(len(curve.x), np.nan)
        values = curve.y if curve.raw is None else curve.raw  # numbers as they were measured, not as they look
        for x, y, half in zip(curve.x, values, spread, strict=True):
            if np.isfinite(y):
                rows.writerow(
                    [_harmless(curve.name or key), f"{x:.12g}", repr(float(y)), "" if np.isnan(half) else half]
                )
    return out.getvalue()


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text
