"""Garbage is collected in the window's thread alone.

Python's own collector runs in whatever thread comes along, that of a thumbnail for example. There it would take down
widgets that nobody holds any more while Qt is at work on them, which ends the program.
"""

from __future__ import annotations

import gc


def collect_if_due() -> None:
    """Collect the oldest generation that has more than Python's thresholds let gather."""
    for generation, (count, most) in reversed(list(enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)))):
        if count > most:
            gc.collect(generation)
            return
