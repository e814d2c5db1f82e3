"""Means and shares with their 95 % intervals."""

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


def wilson95(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `right` in `total`; 0 to 1 where nothing was counted.

    After Wilson (1927, doi:10.1080/01621459.1927.10502953): unlike the usual ± it stays within 0 and 1, and is honest
    for a handful of judgements that are all right.
    """
    if total == 0:
        return 0.0, 1.0
    share, weight = right / total, Z95**2 / total
    middle = share + weight / 2
    half = Z95 * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    return 0.0 if right == 0 else low, 1.0 if right == total else high
