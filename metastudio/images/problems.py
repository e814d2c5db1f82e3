"""What can be wrong with pictures and the folders they lie in."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
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


def without_places(found: Problem, gone: Collection[str]) -> Problem | None:
    """Return a problem without the places that are gone, or nothing where it has no other; its numbers follow."""
    places = (found.where, *found.others)
    left = [place for place in places if place not in gone]
    if len(left) == len(places):
        return found
    if not left:
        return None
    fields = dict(found.message.fields)
    if fields.get("count") == len(places):
        fields["count"] = len(left)
    if "names" in fields:
        fields["names"] = some_of([os.path.basename(place) for place in left])  # noqa: PTH119 - any string is a path
    message = replace(found.message, fields=fields)
    return replace(found, message=message, where=left[0], others=tuple(left[1:]))


def some_of(names: list[str], at_most: int = 5) -> str:
    """Return the first names and how many more there are: ``a, b, c and 12 more``."""
    shown = ", ".join(names[:at_most])
    return f"{shown} and {len(names) - at_most} more" if len(names) > at_most else shown
