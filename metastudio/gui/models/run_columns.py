"""The columns that the table of runs can have: what stands in each, and what it is sorted by."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from metastudio.gui.models.run_rows import RunRow
from metastudio.gui.wording import accuracy_text, count_text, date_text, duration_text, state_text

SortKey = float | str


@dataclass(frozen=True)
class RunColumn:
    """One column. `key` is its name in the settings and in a search; `number` is what a search compares."""

    key: str
    title: str
    text: Callable[[RunRow], str]
    number: Callable[[RunRow], float | None] | None = None
    width_px: int = 90
    is_usual: bool = False

    def sort_key(self, row: RunRow) -> SortKey:
        """Return what rows are sorted by; what has no number comes below all that have."""
        if self.number is None:
            return self.text(row).casefold()
        value = self.number(row)
        return -math.inf if value is None else value


NAME, METHOD, TASK, STATE, ACCURACY, ITERATIONS, DURATION, STARTED = range(8)
"""Places of the columns that a new project shows."""


def run_columns() -> tuple[RunColumn, ...]:
    """Return all columns in their order, in the person's language."""
    return (
        RunColumn("name", _tr("name"), lambda row: row.name, width_px=160, is_usual=True),
        RunColumn("method", _tr("method"), lambda row: row.method, width_px=140, is_usual=True),
        RunColumn("task", _tr("task"), lambda row: row.task, width_px=52, is_usual=True),
        RunColumn("state", _tr("state"), _state, width_px=116, is_usual=True),
        RunColumn(
            "accuracy",
            _tr("best on meta-val"),
            lambda row: accuracy_text(row.accuracy, row.ci95),
            lambda row: _percent(row.accuracy),
            width_px=122,
            is_usual=True,
        ),
        RunColumn(
            "iterations",
            _tr("iterations"),
            lambda row: f"{count_text(row.iteration)} / {count_text(row.iterations)}",
            lambda row: row.iteration,
            width_px=112,
            is_usual=True,
        ),
        RunColumn(
            "trained",
            _tr("trained for"),
            lambda row: duration_text(row.elapsed_s) if row.elapsed_s else "–",
            lambda row: row.elapsed_s,
            width_px=84,
            is_usual=True,
        ),
        RunColumn("started", _tr("started"), lambda row: date_text(row.started_at), width_px=136, is_usual=True),
        RunColumn(
            "test",
            _tr("meta-test"),
            lambda row: accuracy_text(row.test_accuracy, row.test_ci95),
            lambda row: _percent(row.test_accuracy),
            width_px=104,
        ),
        RunColumn("tags", _tr("tags"), lambda row: ", ".join(row.tags), width_px=120),
        RunColumn("backbone", _tr("backbone"), lambda row: row.backbone),
        _number("inner_lr", _tr("inner rate"), lambda row: row.inner_lr),
        _number("inner_steps", _tr("inner steps"), lambda row: row.inner_steps),
        _number("outer_lr", _tr("outer rate"), lambda row: row.outer_lr),
        _number("meta_batch_size", _tr("tasks a step"), lambda row: row.meta_batch_size),
        _number("parameters", _tr("parameters"), lambda row: row.parameters),
        _number("seed", _tr("seed"), lambda row: row.seed, width_px=60),
        RunColumn("device", _tr("device"), lambda row: row.device, width_px=70),
    )


def _number(key: str, title: str, value: Callable[[RunRow], float | None], *, width_px: int = 86) -> RunColumn:
    def text(row: RunRow) -> str:
        found = value(row)
        if found is None:
            return "–"
        return count_text(found) if found == round(found) else f"{found:.4g}"

    return RunColumn(key, title, text, value, width_px)


def _state(row: RunRow) -> str:
    return _tr("cannot be read") if row.state is None else state_text(row.state)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _tr(text: str) -> str:
    return QCoreApplication.translate("RunColumns", text)
