"""What happens to a curve before it is thinned and drawn: smoothed first, and the range its axis should have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BLOCK = 32
_NO_BIAS = np.log(1e-17)
_OUTLIER_PERCENT = 0.5
_EATEN, _WIDER = 0.04, 1.1
_JUDGED_POINTS = 20_000
"""Of more points every second, third, … tells where most of them lie."""


def smoothed(values: Floats, weight: float) -> Floats:
    """Return the exponential moving average, (n,), divided by 1 - weight^n so that it starts unbiased.

    Args:
        values: (n,); NaN and infinite values count for nothing, and the average goes on over them.
        weight: Share of the past, in [0, 1); 0 returns the values themselves.
    """
    if weight <= 0 or len(values) == 0:
        return values
    is_finite = np.isfinite(values)
    if is_finite.all():
        sums = _moving_sum(values, weight)
        begun = min(len(values), int(_NO_BIAS / np.log(weight)) + 1)  # beyond, 1 - weight^n is 1 to the last digit
        sums[:begun] /= -np.expm1(np.log(weight) * np.arange(1, begun + 1))
        return sums
    total = _moving_sum(np.where(is_finite, values, 0.0), weight)
    known = _moving_sum(is_finite.astype(float), weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, total / known, np.nan)


def _moving_sum(values: Floats, weight: float) -> Floats:
    """Return s with s[t] = weight * s[t-1] + (1 - weight) * values[t], all blocks side by side.

    Within a block each pass adds what lies twice as far back. A matrix product would do it too, but its threads make
    the window wait for cores that a training job has.
    """
    blocks = -(-len(values) // _BLOCK)
    table = np.zeros(blocks * _BLOCK)
    table[: len(values)] = values
    sums = table.reshape(blocks, _BLOCK)  # (blocks, block), each as if nothing came before it
    sums *= 1 - weight
    back = 1
    while back < _BLOCK:
        sums[:, back:] += weight**back * sums[:, :-back]
        back *= 2
    faded, before = float(weight**_BLOCK), [0.0]
    for last in sums[:-1, -1].tolist():
        before.append(last + faded * before[-1])
    sums += np.asarray(before)[:, None] * weight ** (np.arange(_BLOCK) + 1)
    return sums.ravel()[: len(values)]


def steady_range(shown: tuple[float, float], wanted: tuple[float, float], *, ahead: float = 0.0) -> tuple[float, float]:
    """Return the range that is shown as long as it does for what is wanted, so that axes do not move with every point.

    It does while it is hardly wider, and what is wanted goes hardly beyond it: that eats from the air at its ends. When
    something has grown beyond its end, it gets `ahead` of its width for what comes.
    """
    span = wanted[1] - wanted[0]
    is_near = shown[0] - wanted[0] <= _EATEN * span and wanted[1] - shown[1] <= _EATEN * span
    if is_near and shown[1] - shown[0] <= _WIDER * span:
        return shown
    return wanted[0], wanted[1] + (ahead * span if wanted[1] > shown[1] else 0.0)


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
        some = values[:: -(-len(values) // _JUDGED_POINTS)]
        beyond = int(len(some) * _OUTLIER_PERCENT / 100)  # np.percentile interpolates, for ten times as long
        inner_low, inner_high = np.partition(some, [beyond, len(some) - 1 - beyond])[[beyond, -1 - beyond]]
        span = inner_high - inner_low
        low, high = max(low, float(inner_low - span)), min(high, float(inner_high + span))
    air = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - air, high + air
