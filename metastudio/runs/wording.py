"""Numbers as words, for terminal and report; the window has words of its own, which are translated."""

from __future__ import annotations

from metastudio.runs.events import Adapted
from metastudio.runs.statistics import wilson95


def percent(accuracy: float | None, ci95: float | None) -> str:
    """Return an accuracy with its interval: ``97.5 % ± 0.3``; the interval is ``n/a`` where one episode gave none."""
    if accuracy is None:
        return "n/a"
    return f"{100 * accuracy:.1f} % ± {'n/a' if ci95 is None else f'{100 * ci95:.1f}'}"


def duration(seconds: float) -> str:
    """Return a time that something takes: ``2 h 5 min``, ``3 min 4 s``, ``40 s``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def judged(adapted: Adapted) -> str:
    """Return how many queries of a target task were answered right, with the interval; empty where none is known."""
    if adapted.accuracy is None or not adapted.queries:
        return ""
    right = round(adapted.accuracy * adapted.queries)
    low, high = wilson95(right, adapted.queries)
    return (
        f"{right} of {adapted.queries} queries right: {100 * adapted.accuracy:.1f} % "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )
