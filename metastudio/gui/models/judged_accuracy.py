"""How often the answers were right, with the interval that so few judgements allow."""

from __future__ import annotations

import math

_Z95 = 1.959964


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval (Wilson, 1927) of a share of `right` in `total`; with none judged it is 0 to 1.

    Unlike the usual ± it stays within 0 and 1, and is honest for a handful of judgements that are all right.
    """
    if total == 0:
        return 0.0, 1.0
    share, squared = right / total, _Z95**2
    scale = 1 + squared / total
    middle = (share + squared / (2 * total)) / scale
    half = _Z95 * math.sqrt(share * (1 - share) / total + squared / (4 * total**2)) / scale
    return 0.0 if right == 0 else middle - half, 1.0 if right == total else middle + half
