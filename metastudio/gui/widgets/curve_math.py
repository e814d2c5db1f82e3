"""What happens to a curve before it is drawn: smoothed first, thinned after, and the range its axis should have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BLOCK = 128
_OUTLIER_PERCENT = 0.5


def smoothed(values: Floats, weight: float) -> Floats:
    """Return the exponential moving average, (n,), divided by 1 - weight^n so that it starts unbiased.

    Args:
        values: (n,); NaN and infinite values count for nothing, and the average goes on over them.
        weight: Share of the past, in [0, 1); 0 returns the values themselves.
    """
    if weight <= 0 or len(values) == 0:
        return values
    is_finite = np.isfinite(values)
    total = _moving_sum(np.where(is_finite, values, 0.0), weight)
    known = _moving_sum(is_finite.astype(float), weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, total / known, np.nan)


def _moving_sum(values: Floats, weight: float) -> Floats:
    """Return s with s[t] = weight * s[t-1] + (1 - weight) * values[t], block by block."""
    place = np.arange(_BLOCK)
    distance = place[:, None] - place[None, :]
    kernel = np.where(distance >= 0, weight ** np.maximum(distance, 0), 0.0) * (1 - weight)  # (block, block)
    carried = weight ** (place + 1)
    sums = np.empty(len(values))
    last = 0.0
    for first in range(0, len(values), _BLOCK):
        block = values[first : first + _BLOCK]
        size = len(block)
        sums[first : first + size] = kernel[:size, :size] @ block + carried[:size] * last
        last = sums[first + size - 1]
    return sums


def thinned(x: Floats, y: Floats, most_points: int) -> tuple[Floats, Floats]:
    """Return at most about `most_points` points with the same outline: the lowest and the highest of each bucket.

    Buckets hold a power of two of neighbours and begin at multiples of it, so that points that have been drawn stay
    where they are while the curve grows. Extremes, and with them the best value, always survive; so do gaps of NaN
    longer than a bucket.

    Args:
        x: (n,) ascending.
        y: (n,).
        most_points: At least 4.
    """
    count = len(x)
    if count <= most_points:
        return x, y
    size = 2
    while 2 * -(-count // size) > most_points:
        size *= 2
    buckets = -(-count // size)
    padded = np.full(buckets * size, np.nan)
    padded[:count] = y
    table = padded.reshape(buckets, size)
    is_empty = np.isnan(table).all(axis=1)
    low = np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    first, second = np.minimum(low, high), np.maximum(low, high)
    rows = np.arange(buckets)
    keep = np.stack([rows * size + first, rows * size + second], axis=1).ravel()
    keep = np.minimum(keep, count - 1)
    thin_y = y[keep].copy()
    thin_y[np.repeat(is_empty, 2)] = np.nan
    return x[keep], thin_y


def averaged(x: Floats, y: Floats, most_points: int) -> tuple[Floats, Floats]:
    """Return at most about `most_points` points: the means of the same buckets as `thinned` has.

    Args:
        x: (n,) ascending.
        y: (n,); what is NaN counts for nothing, and a bucket of nothing else is a gap.
        most_points: At least 2.
    """
    count = len(x)
    if count <= most_points:
        return x, y
    size = 2
    while -(-count // size) > most_points:
        size *= 2
    starts = np.arange(0, count, size)
    is_known = np.isfinite(y)
    known = np.add.reduceat(is_known.astype(float), starts)
    total = np.add.reduceat(np.where(is_known, y, 0.0), starts)
    sizes = np.diff(np.append(starts, count))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.add.reduceat(x, starts) / sizes, np.where(known > 0, total / known, np.nan)


def fitting_range(curves: list[Floats], *, clip_outliers: bool = True) -> tuple[float, float] | None:
    """Return the range that shows the curves with a little air; outliers change the axis, never the data.

    None where there is no finite value.
    """
    values = np.concatenate([np.asarray(each, dtype=float).ravel() for each in curves]) if curves else np.empty(0)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if clip_outliers and len(values) > 100:
        inner_low, inner_high = np.percentile(values, [_OUTLIER_PERCENT, 100 - _OUTLIER_PERCENT])
        span = inner_high - inner_low
        low, high = max(low, float(inner_low - span)), min(high, float(inner_high + span))
    air = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - air, high + air
