"""A long curve in blocks of neighbours, from which any part of it is thinned in a moment."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from metastudio.gui.widgets.curve_math import Floats

_BLOCK = 32


class CurveBlocks:
    """Keeps the extremes and the sums of each block of 32 points, made when they are first wanted.

    Buckets hold a power of two of neighbours and begin at multiples of it, counted from the first point of the curve:
    what was drawn stays where it is while the curve grows and while it is moved about.

    Args:
        x: (n,) ascending.
        y: (n,); NaN is a gap.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y

    def part(self, left: float, right: float) -> tuple[int, int]:
        """Return the first point and the end of what lies between two places, with one neighbour at each side."""
        first = max(0, int(np.searchsorted(self.x, left)) - 1)
        return first, min(len(self.x), int(np.searchsorted(self.x, right, side="right")) + 1)

    def thinned(self, first: int, end: int, most_points: int) -> tuple[Floats, Floats]:
        """Return at most about `most_points` points of a part with the same outline: each bucket's lowest and highest.

        Extremes, and with them the best value, always survive; so do gaps longer than a bucket.

        Args:
            first: The part's first point.
            end: The point behind its last.
            most_points: At least 4.
        """
        if end - first <= most_points:
            return self.x[first:end], self.y[first:end]
        size = 2
        while 2 * -(-(end - first) // size) > most_points:
            size *= 2
        start, stop = first // size * size, min(len(self.y), -(-end // size) * size)
        if size > _BLOCK:
            low, high = self._extremes
            blocks = slice(start // _BLOCK, -(-stop // _BLOCK))
            low, high = low[blocks], high[blocks]
            lowest = low[_extreme_places(self.y[low], size // _BLOCK)[0]]
            highest = high[_extreme_places(self.y[high], size // _BLOCK)[1]]
        else:
            lowest, highest = (start + each for each in _extreme_places(self.y[start:stop], size))
        keep = np.stack([np.minimum(lowest, highest), np.maximum(lowest, highest)], axis=1).ravel()
        return self.x[keep], self.y[keep]

    def averaged(self, first: int, end: int, most_points: int) -> tuple[Floats, Floats]:
        """Return at most about `most_points` points of a part: the means of its buckets; those of gaps are gaps.

        Args:
            first: The part's first point.
            end: The point behind its last.
            most_points: At least 2.
        """
        if end - first <= most_points:
            return self.x[first:end], self.y[first:end]
        size = 2
        while -(-(end - first) // size) > most_points:
            size *= 2
        start, stop = first // size * size, min(len(self.y), -(-end // size) * size)
        if size > _BLOCK:
            blocks = slice(start // _BLOCK, -(-stop // _BLOCK))
            sums, step = [each[blocks] for each in self._sums], size // _BLOCK
        else:
            sums, step = _summed(self.x[start:stop], self.y[start:stop], size), 1
        places = np.arange(0, len(sums[0]), step)
        x, counts, y, known = (np.add.reduceat(each, places) for each in sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            return x / counts, np.where(known > 0, y / known, np.nan)

    @cached_property
    def _extremes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the lowest and where the highest point of each block lie."""
        return _extreme_places(self.y, _BLOCK)

    @cached_property
    def _sums(self) -> list[Floats]:
        return _summed(self.x, self.y, _BLOCK)


def _extreme_places(values: Floats, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the lowest and the highest value of each bucket lie; of a bucket of NaN its first."""
    buckets = -(-len(values) // size)
    padded = np.full(buckets * size, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(buckets, size)
    is_gap = np.isnan(table)
    starts = np.arange(buckets) * size
    if not is_gap.any():
        return starts + table.argmin(axis=1), starts + table.argmax(axis=1)
    low = np.where(is_gap, np.inf, table).argmin(axis=1)
    high = np.where(is_gap, -np.inf, table).argmax(axis=1)
    return starts + low, starts + high


def _summed(x: Floats, y: Floats, size: int) -> list[Floats]:
    """Return of each bucket: the sum of x, how many points, the sum of the finite y, how many of those."""
    places = np.arange(0, len(x), size)
    is_known = np.isfinite(y)
    counts = np.minimum(size, len(x) - places).astype(float)
    known = counts if is_known.all() else np.add.reduceat(is_known.astype(float), places)
    finite = y if known is counts else np.where(is_known, y, 0.0)
    return [np.add.reduceat(x, places), counts, np.add.reduceat(finite, places), known]
