"""What every typed configuration is made of: a frozen model whose fields each explain themselves.

From one declaration come the form, the `--set` flag, the TOML, the help page and the validation.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict


class Settings(BaseModel):
    """A frozen configuration; unknown names are errors, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def option(
    default: Any = ..., *, title: str, help: str, unit: str = "", advanced: bool = False, **constraints: Any
) -> Any:
    """Declare one option.

    Args:
        default: The value where the person gives none; left out, the option must be given.
        title: What the form calls it.
        help: One sentence that says what happens when it is raised or switched on.
        unit: What a number counts ("steps", "px").
        advanced: Hidden in the form until asked for.
        constraints: Bounds as pydantic takes them (`ge`, `gt`, `le`, `lt`, `min_length` …).
    """
    extra: JsonDict = {"unit": unit, "advanced": advanced}
    if "default_factory" in constraints:
        return Field(title=title, description=help, json_schema_extra=extra, **constraints)
    return Field(default, title=title, description=help, json_schema_extra=extra, **constraints)
