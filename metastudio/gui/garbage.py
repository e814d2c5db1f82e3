"""Garbage is collected in the window's thread alone, and all of it only while that thread has little to do.

Python's own collector runs in whatever thread comes along, that of a thumbnail for example. There it would take down
widgets that nobody holds any more while Qt is at work on them, which ends the program.
"""

from __future__ import annotations

import gc
import time

_OLDEST = 2
_WORTH_IT = 0.25
"""Everything is looked through anew when this share of it has come since, as Python's own rule has it."""
_BUSY_SHARE = 0.1
_whole = 0
"""How many objects there were when everything was last looked through."""


def collect_if_due(*, is_at_rest: bool = True) -> None:
    """Collect the oldest generation that has more than Python's thresholds let gather.

    Args:
        is_at_rest: Whether a pause of 100 ms would go unseen now.
    """
    for generation, (count, most) in reversed(list(enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)))):
        if count > most:
            if generation == _OLDEST:
                _collect_oldest(is_at_rest=is_at_rest)
            else:
                gc.collect(generation)
            return


def _collect_oldest(*, is_at_rest: bool) -> None:
    """Look through what has come since the last time; through everything when that is worth it.

    Everything takes 100 ms with 2,000 classes, which a person who scrolls would see: in motion that waits until as
    much has come as there was.
    """
    global _whole  # noqa: PLW0603 - there is one collector
    come = gc.get_freeze_count() + len(gc.get_objects(_OLDEST)) - _whole
    is_whole = come > (_WORTH_IT if is_at_rest else 1) * _whole
    if is_whole:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    if is_whole:
        _whole = gc.get_freeze_count()


class RestWatch:
    """Knows whether its thread had little to do since it was last asked."""

    def __init__(self) -> None:
        self._own_s, self._s = time.thread_time(), time.perf_counter()

    def is_at_rest(self) -> bool:
        """Say whether the thread that asks has computed for less than a tenth of the time since the last question."""
        before = self._own_s, self._s
        self._own_s, self._s = time.thread_time(), time.perf_counter()
        return self._own_s - before[0] < _BUSY_SHARE * (self._s - before[1])
