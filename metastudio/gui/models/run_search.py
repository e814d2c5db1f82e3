"""What a person types to find runs: words, tags and comparisons, all of which must hold."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence

from metastudio.gui.models.run_columns import RunColumn
from metastudio.gui.models.run_rows import RunRow

Holds = Callable[[RunRow], bool]

_COMPARISON = re.compile(r"([a-z_]+)(>=|<=|>|<|=)(-?[0-9.]+(?:e-?[0-9]+)?)%?")
_OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}
_TAG = "tag:"


def search(text: str, columns: Sequence[RunColumn]) -> Holds:
    """Return whether a row is what `text` looks for: ``maml tag:paper accuracy>90 inner_lr=0.01``.

    A word stands anywhere in name, method, task, folder or tags. A comparison names a column that has numbers,
    accuracies in percent; where there is no such column, or no such number, it is a word like others.
    """
    parts = [_part(each, columns) for each in text.casefold().split()]
    return lambda row: all(holds(row) for holds in parts)


def _part(word: str, columns: Sequence[RunColumn]) -> Holds:
    if word.startswith(_TAG) and len(word) > len(_TAG):
        return lambda row: any(tag.casefold().startswith(word[len(_TAG) :]) for tag in row.tags)
    if (found := _COMPARISON.fullmatch(word)) is not None:
        number = next((each.number for each in columns if each.key == found[1]), None)
        value = _value(found[3])
        if number is not None and value is not None:
            compares = _OPERATORS[found[2]]
            return lambda row: (own := number(row)) is not None and bool(compares(own, value))
    return lambda row: word in " ".join((row.name, row.method, row.task, row.run.name, *row.tags)).casefold()


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
