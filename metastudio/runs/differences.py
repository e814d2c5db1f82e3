"""In which options some experiments differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LEFT_OUT = ("name", "schema_version", "data.folders", "targets", "exports")
"""What says nothing of how a run was trained."""


def differences(experiments: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the options in which experiments differ, each with its value in every one; "–" where it has none."""
    flat = [flattened(each) for each in experiments]
    names = dict.fromkeys(name for each in flat for name in each if not name.startswith(_LEFT_OUT))
    rows = {name: tuple(str(each.get(name, "–")) for each in flat) for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as dotted names."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{name}.")
        else:
            flat[name] = value
    return flat
