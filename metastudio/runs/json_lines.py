"""Models as lines of ASCII JSON, and back: with the names of files that no encoding knows, which pydantic refuses."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import BaseModel


def to_json_line(model: BaseModel) -> str:
    """Return a model as one line of ASCII JSON, without the line end; numbers that are none become words ("NaN")."""
    values = model.model_dump(mode="json")
    try:
        return json.dumps(values, ensure_ascii=True, allow_nan=False)
    except ValueError:
        return json.dumps(_in_words(values), ensure_ascii=True, allow_nan=False)


def from_json_line(line: str | bytes) -> Any:
    """Return the plain values of one line.

    Raises:
        ValueError: if it is no JSON, or nested too deep.
    """
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _in_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_words(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
