"""Means with the half width of their 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054


def mean_ci95(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the half width of its 95 % interval, None where one value tells nothing of the spread."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return mean, None
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, Z95 * math.sqrt(variance / count)
