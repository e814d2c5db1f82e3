"""How sure a share of right answers is, when single pictures were counted."""

from __future__ import annotations

import math

from metastudio.runs.statistics import Z95


def wilson95(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, after Wilson (1927, doi:10.1080/01621459.1927.10502953)."""
    if not count:
        return 0.0, 1.0
    share, weight = right / count, Z95**2 / count
    middle = share + weight / 2
    half = Z95 * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    return max(0.0, (middle - half) / (1 + weight)), min(1.0, (middle + half) / (1 + weight))
