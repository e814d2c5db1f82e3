"""What can be wrong with pictures and the folders they lie in."""

from __future__ import annotations

from typing import Any

from metastudio.errors import DataError, Problem, Severity, problem


class Cancelled(Exception):  # noqa: N818 - not an error: the person asked for it
    """The person stopped a scan or an import; nothing was changed."""


class UnreadableImage(DataError):  # noqa: N818 - the name says what the file is
    """One file that cannot be shown; `.problem` says why, and the others go on."""

    def __init__(self, reason: Problem) -> None:
        self.problem = reason
        fields: dict[str, Any] = reason.message.fields
        super().__init__(reason.message.template, where=reason.where, **fields)


def unreadable(path: str, template: str, *, todo: str = "", code: str = "unreadable", **fields: Any) -> UnreadableImage:
    """Make the error for the file `path`; `template` says what is wrong with it."""
    return UnreadableImage(problem(code, template, where=path, todo=todo, severity=Severity.WARNING, **fields))


def some_of(names: list[str], at_most: int = 5) -> str:
    """Return the first names and how many more there are: ``a, b, c and 12 more``."""
    shown = ", ".join(names[:at_most])
    return f"{shown} and {len(names) - at_most} more" if len(names) > at_most else shown
