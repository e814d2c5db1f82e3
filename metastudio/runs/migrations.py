"""Upgrades of files that an older MetaStudio wrote: one numbered step a version, each with a test."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

Step = Callable[[dict[str, Any]], dict[str, Any]]

PROJECT_STEPS: list[Step] = []
"""The step at place i makes version i + 2 of ``project.toml`` of version i + 1."""


def current_version(steps: Sequence[Step]) -> int:
    """Return the version that all steps lead to; the first one is 1."""
    return len(steps) + 1


def upgraded(values: dict[str, Any], version: int, steps: Sequence[Step]) -> dict[str, Any]:
    """Return `values` of `version` as values of the current version: the same object where it is current."""
    for step in steps[max(0, version - 1) :]:
        values = step(copy.deepcopy(values))
    return values
