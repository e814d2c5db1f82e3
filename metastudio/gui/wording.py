"""Numbers and states as a person reads them."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale

from metastudio.errors import counted
from metastudio.runs.control import Wanted
from metastudio.runs.events import Capacity
from metastudio.runs.run_state import Origin, State

if TYPE_CHECKING:
    from metastudio.jobs.job import Job

__all__ = [
    "STATE_ICONS",
    "accuracy_text",
    "bytes_text",
    "capacity_text",
    "count_text",
    "counted",
    "date_text",
    "date_text_of",
    "duration_text",
    "job_state_text",
    "origin_text",
    "percent",
    "state_text",
]

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def _tr(text: str) -> str:
    return QCoreApplication.translate("Wording", text)


def count_text(count: float) -> str:
    """Return a whole number with its thousands apart: ``1,240``."""
    return QLocale.c().toString(float(count), "f", 0) if abs(count) < 1000 else f"{count:,.0f}"


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as ``20.3 %``, or a dash."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def accuracy_text(accuracy: float | None, ci95: float | None) -> str:
    """Return an accuracy with the half width of its 95 % interval: ``96.1 ± 0.6 %``; a dash where none is known."""
    if accuracy is None or math.isnan(accuracy):
        return "–"
    if ci95 is None or math.isnan(ci95):
        return _tr("{accuracy} (interval unknown)").format(accuracy=percent(accuracy))
    return f"{100 * accuracy:.1f} ± {100 * ci95:.1f} %"


def duration_text(seconds: float | None) -> str:
    """Return a time that something takes: ``40 s``, ``3 min``, ``2 h 05 min``, ``3 d 4 h``; a dash where unknown."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    seconds = max(0.0, seconds)
    if seconds < _MINUTE_S:
        return _tr("{seconds} s").format(seconds=round(seconds))
    if seconds < _HOUR_S:
        return _tr("{minutes} min").format(minutes=math.ceil(seconds / _MINUTE_S))
    if seconds < _DAY_S:
        minutes = int(seconds // _MINUTE_S)
        return _tr("{hours} h {minutes:02} min").format(hours=minutes // 60, minutes=minutes % 60)
    hours = int(seconds // _HOUR_S)
    return _tr("{days} d {hours} h").format(days=hours // 24, hours=hours % 24)


def bytes_text(count: float) -> str:
    """Return a size: ``512 MB``."""
    return QLocale.c().formattedDataSize(int(count), 1 if count >= 1e9 else 0, QLocale.DataSizeFormat.DataSizeSIFormat)


def capacity_text(capacity: Capacity, tasks_per_s: float) -> str:
    """Return how close to the machine's limit a pace is: ``26 GFLOP/s (22 % of this machine)``."""
    flops, share = capacity.reached(tasks_per_s)
    return _tr("{gflops} GFLOP/s ({share} % of this machine)").format(
        gflops=f"{flops / 1e9:.3g}", share=f"{100 * share:.0f}"
    )


def date_text(stamp: str) -> str:
    """Return a moment in UTC, in ISO 8601, as a person here writes it; nothing where there is none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def date_text_of(timestamp: float) -> str:
    """Return a moment in seconds since 1970, as a person here writes it; nothing where there is none."""
    try:
        return datetime.fromtimestamp(timestamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def job_state_text(job: Job) -> str:
    """Return where a job stands; of one that waits also for what."""
    if job.is_waiting and job.is_held:
        return _tr("waits for you")
    if job.is_waiting and job.wanted is Wanted.FINISH:
        return _tr("waits to be finished")
    return state_text(job.state)


def state_text(state: State) -> str:
    """Return a state as a word."""
    return {
        State.QUEUED: _tr("waiting"),
        State.PREPARING: _tr("preparing"),
        State.RUNNING: _tr("running"),
        State.PAUSING: _tr("pausing…"),
        State.PAUSED: _tr("paused"),
        State.FINISHING: _tr("finishing…"),
        State.FINISHED: _tr("finished"),
        State.FAILED: _tr("failed"),
        State.DISCARDING: _tr("discarding…"),
        State.DISCARDED: _tr("discarded"),
        State.INTERRUPTED: _tr("interrupted"),
    }[state]


def origin_text(origin: Origin) -> str:
    """Return where a run comes from: ``goes on from 20261120-… at 2,000``."""
    name = PurePath(origin.run).name
    if origin.kind == "extended":
        return _tr("goes on from {run} at {iteration}").format(run=name, iteration=count_text(origin.iteration or 0))
    if origin.iteration is None:
        return _tr("starts from the best of {run}").format(run=name)
    return _tr("starts from {run} at {iteration}").format(run=name, iteration=count_text(origin.iteration))


STATE_ICONS: dict[State, tuple[str, str]] = {
    State.QUEUED: ("mdi6.clock-outline", "quiet"),
    State.PREPARING: ("mdi6.progress-clock", "accent"),
    State.RUNNING: ("mdi6.play", "accent"),
    State.PAUSING: ("mdi6.pause", "accent"),
    State.PAUSED: ("mdi6.pause", "quiet"),
    State.FINISHING: ("mdi6.flag-checkered", "accent"),
    State.FINISHED: ("mdi6.check-circle", "good"),
    State.FAILED: ("mdi6.close-circle", "bad"),
    State.DISCARDING: ("mdi6.delete-outline", "accent"),
    State.DISCARDED: ("mdi6.delete-outline", "quiet"),
    State.INTERRUPTED: ("mdi6.alert", "warning"),
}
"""Icon and token of each state."""
